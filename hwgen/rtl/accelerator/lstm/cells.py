"""Cells of an LSTM: from sums to what a cell holds and gives, one cell after the other."""

from typing import Any

from amaranth import *

from ....arch.lstm import CELL
from ...primitives.pipeline import later
from .curves import CURVE, GATE_AMOUNT, PRODUCT, RESCALE, curve, product, rescale, saturate
from .sums import GateSums

__all__ = ["Cells"]

SHIFT = -14
"""Of what a cell keeps, with a multiplier of a half; what enters it is shifted by more."""


class Cells:
    """Rescale sums, which are those of inputs and of cells for each gate, and update cells.

    Gates come in the order forget, input, cell, output. From when the last sum of a cell is
    rescaled it takes so many cycles as :data:`hwgen.arch.lstm.CELL` says. The sums of the next cell
    come meanwhile, the last of them no sooner than so many cycles behind that of the cell before,
    and no two in successive cycles.

    Parameters
    ----------
    m : Module
    platform : object
    family : str
    sums : GateSums
    held : Value
        What the cell holds, from ``turn`` :attr:`HELD` on.

    Members
    -------
    begins : Signal
        All sums of a cell are there.
    turn : Signal
        Cycles from then on, and 0 where no cell is under way.
    holds, gives : Signal
        What it does, from ``turn`` :attr:`HOLDS` and :attr:`GIVES` on.
    """

    HELD = CURVE + 1
    ENTERS = HELD + 2
    KEPT = HELD + 1 + PRODUCT
    RESCALED = KEPT + 2 + 2 + 1 + RESCALE + 1
    HOLDS = RESCALED + 2
    LEAVES = HOLDS + 1 + CURVE
    GIVEN = LEAVES + 1 + PRODUCT
    GIVES = GIVEN + 2 + 1 + RESCALE + 2

    def __init__(self, m: Module, platform: object, family: str, sums: GateSums,
                 held: Value) -> None:
        own: Any = sums.own
        self.clip, self.amount, self.zero_point = (
            own.bias[:16], own.bias[16:19], own.bias[24:].as_signed())
        self.turn, self.begins = Signal(range(CELL)), Signal()
        self.holds = Signal(signed(16), reset_less=True)
        self.gives = Signal(signed(8), reset_less=True)
        turn = self.turn
        with m.If(self.begins):
            m.d.sync += turn.eq(1)
        with m.Elif(turn.any()):
            m.d.sync += turn.eq(Mux(turn == CELL - 1, 0, turn + 1))

        x, amount, tangent = (Signal(shape, name=name, reset_less=True) for name, shape in (
            ("x", signed(16)), ("x_amount", 3), ("x_tangent", 1)))
        curved = curve(m, family, x, amount, tangent)
        a, b = (Signal(signed(16), name=name, reset_less=True) for name in ("a", "b"))
        multiplied = product(m, platform, "products", family, a, b)
        taken = Signal(signed(32), reset_less=True)  # the product that is rescaled next
        scaled, arguments = self._rescale(m, platform, family, sums, taken)

        forget, enter, new, leave = arguments
        entering, leaving = (Signal(signed(16), name=name, reset_less=True)
                             for name in ("entering", "leaving"))
        with m.Switch(Mux(self.begins, 0, turn)):
            for place, gate in enumerate((forget, enter, new, leave)):
                with m.Case(place):
                    m.d.sync += [x.eq(gate), amount.eq(GATE_AMOUNT), tangent.eq(gate is new)]
            with m.Case(self.HELD):
                m.d.sync += [a.eq(curved), b.eq(held)]
            with m.Case(self.HELD + 1):
                m.d.sync += entering.eq(curved)
            with m.Case(self.ENTERS):
                m.d.sync += [a.eq(entering), b.eq(curved)]
            with m.Case(self.ENTERS + 1):
                m.d.sync += leaving.eq(curved)
            with m.Case(self.HOLDS):
                m.d.sync += [x.eq(self.holds), amount.eq(self.amount), tangent.eq(1)]
            with m.Case(self.LEAVES):
                m.d.sync += [a.eq(leaving), b.eq(curved)]
        with m.Switch(turn):
            with m.Case(self.KEPT, self.KEPT + 2, self.GIVEN):
                m.d.sync += taken.eq(multiplied)
        total = Signal(signed(17), reset_less=True)
        m.d.sync += total.eq(scaled[0] + scaled[1])
        with m.If(turn == self.HOLDS - 1):
            m.d.sync += self.holds.eq(saturate(total))
            with m.If(self.clip.any() & (total > self.clip)):
                m.d.sync += self.holds.eq(self.clip)
            with m.If(self.clip.any() & (total < -self.clip)):
                m.d.sync += self.holds.eq(-self.clip)
        whole = Signal(signed(17))
        m.d.comb += whole.eq(scaled[2] + self.zero_point)
        fits = whole[7:].all() | ~whole[7:].any()
        m.d.sync += self.gives.eq(Mux(fits, whole[:8], Mux(whole[-1], -128, 127)))

    def _rescale(self, m: Module, platform: object, family: str, sums: GateSums, taken: Value,
                 ) -> tuple[list[Signal], list[Signal]]:
        """Return products as they are rescaled, and the arguments of the gates.

        Sums come first: what finds one in its way takes the next cycle.
        """
        own: Any = sums.own
        turn = self.turn
        windows = [self.KEPT + 1, self.KEPT + 3, self.GIVEN + 1]
        waits, which = Signal(), Signal(2, reset_less=True)
        asks = Signal()
        value = Signal(signed(32), reset_less=True)
        multiplier, shift = Signal(31, reset_less=True), Signal(signed(6), reset_less=True)
        kind = Signal(4)  # a sum, or one of the products
        with m.Switch(turn):
            for number, window in enumerate(windows):
                with m.Case(window):
                    m.d.comb += [asks.eq(1), which.eq(number)]
                with m.Case(window + 1):
                    m.d.comb += [asks.eq(waits), which.eq(number)]
        m.d.sync += [waits.eq(asks & sums.valid), kind.eq(0)]
        with m.If(sums.valid):
            m.d.sync += [value.eq(sums.sum), multiplier.eq(sums.multiplier),
                         shift.eq(sums.shift), kind.eq(1)]
        with m.Elif(asks):
            m.d.sync += [value.eq(taken), multiplier.eq(1 << 30), kind.eq(2 << which)]
            with m.Switch(which):
                with m.Case(0):
                    m.d.sync += shift.eq(SHIFT)
                with m.Case(1):
                    m.d.sync += shift.eq(SHIFT - self.amount)
                with m.Default():
                    m.d.sync += [multiplier.eq(own.multiplier), shift.eq(own.shift)]
        found = rescale(m, platform, family, value, multiplier, shift)
        comes = later(m, kind, RESCALE, "comes", reset=True)
        scaled = [Signal(signed(16), name=f"scaled_{number}", reset_less=True)
                  for number in range(3)]
        for number, each in enumerate(scaled):
            with m.If(comes[1 + number]):
                m.d.sync += each.eq(found)

        count, of_inputs = Signal(3), Signal(signed(16), reset_less=True)
        arguments = [Signal(signed(16), name=f"argument_{gate}", reset_less=True)
                     for gate in range(4)]
        total = saturate(of_inputs + found)
        m.d.sync += self.begins.eq(comes[0] & count.all())
        with m.If(comes[0]):
            m.d.sync += count.eq(count + 1)
            with m.If(~count[0]):
                m.d.sync += of_inputs.eq(found)
            for gate, argument in enumerate(arguments):
                with m.If(count == 2 * gate + 1):
                    m.d.sync += argument.eq(total)
        return scaled, arguments
