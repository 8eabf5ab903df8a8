"""Benches of :mod:`hwgen.rtl.binary`."""
