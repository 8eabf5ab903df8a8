"""Benches of :mod:`hwgen.rtl.tops`."""
