"""Benches of :mod:`hwgen.rtl.links`."""
