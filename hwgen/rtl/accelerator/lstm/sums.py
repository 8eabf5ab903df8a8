"""Arguments of gates: sums of products, with weights that come as words of the program."""

from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.utils import ceil_log2

from ....arch.lstm import HEAD_BYTES
from ... import primitives
from ...dot.wide import add_up
from ...primitives.pipeline import later
from .curves import PRODUCT, product

__all__ = ["HEAD", "WORD", "GateSums"]

HEAD = data.StructLayout({"bias": signed(32), "multiplier": 31, "sign": 1, "shift": signed(6),
                          "spare": 2})
"""What is before the weights of a sum; before all of them, ``bias`` is something else."""
WORD = data.StructLayout({"head": 1, "own": 1, "adds": 1, "first": 1, "last": 1})
"""A word that comes: of what is before weights, the last of what is before all of them, or of
weights, the first or the last of a sum among them."""


class GateSums:
    """Multiply words of weights by words of a vector, and add up.

    Parameters
    ----------
    m : Module
    platform : object
    columns : int
        Bytes of a word.
    family : str
    tag : Value
        As :data:`WORD`, of the words that come in this cycle; all 0 if none does.
    weights, vector : Value
        Those words.

    Members
    -------
    own : Signal
        What is before all weights, from when it has come on.
    valid : Signal
        A sum is there, for a cycle.
    sum, multiplier, shift : Value
        That, and by what it is rescaled.
    """

    def __init__(self, m: Module, platform: object, columns: int, family: str, tag: Any,
                 weights: Value, vector: Value) -> None:
        late = 1 + PRODUCT + ceil_log2(columns)
        weights, vector = later(m, weights, 1, "weights"), later(m, vector, 1, "vector")
        products = [product(m, platform, f"product_{index}", family,
                            weights.word_select(index, 8).as_signed(),
                            vector.word_select(index, 8).as_signed()) for index in range(columns)]
        added = add_up(m, products, "added")
        tag = data.View(WORD, later(m, Value.cast(tag), late, "tag", reset=True))
        m.submodules.heads = heads = primitives.delay(family, 8 * columns, [late - 1])
        m.d.comb += heads.i.eq(weights)
        size = -(-HEAD_BYTES // columns) * 8 * columns
        head = Signal(size, reset_less=True)  # the first word comes to lie in the lowest bits
        with m.If(tag.head):
            m.d.sync += head.eq(Cat(head, heads.o)[8 * columns:])
        self.own = Signal(HEAD, reset_less=True)
        with m.If(later(m, tag.own, 1, "own_comes", reset=True)):
            m.d.sync += Value.cast(self.own).eq(head[:8 * HEAD_BYTES])
        of = data.View(HEAD, head[:8 * HEAD_BYTES])
        self.valid, self.sum = Signal(), Signal(signed(32), reset_less=True)
        self.multiplier = Signal(31, reset_less=True)
        self.shift = Signal(signed(6), reset_less=True)
        m.d.sync += self.valid.eq(tag.last)
        with m.If(tag.adds):
            m.d.sync += self.sum.eq(Mux(tag.first, of.bias, self.sum) + added)
        with m.If(tag.first):
            m.d.sync += [self.multiplier.eq(of.multiplier), self.shift.eq(of.shift)]
