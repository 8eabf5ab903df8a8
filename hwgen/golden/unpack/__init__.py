"""Golden twins of :mod:`hwgen.rtl.unpack`."""
