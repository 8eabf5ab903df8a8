"""Golden twins of :mod:`hwgen.rtl.dot`."""
