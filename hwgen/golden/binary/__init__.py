"""Golden twins of :mod:`hwgen.rtl.binary`."""
