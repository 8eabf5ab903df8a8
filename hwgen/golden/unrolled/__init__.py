"""Golden twin of :mod:`hwgen.rtl.unrolled`."""
