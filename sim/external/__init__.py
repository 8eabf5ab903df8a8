"""Bench and models of :mod:`hwgen.rtl.external`."""
