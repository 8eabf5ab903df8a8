"""Benches of :mod:`hwgen.rtl.sparse`."""
