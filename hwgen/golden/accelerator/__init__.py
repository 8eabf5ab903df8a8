"""Golden twins of :mod:`hwgen.rtl.accelerator`."""
