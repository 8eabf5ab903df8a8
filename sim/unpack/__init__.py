"""Benches of :mod:`hwgen.rtl.unpack`."""
