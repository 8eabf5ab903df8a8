"""Post-processing: bias, requantisation and clamp, in as many lanes as a Design asks for."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...arch.steps import ROUNDINGS
from .. import primitives
from ..primitives.library import place
from ..primitives.pipeline import later
from ..step import PARAMETER_WORDS, Descriptor, Parameters, ProductDescriptor, Tag
from .accumulators import Accumulators
from .factors import FACTORS, factors_of, select_factors
from .lane_product import HALF, SUM, lane_product
from .pairs import most_groups
from .parameters import take_parameters

__all__ = ["Lane", "Post"]

NARROW = 10
"""Bits of a sum that is about to be clamped: an int8 less any zero point, and a sign."""


class Lane(wiring.Component):
    """Requantise a sum each cycle: ``clamp(round((sum + bias) * multiplier * 2**-31, shift))``.

    The product of 32 by 31 bits is made of four of 16 by 16. ``tflm`` rounds it to an integer,
    halves up, then divides by ``2**shift``, halves away from zero; ``single`` rounds once, halves
    up, and ``even`` once, halves to even.

    Parameters
    ----------
    rounding : str
        One of :data:`hwgen.arch.steps.ROUNDINGS`.
    family : str
        FPGA family to make multipliers for.
    hard : bool
        Whether they are hard multipliers; else they are made of fabric.
    sites : tuple of str
        Their places on the chip, or none to leave it to the placer.
    products : bool
        Whether it can multiply two halves of a sum.

    Members
    -------
    sum : In(signed(32)), parameters : In(Parameters)
    factors : In(FACTORS)
        Constant while sums are under way; only with ``products``.
    low, high, zero_point : In(signed(8))
        Constant while sums are under way.
    wide : Out(signed(32))
        Before zero point and clamp, :attr:`wide_latency` cycles later.
    o : Out(signed(8))
        :attr:`latency` cycles later.
    """

    sum: Value
    parameters: Any
    factors: Any
    low: Value
    high: Value
    zero_point: Value
    wide: Value
    o: Value

    biasing = 1
    """Cycles in which the bias is added,"""
    comparing = 1
    """and in which a result is compared with what it is clamped to."""
    multiplying = primitives.LATENCY + 2
    """Cycles until there is the product that is rounded in the next one."""
    wide_latency = biasing + multiplying + 2 + 2
    latency = wide_latency + 4 + comparing
    interval = 1

    def __init__(self, rounding: str, family: str, *, hard: bool = False,
                 sites: tuple[str, ...] = (), products: bool = False) -> None:
        if rounding not in ROUNDINGS:
            raise ValueError(f"Rounding must be one of {ROUNDINGS}, not {rounding!r}")
        self.rounding = rounding
        self.family = family
        self.hard = hard
        self.sites = sites
        self.products = products
        super().__init__({
            **({"factors": In(FACTORS)} if products else {}),
            "sum": In(signed(SUM)), "parameters": In(Parameters),
            "low": In(signed(8)), "high": In(signed(8)), "zero_point": In(signed(8)),
            "wide": Out(signed(SUM)), "o": Out(signed(8)),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        single = self.rounding != "tflm"
        total, multiplier, factors = self.sum, self.parameters.multiplier, None
        if self.products:
            factors = self._near(m, Value.cast(self.factors), "own_factors")
            total, multiplier = select_factors(factors, total, self.parameters)
        biased = Signal(signed(SUM), reset_less=True)
        m.d["sync" if self.biasing else "comb"] += biased.eq(total + self.parameters.bias)
        if factors is not None:
            with m.If(factors[0]):
                m.d["sync" if self.biasing else "comb"] += biased[:HALF].eq(0)
        multiplier = later(m, multiplier, self.biasing, "multiplier")
        shift = later(m, self.parameters.shift, self.biasing + self.multiplying, "shift")

        rounded, half, some = self._round(m, platform, biased, multiplier, shift)
        shift = later(m, shift, 1, "divided")
        nudged = Signal(signed(SUM + 2), reset_less=True)
        m.d.sync += nudged.eq(rounded + half
                              + (some if single else some & ~rounded[-1]))
        shift = later(m, shift, 1, "nudged_by")
        fine = self._divide(m, nudged, shift)
        m.d.comb += self.wide.eq(fine)

        low, high, zero_point = (
            self._near(m, value, name).as_signed() for value, name in
            ((self.low, "own_low"), (self.high, "own_high"), (self.zero_point, "own_zero_point")))
        # Far outside an int8 only the sign counts.
        narrow = Signal(signed(NARROW), reset_less=True)
        moved = Signal(signed(NARROW + 1), reset_less=True)
        fits, clamped = Signal(reset_less=True), Signal(signed(8), reset_less=True)
        kept, under, over = (Signal(bits, name=name, reset_less=True) for name, bits in
                             (("kept", 8), ("under", 1), ("over", 1)))
        near = later(m, Cat(fine[:NARROW - 1], fine[-1]), 1, "near")
        m.d.sync += [
            fits.eq(fine[NARROW - 1:].all() | ~fine[NARROW - 1:].any()),
            narrow.eq(Mux(fits, near, Cat((~near[-1]).replicate(NARROW - 1), near[-1]))),
            moved.eq(narrow + zero_point),
            clamped.eq(Mux(under, low, Mux(over, high, kept))),
        ]
        m.d["sync" if self.comparing else "comb"] += [
            kept.eq(moved[:8]), under.eq(moved < low), over.eq(moved > high)]
        m.d.comb += self.o.eq(clamped)
        return m

    def _round(self, m: Module, platform: object, x: Value, y: Value, shift: Value,
               ) -> tuple[Value, Value, Value]:
        """Return the rounded product, and what is added before it is divided by ``2**shift``.

        That is half of the divisor, less one, and the rest of it, which comes in as a carry.
        """
        single = self.rounding != "tflm"
        product = lane_product(m, platform, x, y, family=self.family, hard=self.hard,
                               sites=self.sites)
        rounded = Signal(signed(len(product) - 2 * HALF + 2), reset_less=True)
        m.d.sync += rounded.eq(product[HALF * 2 - 2:].as_signed() if single else
                               product[HALF * 2 - 1:].as_signed() + product[HALF * 2 - 2])
        half = self._half(m, shift)
        some = Signal(reset_less=True)
        m.d.sync += some.eq({
            "tflm": shift.any(), "single": Const(1, 1),
            # Half-way, and nothing less behind it, an even number stays as it is.
            "even": product[:HALF * 2 - 2].any() | (product[HALF * 2 - 1:] >> shift)[0],
        }[self.rounding])
        return rounded, half, some

    def _half(self, m: Module, shift: Value) -> Value:
        """Return half of ``2**shift``, less one, in the next cycle, without a carry chain."""
        half, first = Signal(SUM, reset_less=True), 0 if self.rounding != "tflm" else 1
        m.d.sync += half.eq(Cat(Const(-1 << (bit + 1), 1 << len(shift)).bit_select(shift, 1)
                                for bit in range(first, SUM + first)))
        return half

    def _divide(self, m: Module, nudged: Value, shift: Value) -> Signal:
        """Return ``nudged`` divided by ``2**shift``, two cycles later."""
        single = self.rounding != "tflm"
        coarse, fine = Signal.like(nudged, reset_less=True), Signal(signed(SUM), reset_less=True)
        m.d.sync += [
            coarse.eq((nudged >> single) >> (shift & 0b11000)),
            fine.eq(coarse >> later(m, shift[:3], 1, "fine")),
        ]
        return fine

    def _near(self, m: Module, value: Value, name: str) -> Value:
        """Return a value that all lanes have in common, from registers beside this one."""
        return primitives.local_register(m, self.family, value, name)


class Post(wiring.Component):
    """Requantise vectors of sums in ``lanes`` lanes, each with the parameters of its column.

    A vector takes :attr:`interval` cycles, and the next one may come no sooner.

    Parameters
    ----------
    columns, lanes : int
    rounding, family
        See :class:`Lane`.
    device, hard : str or None, int
        The chip, if its floor plan shall be used; how many lanes use hard multipliers.
    whole : bool
        Whether parameters may also come all at once.
    products : bool
        Whether lanes can multiply two halves of a sum.
    int4_weights : bool
        Whether vectors may have twice as many sums and parameters.

    Members
    -------
    descriptor : In(Descriptor)
    pairs : In(1), high : In(ArrayLayout(signed(32), columns)), word_pairs : In(1)
        With ``int4_weights``: the step has some, the sums of high ones; that of a word has some.
    tag : In(Tag), sums : In(ArrayLayout(signed(32), columns))
    tag_early : In(Tag)
        What ``tag`` will be three cycles later.
    word : In(8 * columns), word_valid : In(1)
        Parameters, nine words for all columns, the lowest byte of each first.
    whole_valid : In(1), whole : In(72 * columns)
        All of them, column by column, two cycles later; only if ``whole``.
    swapped : Out(1)
        They are in use from now on, and the next ones may come.
    o_valid : Out(1), o_group : Out(range(interval)), o_tag : Out(Tag), o : Out(8 * lanes)
        The bytes of columns ``lanes * o_group`` and further.
    ready, ready_last : Out(1), ready_sums : Out(ArrayLayout(signed(32), columns))
        Requantised sums of a whole vector, in a step whose sums go back to the accumulators: they
        are there :attr:`ahead` cycles after ``ready``.
    """

    descriptor: Any
    tag: Any
    tag_early: Any
    sums: Any
    word: Value
    word_valid: Value
    whole: Value
    whole_valid: Value
    pairs: Value
    high: Any
    word_pairs: Value
    swapped: Value
    o_valid: Value
    o_group: Value
    o_tag: Any
    o: Value
    ready: Value
    ready_last: Value
    ready_sums: Any

    ahead = Accumulators.ahead
    clamping, holds = 3 + Lane.comparing, 3
    """Cycles before the bytes of sums from where on those want the descriptor, and how many."""

    def __init__(self, columns: int, lanes: int, rounding: str, family: str, *,
                 device: str | None = None, hard: int = 0, whole: bool = False,
                 products: bool = False, int4_weights: bool = False) -> None:
        self.columns = columns
        self.lanes = lanes
        self.int4_weights = int4_weights
        self.takes_whole = whole
        self.rounding = rounding
        self.family = family
        self.device = device
        self.hard = hard
        self.products = products
        vector = data.ArrayLayout(signed(SUM), columns)
        super().__init__({
            "descriptor": In(ProductDescriptor if products else Descriptor),
            "tag": In(Tag), "tag_early": In(Tag), "sums": In(vector),
            "word": In(8 * columns), "word_valid": In(1), "swapped": Out(1),
            "o_valid": Out(1), "o_group": Out(range(max(most_groups(self), 2))), "o_tag": Out(Tag),
            "o": Out(8 * lanes),
            "ready": Out(1), "ready_last": Out(1), "ready_sums": Out(vector),
            **({"whole": In(8 * PARAMETER_WORDS * columns), "whole_valid": In(1)} if whole else {}),
            **({"pairs": In(1), "high": In(vector), "word_pairs": In(1)} if int4_weights else {}),
        })

    @property
    def latency(self) -> int:
        """Cycles from the sums of a vector to its first bytes."""
        return 1 + Lane.latency

    @property
    def interval(self) -> int:
        """Cycles of a vector."""
        return -(-self.columns // self.lanes)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        arrives = self.tag.value & self.tag.last
        parameters = take_parameters(m, self)

        # A vector waits here until all of its groups have gone.
        come, last = Value.cast(self.sums), Value.cast(self.interval - 1)
        if self.int4_weights:
            come, last = Cat(come, self.high), Mux(self.pairs, most_groups(self) - 1, last)
        sums = Signal(len(come), reset_less=True)
        tag: Any = Signal(Tag)
        group, valid = Signal(range(max(most_groups(self), 2))), Signal()
        if most_groups(self) == 1:
            m.d.sync += [sums.eq(self.sums), tag.eq(self.tag), valid.eq(arrives)]
        else:
            with m.If(arrives):
                m.d.sync += [sums.eq(come), tag.eq(self.tag), group.eq(0), valid.eq(1)]
            with m.Else():
                m.d.sync += [group.eq(group + 1), valid.eq(valid & (group != last))]

        wide = []
        sites = primitives.lane_sites(self.family, self.device, self.hard)
        for lane in range(self.lanes):
            columns = range(lane, len(come) // SUM, self.lanes)
            options: dict[str, Any] = {"hard": lane < self.hard, "products": self.products}
            if lane < len(sites):
                options["sites"] = sites[lane]
            unit = place(m, platform, f"lane_{lane}", Lane, self.rounding, self.family, **options)
            m.d.comb += [
                unit.sum.eq(_select([sums.word_select(c, SUM) for c in columns], group)),
                Value.cast(unit.parameters).eq(_select([parameters[c] for c in columns], group)),
                unit.low.eq(d.low), unit.high.eq(d.high), unit.zero_point.eq(d.zero_point),
                self.o.word_select(lane, 8).eq(unit.o),
            ]
            if self.products:
                m.d.comb += Value.cast(unit.factors).eq(factors_of(d))
            wide.append(unit.wide)

        m.d.comb += self.o_valid.eq(later(m, valid & ~d.to_sums, Lane.latency, "valid", reset=True))
        m.d.comb += [self.o_group.eq(later(m, group, Lane.latency, "group")),
                     Value.cast(self.o_tag).eq(later(m, Value.cast(tag), Lane.latency, "tag"))]
        self._collect(m, wide, valid & d.to_sums, group, tag)
        return m

    def _collect(self, m: Module, wide: list[Value], valid: Value, group: Value, tag: Any,
                 ) -> None:
        """Put the groups of a vector of requantised sums together again."""
        come = later(m, Cat(valid, tag.tile_end & tag.final), Lane.wide_latency - self.ahead,
                     "come", reset=True)
        coming = later(m, group, Lane.wide_latency - self.ahead, "coming")
        last = coming == self.interval - 1 if self.interval > 1 else Const(1, 1)
        m.d.comb += [self.ready.eq(come[0] & last), self.ready_last.eq(come[1])]
        which = later(m, coming, self.ahead, "which")
        for c in range(self.columns):
            index, lane = divmod(c, self.lanes)
            value: Value = wide[lane]
            if index < self.interval - 1:
                stored = Signal(SUM, name=f"collected_{c}", reset_less=True)
                with m.If(which == index):
                    m.d.sync += stored.eq(value)
                value = stored
            m.d.comb += self.ready_sums[c].eq(value)


def _select(values: list[Value], index: Value) -> Value:
    """Return the value of that index; the last one where there is no further."""
    if len(values) == 1:
        return values[0]
    layout = data.ArrayLayout(values[0].shape(), len(values))
    return Value.cast(layout(Cat(values))[index])
