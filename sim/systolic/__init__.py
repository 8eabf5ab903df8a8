"""Benches of :mod:`hwgen.rtl.systolic`."""
