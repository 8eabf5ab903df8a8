"""Gowin GW1N and GW2A: the DSP block's multipliers, and memories of LUTs."""

from amaranth import *

from . import generic
from .generic import MultiplierBase

__all__ = ["LUT_DEPTH", "LUT_MEMORY", "SMALL_WIDTH", "WIDTH", "LutSinglePortRam", "Multiplier"]

LUT_DEPTH = 128
"""Words of a memory that LUTs hold better than a block RAM, of which these chips have 26 and more:
eight LUT memories for four bits of them."""

LUT_MEMORY = {"ram_style": "distributed"}
"""What has synthesis make a memory of LUTs."""

SMALL_WIDTH = 9
"""Bits of a signed operand of a MULT9X9, of which a DSP block holds twice as many."""

WIDTH = 18
"""Bits of a signed operand of a MULT18X18."""


def signed_width(shape: Shape) -> int:
    """Return the bits of the signed operand that holds a ``shape``."""
    return shape.width + (not shape.signed)


class Multiplier(MultiplierBase):
    """Equal to :class:`generic.Multiplier`, in one MULT9X9 or, for wider operands, one MULT18X18.

    All registers of the cell share one clock enable, so ``b`` is stored beside it. The cell's
    input registers follow, and therefore ``a`` has a register beside the cell too, which synthesis
    merges with any other that stores the same operand in each cycle. To the cell every operand is
    signed.

    Parameters
    ----------
    a_shape, b_shape : Shape
        As for :class:`generic.Multiplier`, up to 18 bits signed, 17 bits unsigned.
    """

    def __init__(self, a_shape: Shape, b_shape: Shape) -> None:
        for name, shape in (("a", a_shape), ("b", b_shape)):
            if signed_width(shape) > WIDTH:
                raise ValueError(f"Operand {name} must fit {WIDTH} bits signed, not {shape!r}")
        super().__init__(a_shape, b_shape)

    @property
    def width(self) -> int:
        """Bits of an operand of the cell: :data:`SMALL_WIDTH` or :data:`WIDTH`."""
        widest = max(signed_width(self.a_shape), signed_width(self.b_shape))
        return SMALL_WIDTH if widest <= SMALL_WIDTH else WIDTH

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal(signed(self.width))
        b = Signal(signed(self.width))
        stored_a, stored_b = self._store(m, "stored_")
        product = Signal(2 * self.width)
        m.d.comb += [a.eq(stored_a), b.eq(stored_b), self.p.eq(product)]
        m.submodules.dsp = Instance(
            f"MULT{self.width}X{self.width}",
            # One bit each: gowin_pack takes a 0 of any other width for a 1.
            p_AREG=Const(1, 1), p_BREG=Const(1, 1), p_PIPE_REG=Const(0, 1), p_OUT_REG=Const(1, 1),
            p_ASIGN_REG=Const(0, 1), p_BSIGN_REG=Const(0, 1), p_SOA_REG=Const(0, 1),
            p_MULT_RESET_MODE="SYNC",
            i_CLK=ClockSignal(), i_CE=Const(1, 1), i_RESET=Const(0, 1),
            i_ASIGN=Const(1, 1), i_BSIGN=Const(1, 1),
            i_ASEL=Const(0, 1), i_BSEL=Const(0, 1),
            i_SIA=Const(0, self.width), i_SIB=Const(0, self.width),
            i_A=a, i_B=b,
            o_DOUT=product,
        )
        return m


class LutSinglePortRam(generic.SinglePortRam):
    """Equal to :class:`generic.SinglePortRam`, in LUTs."""

    attrs = generic.UNCHECKED | LUT_MEMORY
