"""Golden twins of :mod:`hwgen.rtl.links`."""
