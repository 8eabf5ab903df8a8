"""Lattice iCE40 UltraPlus: the DSP block, as two small multipliers or one wide one."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from . import generic
from .generic import LATENCY, MultiplierBase, MultiplierSignature

__all__ = ["DEPTH", "LANE_WIDTH", "LEAST_DEPTH", "WIDTH", "CommonPair", "LongMultiplier",
           "Multiplier", "MultiplierPair", "SinglePortRam", "register"]

LANE_WIDTH = 8
"""Bits of an operand in each half of a DSP block."""

WIDTH = 16
"""Bits of an operand of a whole DSP block."""


DEPTH = 16384
"""Words of a large memory, of :data:`WIDTH` bits."""

LEAST_DEPTH = 2048
"""Below this block RAMs do, of which there are more."""


def register(m: Module, bit: Value, name: str) -> Value:
    """Return ``bit``, a cycle later, from a register that synthesis does not merge with others."""
    stored = Signal(name=name)
    m.submodules[name] = Instance("SB_DFF", i_C=ClockSignal(), i_D=bit, o_Q=stored)
    return stored


def check(a_shape: Shape, b_shape: Shape, width: int) -> None:
    """Raise where an operand is wider than the cell."""
    for name, shape in (("a", a_shape), ("b", b_shape)):
        if shape.width > width:
            raise ValueError(f"Operand {name} must have at most {width} bits, not {shape.width}")


def mac16(a: Value, b: Value, o: Value, *, a_signed: bool, b_signed: bool, b_hold: Value,
          halves: bool, late: bool = False, added: Value | None = None, registers: int = 3,
          ) -> Instance:
    """Return an SB_MAC16 that multiplies, with registers at its inputs and behind each product.

    Every parameter and every input is named, since a tool may have defaults of its own. The
    adders are bypassed: with ``halves`` the output is the two 8x8 products, else the 16x16 one,
    a cycle later. With ``late`` the two products come as late as that, too: by way of the adders,
    which add 0 to them, and their registers.

    With ``added``, 32 bits, the 16x16 product comes by way of the adders, which add that to it
    ``registers`` cycles later, 2 or 3, and a cycle before it is there.
    """
    select = 1 if late or added is not None else 2 if halves else 3
    lower = 2 if added is not None else int(late)
    upper = late or added is not None
    c, d = (Const(0, 16),) * 2 if added is None else (added[WIDTH:], added[:WIDTH])
    return Instance(
        "SB_MAC16",
        p_NEG_TRIGGER=Const(0, 1),
        p_A_REG=Const(1, 1), p_B_REG=Const(1, 1), p_C_REG=Const(0, 1), p_D_REG=Const(0, 1),
        p_TOP_8x8_MULT_REG=Const(1, 1),
        p_BOT_8x8_MULT_REG=Const(1, 1),
        p_PIPELINE_16x16_MULT_REG1=Const(not halves, 1),
        p_PIPELINE_16x16_MULT_REG2=Const(not halves and registers == 3, 1),
        p_TOPOUTPUT_SELECT=Const(select, 2), p_BOTOUTPUT_SELECT=Const(select, 2),
        p_TOPADDSUB_LOWERINPUT=Const(lower, 2), p_BOTADDSUB_LOWERINPUT=Const(lower, 2),
        p_TOPADDSUB_UPPERINPUT=Const(upper, 1), p_BOTADDSUB_UPPERINPUT=Const(upper, 1),
        p_TOPADDSUB_CARRYSELECT=Const(2 if added is not None else 0, 2),
        p_BOTADDSUB_CARRYSELECT=Const(0, 2),
        p_MODE_8x8=Const(halves, 1),
        p_A_SIGNED=Const(a_signed, 1), p_B_SIGNED=Const(b_signed, 1),
        i_CLK=ClockSignal(), i_CE=Const(1, 1),
        i_A=a, i_B=b, i_C=c, i_D=d,
        i_AHOLD=Const(0, 1), i_BHOLD=b_hold, i_CHOLD=Const(0, 1), i_DHOLD=Const(0, 1),
        i_IRSTTOP=Const(0, 1), i_IRSTBOT=Const(0, 1),
        i_ORSTTOP=Const(0, 1), i_ORSTBOT=Const(0, 1),
        i_OLOADTOP=Const(0, 1), i_OLOADBOT=Const(0, 1),
        i_ADDSUBTOP=Const(0, 1), i_ADDSUBBOT=Const(0, 1),
        i_OHOLDTOP=Const(0, 1), i_OHOLDBOT=Const(0, 1),
        i_CI=Const(0, 1), i_ACCUMCI=Const(0, 1), i_SIGNEXTIN=Const(0, 1),
        o_O=o,
    )


class MultiplierPair(wiring.Component):
    """Two of :class:`generic.Multiplier`, in the two halves of one SB_MAC16.

    The lanes share their shapes and nothing else; each takes its ``b`` by its own ``take``. The
    block's own hold covers both halves, so each ``b`` is stored beside the block. Its input
    registers follow, and therefore ``a`` has a register beside the block too, which synthesis
    merges with any other that stores the same operand in each cycle.

    Parameters
    ----------
    a_shape, b_shape : Shape
        As for :class:`generic.Multiplier`, up to :data:`LANE_WIDTH` bits.

    Members
    -------
    lanes : Out(MultiplierSignature(a_shape, b_shape)).array(2)
    """

    lanes: Any

    common = False
    """Whether only the ``take`` of the first lane counts."""
    latency = LATENCY
    interval = 1

    def __init__(self, a_shape: Shape, b_shape: Shape) -> None:
        check(a_shape, b_shape, LANE_WIDTH)
        self.a_shape = a_shape
        self.b_shape = b_shape
        super().__init__({"lanes": Out(MultiplierSignature(a_shape, b_shape)).array(2)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal(2 * LANE_WIDTH)
        b = Signal(2 * LANE_WIDTH)
        o = Signal(4 * LANE_WIDTH)
        for index, lane in enumerate(self.lanes):
            stored_a = Signal(self.a_shape, name=f"a_{index}", reset_less=True)
            stored_b = Signal(self.b_shape, name=f"b_{index}", reset_less=True)
            m.d.sync += stored_a.eq(lane.a)
            with m.If(lane.take):
                m.d.sync += stored_b.eq(lane.b)
            m.d.comb += [
                a.word_select(index, LANE_WIDTH).eq(stored_a),
                b.word_select(index, LANE_WIDTH).eq(stored_b),
                lane.p.eq(o.word_select(index, 2 * LANE_WIDTH)),
            ]
        m.submodules.dsp = mac16(a, b, o, a_signed=self.a_shape.signed,
                                 b_signed=self.b_shape.signed, b_hold=Const(0, 1), halves=True)
        return m


class CommonPair(MultiplierPair):
    """As :class:`MultiplierPair`, for lanes whose ``take`` is the same: nothing beside the block.

    The ``take`` of the first lane counts.
    """

    common = True

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = (Signal(2 * LANE_WIDTH, name=name) for name in ("a", "b"))
        o = Signal(4 * LANE_WIDTH)
        for index, lane in enumerate(self.lanes):
            for whole, operand in ((a, lane.a), (b, lane.b)):
                wide = Signal(Shape(LANE_WIDTH, operand.shape().signed))
                m.d.comb += [wide.eq(operand), whole.word_select(index, LANE_WIDTH).eq(wide)]
            m.d.comb += lane.p.eq(o.word_select(index, 2 * LANE_WIDTH))
        m.submodules.dsp = mac16(a, b, o, a_signed=self.a_shape.signed,
                                 b_signed=self.b_shape.signed, b_hold=~self.lanes[0].take,
                                 halves=True, late=True)
        return m


class Multiplier(MultiplierBase):
    """Equal to :class:`generic.Multiplier`, in one whole SB_MAC16 with its own registers.

    Uses nothing beside the block but an inverter for ``take``.

    Parameters
    ----------
    a_shape, b_shape : Shape
        As for :class:`generic.Multiplier`, up to :data:`WIDTH` bits.
    """

    def __init__(self, a_shape: Shape, b_shape: Shape) -> None:
        check(a_shape, b_shape, WIDTH)
        super().__init__(a_shape, b_shape)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal(Shape(WIDTH, self.a_shape.signed))
        b = Signal(Shape(WIDTH, self.b_shape.signed))
        o = Signal(2 * WIDTH)
        m.d.comb += [a.eq(self.a), b.eq(self.b), self.p.eq(o)]
        m.submodules.dsp = mac16(a, b, o, a_signed=self.a_shape.signed,
                                 b_signed=self.b_shape.signed, b_hold=~self.take, halves=False)
        return m


class LongMultiplier(generic.LongMultiplier):
    """Equal to :class:`generic.LongMultiplier`, in two SB_MAC16 and 16 registers.

    The adders of the blocks put the two products together: the one of the lower half of ``a`` is a
    cycle ahead, and its upper bits are added to the other.

    Parameters
    ----------
    width : int
        Up to :data:`WIDTH`.
    more : int
        With which the product of the lower half has no more than 32 bits.
    b_signed : bool
    """

    def __init__(self, width: int, more: int = 0, b_signed: bool = False) -> None:
        if not 1 <= width <= WIDTH:
            raise ValueError(f"Width must be from 1 to {WIDTH}, not {width!r}")
        most = (1 << 2 * WIDTH - b_signed) - 1 - ((1 << WIDTH) - 1) * ((1 << width - b_signed) - 1)
        if not 0 <= more <= most:
            raise ValueError(f"More must be from 0 to {most}, not {more!r}")
        super().__init__(width, more, b_signed)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        signed_b = self.b_shape.signed
        b = Signal(Shape(WIDTH, signed_b))
        low, high = Signal(2 * WIDTH), Signal(2 * WIDTH)
        lowest = Signal(WIDTH, reset_less=True)
        m.d.sync += lowest.eq(low)
        m.d.comb += [b.eq(self.b), self.p.eq(Cat(lowest, high))]
        above = low[-1].replicate(WIDTH) if signed_b else Const(0, WIDTH)
        m.submodules.low = mac16(
            self.a[:WIDTH], b, low, a_signed=False, b_signed=signed_b, b_hold=Const(0, 1),
            halves=False, added=Const(self.more, 2 * WIDTH), registers=2)
        m.submodules.high = mac16(
            self.a[WIDTH:], b, high, a_signed=True, b_signed=signed_b, b_hold=Const(0, 1),
            halves=False, added=Cat(low[WIDTH:], above))
        return m


class SinglePortRam(generic.SinglePortRam):
    """Equal to :class:`generic.SinglePortRam`, in SB_SPRAM256KA."""

    blank = True

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shown = Signal(self.width, reset_less=True)
        for low in range(0, self.width, WIDTH):
            high = min(low + WIDTH, self.width)
            read = Signal(WIDTH, name=f"read_{low}")
            m.submodules[f"ram_{low}"] = Instance(
                "SB_SPRAM256KA",
                i_CLOCK=ClockSignal(), i_CHIPSELECT=Const(1, 1), i_STANDBY=Const(0, 1),
                i_SLEEP=Const(0, 1), i_POWEROFF=Const(1, 1),  # active low
                i_ADDRESS=Cat(self.address, Const(0, 14 - len(self.address))),
                i_DATAIN=Cat(self.write_data[low:high], Const(0, WIDTH - (high - low))),
                i_MASKWREN=Const(0b1111, 4), i_WREN=self.write, o_DATAOUT=read)
            m.d["comb" if self.quick else "sync"] += shown[low:high].eq(read)
        m.d.comb += self.read_data.eq(shown)
        return m
