"""Slots, into which a step is cut: vectors of one pass, weights and parameters of the next."""

from collections.abc import Callable
from typing import Any

from amaranth import *
from amaranth.lib import data

from ..step import PARAMETER_WORDS, Mode, Tag

__all__ = ["EVENT", "LOAD", "Countdown", "Loops", "NextPass", "Slot", "turns"]

EVENT = data.StructLayout({
    "valid": 1,
    "slot": 1,          # the first vector of its pass
    "row_end": 1,
    "last": 1,          # the last vector of its pass
    "piece_last": 1,    # the pass is the last piece,
    "taps_x_last": 1,   # the last along x,
    "taps_y_last": 1,   # the last along y
    "tag": Tag,
})
"""A vector that shall be fetched."""

LOAD = data.StructLayout({"weights": 1, "parameters": 1})
"""What a word of the program memory is."""


class Countdown:
    """A loop counter that knows in a register whether its turn is the last."""

    def __init__(self, m: Module, width: int, limit: Value, name: str) -> None:
        self.limit = limit
        self.left = Signal(width, name=f"{name}_left", reset_less=True)
        self.last = Signal(name=f"{name}_last", reset_less=True)
        self.single = Signal(name=f"{name}_single", reset_less=True)  # a loop of one turn
        m.d.sync += self.single.eq(limit == 1)

    def load(self) -> list[Any]:
        """Begin the loop."""
        return [self.left.eq(self.limit), self.last.eq(self.single)]

    @property
    def penultimate(self) -> Value:
        """Whether the turn behind this one is the last, of more than one."""
        return self.left == 2

    @property
    def next_last(self) -> Value:
        """Whether the turn behind this one is the last; behind the last one the first follows."""
        return Mux(self.last, self.single, self.penultimate)

    def step(self) -> list[Any]:
        """Take a turn; behind the last one the loop begins again."""
        return [self.left.eq(Mux(self.last, self.limit, self.left - 1)),
                self.last.eq(self.next_last)]


class Loops:
    """The loops of a step, and those of a slot over words and over cycles.

    Parameters
    ----------
    descriptor : Descriptor
    countdown : class
        A :class:`Countdown`.
    weight_words : Value
        Words of the weights of a pass.
    shortest : int or Value
        Cycles that a slot takes at least.
    issued : Descriptor, or None
        Of the step whose vectors are issued, if that is another one.
    parameter_words : Value, or None
        Words of the parameters of a column tile, if they are not always as many.
    """

    def __init__(self, m: Module, descriptor: Any, countdown: type[Countdown],
                 weight_words: Value, shortest: Any, issued: Any = None,
                 parameter_words: Value | None = None) -> None:
        d, issued = descriptor, descriptor if issued is None else issued
        self.tiles = countdown(m, 16, d.tiles, "tiles")
        self.taps_y = countdown(m, 16, d.taps_y, "taps_y")
        self.taps_x = countdown(m, 16, d.taps_x, "taps_x")
        self.pieces = countdown(m, 16, d.pieces, "pieces")
        self.x = countdown(m, 16, issued.x, "x")
        self.y = countdown(m, 16, issued.y, "y")
        self.rows = countdown(m, 8, weight_words, "rows")
        self.words = countdown(m, 8, Const(PARAMETER_WORDS, 8) if parameter_words is None
                               else parameter_words, "words")
        least = Const(shortest - 1, 8) if isinstance(shortest, int) else shortest - 1
        self.least = countdown(m, 8, least, "least")

    @property
    def groups(self) -> list[tuple[Countdown, ...]]:
        """Those that lie together, and begin together: over passes, over vectors, over words."""
        return [(self.tiles, self.taps_y), (self.taps_x, self.pieces), (self.y, self.x),
                (self.rows, self.words, self.least)]


class NextPass:
    """The pass that is read: its counters are a slot ahead of the vectors.

    They move on after a slot has begun, and what follows from them is in registers before it ends,
    for a slot is no shorter than that takes.
    """

    def __init__(self, m: Module, descriptor: Any, loops: Loops) -> None:
        self.loops = loops
        self.there = Signal(name="ahead")      # there is a pass to be read
        self.first = Signal()                  # it is the first of its column tile,
        self.last = Signal(name="pass_last")   # or the last
        m.d.comb += self.last.eq(loops.pieces.last & loops.taps_x.last & loops.taps_y.last)
        # There is another one behind it, whose weights must be read, and parameters, as it is the
        # first of another column tile:
        self.more, self.more_weights, self.more_parameters = (
            Signal(), Signal(), Signal(name="more_parameters"))
        self.common: Any = Signal(EVENT, name="coming")  # what its vectors will have in common
        self.moving_on = Signal()  # the counters go on to the next pass
        self._look_ahead(m, descriptor)
        self._count(m)

    def _look_ahead(self, m: Module, d: Any) -> None:
        """Keep what the next pass has, and whether there is one behind it."""
        loops, common, last = self.loops, self.common, self.last
        # Weights must be read for the first pass:
        self.weights_first = matrix = Signal(name="matrix", reset_less=True)
        m.d.sync += matrix.eq(d.mode <= Mode.DEPTHWISE)
        m.d.sync += [
            self.more.eq(~(last & loops.tiles.last)),
            self.more_weights.eq(~(last & loops.tiles.last) & matrix),
            self.more_parameters.eq(~loops.tiles.last & last & d.parameters_per_tile),
            common.piece_last.eq(loops.pieces.last), common.taps_x_last.eq(loops.taps_x.last),
            common.taps_y_last.eq(loops.taps_y.last), common.tag.first.eq(self.first),
            common.tag.last.eq(last), common.tag.final.eq(loops.tiles.last),
        ]

    def _count(self, m: Module) -> None:
        """Count the loops, those outside a cycle later than the innermost one."""
        loops, moving_on = self.loops, self.moving_on
        step_x, step_y, step_tiles = Signal(), Signal(), Signal()
        m.d.sync += [
            step_x.eq(moving_on & loops.pieces.last),
            step_y.eq(moving_on & loops.pieces.last & loops.taps_x.last),
            step_tiles.eq(moving_on & self.last),
        ]
        for move, loop in ((moving_on, loops.pieces), (step_x, loops.taps_x),
                           (step_y, loops.taps_y), (step_tiles, loops.tiles)):
            with m.If(move):
                m.d.sync += loop.step()
        with m.If(moving_on):
            m.d.sync += self.first.eq(self.last)


class Slot:
    """What remains of a slot."""

    step: Any = 1
    """Words from one that is read to the next."""

    def __init__(self, words: int) -> None:
        # There are vectors to be issued, words of weights to be read, words of parameters, and
        # cycles before the last one that a slot has at least:
        self.vectors, self.weights, self.parameters, self.short = (
            Signal(), Signal(), Signal(), Signal())
        self.common: Any = Signal(EVENT, name="slot")  # what all of its vectors have in common
        self.opening = Signal()      # no vector has been issued yet
        self.fresh = Signal()        # no value has come yet
        self.spare = Signal(init=1)  # the lanes can take parameters,
        self.begun = Signal()        # and have taken some of them
        self.place = Signal(range(2 * words), reset_less=True)  # of the next word of the program
        self.last_vector = Signal()  # in a register of its own: much depends on it

    @property
    def reads_weights(self) -> Value:
        """Whether a word of weights is read."""
        return self.weights

    def shortest(self, cycles: int) -> Any:
        """Return how many cycles it has at least, where others have so many."""
        return cycles

    def gives_value(self, value: Value) -> Value:
        """Return whether a value comes of the vector, where that is so of others."""
        return value

    def writes(self, own: Value) -> Value:
        """Return whether its step may write words, where that is so of others."""
        return own

    def asks_last(self, m: Module, last: Value, loops: Loops, turn_last: Value) -> Value:
        """Return whether nothing is left to be read, as the ``last`` one of a step begins."""
        return last

    def takes_whole(self, take: Value) -> Value:
        """Return whether what is read in the cycles of ``take`` are all parameters at once."""
        return Const(0)

    def takes_parameters(self) -> Value:
        """Return whether a word of parameters is read: behind the weights, if the lanes can."""
        return self.parameters & ~self.reads_weights & (self.begun | self.spare)

    def reads(self, take: Value) -> Value:
        """Return whether a word is read, with those of parameters in the cycles of ``take``."""
        return self.reads_weights | take

    def ends(self, loops: Loops, turn_last: Value) -> Value:
        """Return whether this cycle is its last one.

        Parameters follow the weights; their last word is never their first.
        """
        return ((~self.vectors | (turn_last & self.last_vector))
                & Mux(self.parameters, ~self.weights & loops.words.last,
                      ~self.weights | loops.rows.last)
                & ~self.short)

    def issue_vectors(self, m: Module, loops: Loops, issue: Value, turn_last: Value,
                      value: Value) -> None:
        """Count the vectors that are issued; ``turn_last`` is the last cycle of one."""
        x, y = loops.x, loops.y
        with m.If(issue):
            m.d.sync += [self.opening.eq(0), self.fresh.eq(self.fresh & ~value)]
        with m.If(self.vectors & turn_last):
            m.d.sync += [*x.step(), self.last_vector.eq(Mux(
                x.last, x.single & y.next_last, x.penultimate & y.last))]
            with m.If(x.last):
                m.d.sync += y.step()
            with m.If(self.last_vector):
                m.d.sync += self.vectors.eq(0)

    def read_words(self, m: Module, loops: Loops, take: Value, swapped: Value) -> None:
        """Count the words of weights, and those of parameters in the cycles of ``take``."""
        with m.If(self.reads_weights):
            m.d.sync += [*loops.rows.step(), self.weights.eq(~loops.rows.last)]
        with m.If(take):
            m.d.sync += [*loops.words.step(), self.parameters.eq(~loops.words.last),
                         self.begun.eq(~loops.words.last), self.spare.eq(0)]
        with m.If(swapped):
            m.d.sync += self.spare.eq(1)
        with m.If(self.reads(take)):
            m.d.sync += self.place.eq(self.place + self.step)

    def pause(self, m: Module, loops: Loops) -> None:
        """Count the cycles that a slot has at least."""
        with m.If(self.short):
            m.d.sync += [*loops.least.step(), self.short.eq(~loops.least.last)]

    def follow(self, m: Module, ends: Value, coming: NextPass) -> None:
        """Begin the slot of the pass that was read, where there is one."""
        m.d.sync += coming.moving_on.eq(ends & coming.there)
        with m.If(ends & coming.there):
            m.d.sync += [
                self.vectors.eq(1), self.opening.eq(1), self.fresh.eq(1), self.short.eq(1),
                self.common.eq(coming.common), coming.there.eq(coming.more),
                self.weights.eq(coming.more_weights), self.parameters.eq(coming.more_parameters),
            ]

    def clear(self) -> list[Any]:
        """Forget what remains, after an error."""
        return [self.spare.eq(1), self.begun.eq(0), self.vectors.eq(0), self.weights.eq(0),
                self.parameters.eq(0)]


def turns(m: Module, vectors: Value, shape: Any, ends: Callable[[Value], Value],
          ) -> tuple[Value, Value]:
    """Return whether this is the first, and the last, of the cycles of a vector.

    ``ends`` says of the number of a cycle, from 0, whether it is the last.
    """
    turn, end = Signal(shape, name="turn"), Signal(name="end")
    m.d.comb += end.eq(ends(turn))
    m.d.sync += turn.eq(Mux(vectors & ~end, turn + 1, 0))  # 0 again where a step was stopped
    return turn == 0, end
