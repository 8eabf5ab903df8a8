"""The host's side of an accelerator: how it is loaded, started and read, on a board or simulated.

:mod:`hwgen.arch.frames` is what travels on the wire, :mod:`hwgen.runtime.link` the wire,
:mod:`hwgen.runtime.client` reads and writes memory over one, and
:mod:`hwgen.runtime.accelerator` knows what the memory means.
"""
