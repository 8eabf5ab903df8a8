"""Golden twins of :mod:`hwgen.rtl.sparse`."""
