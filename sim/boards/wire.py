"""A link to a simulated board through the two wires of its serial port, in simulated time."""

from pathlib import Path

from hwgen.runtime.simulation import SimulatedLink

from .serial_line import QUIET, Noise, main

__all__ = ["SerialWire"]

MAIN = Path(__file__).with_suffix(".cpp")


class SerialWire(SimulatedLink):
    """A link through a serial line, whose noise is the same whenever it is run.

    Unlike :class:`sim.boards.pins.Pins` it knows no time but the cycles of the design, so
    inferences by the thousand can be run as fast as the simulator can.

    Parameters
    ----------
    verilog : str
        A design whose top module has ``clk``, ``rst``, ``rx`` and ``tx``.
    top : str
        That module.
    divisor : int
        Cycles of a bit.
    noise : Noise
    """

    name = "the simulated board at a serial line"
    ahead = 0

    def __init__(self, verilog: str, *, top: str, divisor: int, noise: Noise = QUIET) -> None:
        super().__init__(verilog, top=top, main=main(MAIN), optimise=3,
                         arguments=[str(divisor), *noise.words()])
