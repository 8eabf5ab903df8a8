"""Benches of :mod:`hwgen.rtl.accelerator`: whole accelerators, and their lanes."""
