"""Golden twins of :mod:`hwgen.rtl.bitserial`."""
