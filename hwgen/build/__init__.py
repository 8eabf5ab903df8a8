"""From a Design to a bitstream for a board.

:mod:`hwgen.build.pins` finds the pins, :mod:`hwgen.build.constraints` writes them for the tools,
:mod:`hwgen.build.attempt` runs them once, :mod:`hwgen.build.bitstream` until a clock is met,
and :mod:`hwgen.build.record` is what the runtime must know of the result.
"""
