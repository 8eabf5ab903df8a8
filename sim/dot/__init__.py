"""Benches of :mod:`hwgen.rtl.dot`."""
