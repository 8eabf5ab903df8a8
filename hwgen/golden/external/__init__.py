"""Golden twins of :mod:`hwgen.rtl.external`."""
