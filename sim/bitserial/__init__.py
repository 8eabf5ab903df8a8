"""Benches of :mod:`hwgen.rtl.bitserial`."""
