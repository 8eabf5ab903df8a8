# amaranth: UnusedElaboratable=no
"""Wide weights in the socket of an accelerator: fully connected layers, a vector a cycle."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..dot.pieces import Piece
from ..dot.wide import WideDot
from ..primitives.pipeline import later
from ..step import PARAMETER_WORDS, Descriptor, Tag
from .accumulators import SUM, Accumulators
from .fetch import Fetch
from .part import Part

__all__ = ["WidePart", "WidePath"]

BEFORE = Fetch.ahead - 1
"""Cycles from a tag to its vector."""
LOADING = 2
"""Cycles from when parameters are told of until the lanes take them."""


class WidePath(wiring.Component):
    """Give vectors and their weights to the multipliers, sums and tags to the accumulators.

    The parameters of a column tile come behind its weights, and wait for its sums: they reach the
    lanes before these, and behind those of the tile before.

    Parameters
    ----------
    words : int
        Bytes of a vector, and words of weights that come with it.
    columns : int
        Bytes of a word.
    family : str
        FPGA family.

    Members
    -------
    descriptor : In(Descriptor)
    tag : In(Tag), piece : In(Piece)
        Of a vector, :data:`BEFORE` cycles sooner. Only the last vector of a pass has a value.
    vector : In(8 * words), weights : In(8 * columns * words)
    parameters_come : In(1)
        The weights in this cycle are parameters.
    sum_tag : Out(Tag), sums : Out(ArrayLayout(signed(32), columns))
        ``Fetch.ahead`` cycles after their tag.
    parameters_valid : Out(1), parameters : Out(72 * columns)
        Those of all columns, :data:`LOADING` cycles later.
    done : Out(1)
        Never: the step ends when its results are stored.
    """

    descriptor: Any
    tag: Any
    piece: Any
    vector: Value
    weights: Value
    parameters_come: Value
    sum_tag: Any
    sums: Any
    parameters_valid: Value
    parameters: Value
    done: Value

    def __init__(self, *, words: int, columns: int, family: str = "generic") -> None:
        self.dot = WideDot(words, columns, family=family)
        self.words = words
        self.columns = columns
        self.family = family
        super().__init__({
            "descriptor": In(Descriptor), "tag": In(Tag), "piece": In(Piece),
            "vector": In(8 * words), "weights": In(8 * columns * words), "parameters_come": In(1),
            "sum_tag": Out(Tag), "sums": Out(data.ArrayLayout(signed(SUM), columns)),
            "parameters_valid": Out(1), "parameters": Out(8 * PARAMETER_WORDS * columns),
            "done": Out(1),
        })

    @property
    def waiting(self) -> int:
        """Cycles that parameters wait, behind the last vector of their tile.

        The next tile's come no sooner than a pass is long, when these are in use.
        """
        return self.dot.latency + 1 - Accumulators.turn

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dot = dot = self.dot
        m.d.comb += [
            dot.tag.eq(later(m, self.piece, BEFORE, "piece", reset=True)),
            Value.cast(dot.a).eq(self.vector), Value.cast(dot.weights).eq(self.weights),
            self.sums.eq(dot.o),
            self.sum_tag.eq(later(m, self.tag, BEFORE + dot.latency - Fetch.ahead, "tag",
                                  reset=True)),
            self.parameters_valid.eq(later(m, self.parameters_come, self.waiting, "come",
                                           reset=True)),
        ]
        bits = 8 * PARAMETER_WORDS
        m.submodules.waiting = waiting = primitives.delay(
            self.family, bits, [self.waiting + LOADING] * self.columns, apart=True)
        m.d.comb += [self.parameters.eq(waiting.o), waiting.i.eq(Cat(
            self.weights.word_select(byte * self.columns + column, 8)
            for column in range(self.columns) for byte in range(PARAMETER_WORDS)))]
        return m


class WidePart(Part):
    """Does steps of mode WIDE, each of whose vectors comes with all of its weights.

    Parameters
    ----------
    words : int
        See :attr:`.part.Part.words`.
    """

    name = "wide"
    issues = Const(1)

    def __init__(self, words: int) -> None:
        self.words = words
        self.whole = Signal(name="whole")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        self.component = path = WidePath(words=self.words, columns=accelerator.columns,
                                         family=accelerator.family)
        self.sum_tag, self.sums = Value.cast(path.sum_tag), path.sums

    def faults(self, descriptor: Any) -> list[Value]:
        return [descriptor.program[:(self.words - 1).bit_length()].any()]

    def connect(self, m: Module, accelerator: Any) -> None:
        path, fetch, post = self.component, accelerator.fetch, accelerator.post
        early = fetch.early
        come = later(m, self.whole, fetch.latency - 1, "whole", reset=True)
        m.d.comb += [
            path.tag.eq(Mux(self.selected, Value.cast(early.tag), 0)),
            path.piece.valid.eq(early.valid & self.selected), path.piece.last.eq(early.last),
            path.vector.eq(fetch.next_vector), path.weights.eq(accelerator.program.wide_data),
            path.parameters_come.eq(come),
            post.whole_valid.eq(path.parameters_valid), post.whole.eq(path.parameters),
        ]
