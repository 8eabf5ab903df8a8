"""Golden twins of :mod:`hwgen.rtl.systolic`."""
