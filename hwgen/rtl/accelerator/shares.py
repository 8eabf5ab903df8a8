"""Rows of bytes, one by one: the greatest of a row, a sum of powers, and the share of each byte."""

from typing import Any

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives.pipeline import later
from .lane_product import lane_product

__all__ = ["EVENT", "Shares", "Turn"]

POWER = 31
"""Bits of a power of e, which stands for at most 1."""
COUNT = 256
"""Powers: one for each distance of a byte from the greatest."""
SUMMED = 12
"""Bits less of a power that is added up."""
LINE, SLOPE = 1515870810, -1010580540
"""The line from which Newton's method begins: 48/17 - 32/17 of a number from 1/2 to 1, in Q2."""
TURN = 7
"""Cycles of one of its products."""


class Turn(enum.Enum, shape=2):
    """What a byte is read for."""

    NONE = 0
    GREATEST = 1
    SUM = 2
    SHARE = 3


EVENT = data.StructLayout({"turn": Turn, "first": 1, "last": 1})
"""A byte that comes, the first or the last of its row."""


class Shares(wiring.Component):
    """Find the share of each byte of a row in the row's sum of powers, in 256ths, less 128.

    A row comes three times: its greatest byte is found, then powers of the distances from it are
    added up, then each gives a share. Between the latter two are :attr:`gap` cycles, in which the
    greatest byte of the next row may be found. :func:`hwgen.network.fixed_point.shares` has the
    arithmetic.

    Parameters
    ----------
    family : str
        FPGA family.
    hard : bool
        Whether it multiplies in DSP blocks.

    Members
    -------
    event : In(EVENT), byte : In(signed(8))
    write : In(1), index : In(8), power : In(31)
        A power of e, of that distance. That of 0 is 1, whatever is written.
    valid, last : Out(1), share : Out(8)
        Of bytes that come for their share, :attr:`latency` cycles later.
    """

    event: Any
    byte: Value
    write: Value
    index: Value
    power: Value
    valid: Value
    last: Value
    share: Value

    latency = 13
    interval = 1
    gap = 56
    """Cycles from the last byte that is added up until the first one that gets its share."""

    def __init__(self, family: str = "generic", *, hard: bool = False) -> None:
        self.family = family
        self.hard = hard
        super().__init__({
            "event": In(EVENT), "byte": In(signed(8)),
            "write": In(1), "index": In(range(COUNT)), "power": In(POWER),
            "valid": Out(1), "last": Out(1), "share": Out(8),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        event: Any = later(m, self.event, 1, "event", reset=True)
        byte = later(m, self.byte, 1, "byte")
        distance = self._distance(m, event, byte)
        powers = primitives.add_ram(m, platform, "powers", self.family, POWER, COUNT)
        m.d.comb += [
            powers.write.eq(self.write), powers.write_address.eq(self.index),
            powers.write_data.eq(self.power | (self.index == 0).replicate(POWER)),
            powers.read_address.eq(distance),
        ]
        event = later(m, event, 3, "late", reset=True)
        power, total, summed = powers.read_data, Signal(POWER), Signal()
        part = Signal(POWER - SUMMED + 1, reset_less=True)
        adding: Any = later(m, event, 1, "adding", reset=True)
        m.d.sync += [part.eq((power + (1 << SUMMED - 1)) >> SUMMED),
                     summed.eq((adding.turn == Turn.SUM) & adding.last)]
        with m.If(adding.turn == Turn.SUM):
            m.d.sync += total.eq(part + Mux(adding.first, 0, total))

        shares = event.turn == Turn.SHARE
        rounded, shift = self._multiply(m, platform, power, shares, total, summed)
        # Half of what is left is added as the last bit but one is cut off.
        halves, whole = Signal(9, reset_less=True), Signal(9)
        m.d.sync += [halves.eq(rounded[POWER - 9:POWER] >> shift),
                     self.share.eq(Mux(whole[8], 255, whole[:8]) ^ 0x80)]
        m.d.comb += whole.eq((halves + 1) >> 1)
        rest = self.latency - 4
        m.d.comb += Cat(self.valid, self.last).eq(later(
            m, Cat(shares, shares & event.last), rest, "valid", reset=True))
        return m

    def _distance(self, m: Module, event: Any, byte: Value) -> Value:
        """Return how far a byte is from the greatest one, a cycle later."""
        greatest, current = (Signal(signed(8), name=name, reset_less=True)
                             for name in ("greatest", "current"))
        begins = (event.turn == Turn.SUM) & event.first
        with m.If((event.turn == Turn.GREATEST) & (event.first | (byte > greatest))):
            m.d.sync += greatest.eq(byte)
        with m.If(begins):
            m.d.sync += current.eq(greatest)
        distance = Signal(range(COUNT), reset_less=True)
        m.d.sync += distance.eq((Mux(begins, greatest, current) - byte)[:8])
        return distance

    def _multiply(self, m: Module, platform: object, power: Value, shares: Value, total: Value,
                  summed: Value) -> tuple[Value, Value]:
        """Return a power times the reciprocal of the sum, and by what it is shifted.

        The reciprocal takes three steps of Newton's method, which multiply before the powers do.
        """
        x, y = Signal(signed(32), reset_less=True), Signal(POWER, reset_less=True)
        product = lane_product(m, platform, x, y, family=self.family, hard=self.hard, sites=())
        rounded = Signal(signed(32), reset_less=True)
        m.d.sync += rounded.eq(product[31:].as_signed() + product[30])
        with m.If(shares):
            m.d.sync += x.eq(power)

        cycle, normal = Signal(range(self.gap)), Signal(POWER, reset_less=True)
        moved, shift = Signal(4), Signal(4, reset_less=True)
        with m.If(summed):
            m.d.sync += [cycle.eq(1), normal.eq(total), moved.eq(0)]
        with m.Elif(cycle.any()):
            m.d.sync += cycle.eq(Mux(cycle == self.gap - 1, 0, cycle + 1))
        first = 5 + TURN  # in which a product is there
        with m.Switch(cycle):
            for bit in range(4):
                with m.Case(4 - bit):
                    by = 1 << bit
                    with m.If(~normal[POWER - by:].any()):
                        m.d.sync += [normal.eq(normal << by), moved[bit].eq(1)]
            with m.Case(5):
                m.d.sync += [x.eq(SLOPE), y.eq(normal)]
            with m.Case(first):
                m.d.sync += [y.eq(rounded + LINE), x.eq(normal)]
            with m.Case(*(first + turn * TURN for turn in (1, 3, 5))):
                m.d.sync += x.eq((1 << 29) - rounded)
            with m.Case(*(first + turn * TURN for turn in (2, 4, 6))):
                m.d.sync += [y.eq(y + (rounded << 2)), x.eq(normal)]
            with m.Case(self.gap - 1):
                m.d.sync += [y.eq(Mux(y[-1], (1 << POWER) - 1, y << 1)), shift.eq(11 - moved)]
        return rounded, shift
