"""Leading non-zero detection: the activations that are worth multiplying, one a cycle."""

from typing import Any

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["NonZeros"]

BITS = 8


class NonZeros(wiring.Component):
    """Give the activations of vectors that differ from the zero point, in order, one a cycle.

    The vectors up to one that is marked ``last`` are an input. A vector is taken when the one
    before has gone: in the very cycle in which its last non-zero goes to ``o``, so that vectors
    with non-zeros follow one another without a lost cycle; one without takes a cycle. The first
    non-zero of a vector is on ``o`` :attr:`latency` cycles after the transfer of the vector. What
    ends an input is marked ``last``; where its last vector has no non-zero, that is a transfer
    without ``some``.

    Parameters
    ----------
    width : int
        Activations of a vector.
    columns : int
        How many indices there are; beyond the power of two that holds them they begin again.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        ``vector``, ``last``.
    zero_point : In(signed(8))
        Constant while vectors are under way.
    first : In(range(columns))
        Index of an input's first activation; looked at when its first vector is transferred.
    o : Out(stream.Signature(StructLayout))
        ``index``; ``value``, the activation less the zero point; ``some``; ``last``. Without
        ``some``, index and value are 0.
    """

    i: Any
    zero_point: Value
    first: Value
    o: Any

    latency = 3
    interval = 1
    """Cycles between non-zeros at best."""

    def __init__(self, width: int, columns: int) -> None:
        for name, value in (("Width", width), ("Columns", columns)):
            if not isinstance(value, int) or value < 1:
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
        self.width = width
        self.columns = columns
        super().__init__({
            "i": In(stream.Signature(data.StructLayout(
                {"vector": data.ArrayLayout(signed(BITS), width), "last": 1}))),
            "zero_point": In(signed(BITS)),
            "first": In(range(max(columns, 2))),
            "o": Out(stream.Signature(data.StructLayout(
                {"index": range(max(columns, 2)), "value": signed(BITS + 1),
                 "some": 1, "last": 1}))),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        vector = [Signal(signed(BITS), name=f"activation_{n}", reset_less=True)
                  for n in range(self.width)]
        pending = Signal(self.width, reset_less=True)
        full, last, fresh = Signal(), Signal(reset_less=True), Signal(init=1)
        base = Signal(self.first.shape(), reset_less=True)
        taken = Signal()

        before = Cat(pending[:n].any() for n in range(self.width))
        lowest, others, more, some = Signal(self.width), Signal(self.width), Signal(), Signal()
        moves, leaves = Signal(), Signal()
        picked, free = Signal(), Signal()
        m.d.comb += [
            lowest.eq(pending & ~before), others.eq(pending & before), more.eq(others.any()),
            some.eq(pending.any()),
            free.eq(~picked | ~self.o.valid | self.o.ready),
            moves.eq(full & (some | last) & free),
            # What has nothing to give and ends nothing goes by itself.
            leaves.eq(Mux(some | last, moves & ~more, 1)),
            self.i.ready.eq(~full | leaves),
            taken.eq(self.i.valid & self.i.ready),
        ]
        with m.If(taken):
            m.d.sync += [
                full.eq(1), last.eq(self.i.p.last), fresh.eq(self.i.p.last),
                base.eq(Mux(fresh, self.first, base + self.width)),
                pending.eq(Cat(self.i.p.vector[n] != self.zero_point for n in range(self.width))),
                *(kept.eq(self.i.p.vector[n]) for n, kept in enumerate(vector)),
            ]
        with m.Elif(leaves):
            m.d.sync += full.eq(0)
        with m.Elif(moves):
            m.d.sync += pending.eq(others)

        # One stage picks, and another one subtracts.
        activation = Signal(signed(BITS), reset_less=True)
        place = Signal(range(self.width), reset_less=True)
        start = Signal(self.first.shape(), reset_less=True)
        picks, ends = Signal(reset_less=True), Signal(reset_less=True)
        with m.If(free):
            m.d.sync += [
                picked.eq(moves), picks.eq(some), ends.eq(last & ~more), start.eq(base),
                activation.eq(_choose_word(lowest, [value.as_unsigned() for value in vector])),
                place.eq(_choose_word(lowest, [Const(n, range(self.width))
                                               for n in range(self.width)])),
            ]
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq(picked), self.o.p.some.eq(picks), self.o.p.last.eq(ends),
                self.o.p.index.eq(Mux(picks, start + place, 0)),
                self.o.p.value.eq(Mux(picks, activation - self.zero_point, 0)),
            ]
        return m


def _choose_word(places: Value, words: list[Value]) -> Value:
    """Return the word whose bit of ``places`` is set: gates, in a tree."""
    terms = [word & places[n].replicate(len(word)) for n, word in enumerate(words)]
    while len(terms) > 1:
        terms = [terms[k] | terms[k + 1] if k + 1 < len(terms) else terms[k]
                 for k in range(0, len(terms), 2)]
    return terms[0]
