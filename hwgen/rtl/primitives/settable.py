"""Numbers that synthesis does not see, so that a design that is routed can be given others."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["CELLS", "Settable"]

CELLS = {"ecp5": ("LUT4", "INIT", "ABCD", "Z"),
         "ice40": ("SB_LUT4", "LUT_INIT", ("I0", "I1", "I2", "I3"), "O"),
         "gowin": ("LUT4", "INIT", ("I0", "I1", "I2", "I3"), "F")}
"""A LUT of each family, the name of its contents, its inputs and its output."""


class Settable(wiring.Component):
    """A number, each of its bits from a LUT that is the same whatever its inputs are.

    Parameters
    ----------
    value, width : int
        The number, and how many bits it has.
    family : str
        Of ``generic`` it is a constant like any other.

    Members
    -------
    o : Out(width)
    """

    o: Value

    def __init__(self, value: int, width: int, family: str = "generic") -> None:
        self.value = value
        self.width = width
        self.family = family
        super().__init__({"o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.family == "generic":
            m.d.comb += self.o.eq(self.value)
            return m
        cell, contents, inputs, output = CELLS[self.family]
        for index, bit in enumerate(self.o):
            m.submodules[f"bit_{index}"] = Instance(
                cell, **{f"p_{contents}": Const(0xffff * (self.value >> index & 1), 16)},
                **{f"i_{name}": Const(0, 1) for name in inputs}, **{f"o_{output}": bit},
                a_keep=1)
        return m
