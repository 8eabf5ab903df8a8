"""The parameters of the lanes: those in use, and those that come next."""

from typing import Any

from amaranth import *

from .. import primitives
from ..primitives.pipeline import later
from ..step import PARAMETER_WORDS, Parameters

__all__ = ["take_parameters"]

TOGETHER = 4
"""Columns whose parameters are told of together."""


def take_parameters(m: Module, post: Any) -> list[Signal]:
    """Take the parameters that come to a :class:`.post.Post`, and return those in use by column.

    The next ones wait until the first sum of their column tile comes. Where there are ``pairs``,
    those of the high weights' sums come behind the others.
    """
    if post.int4_weights:
        return take_pairs(m, post)
    following = [Signal(8 * PARAMETER_WORDS, name=f"following_{c}", reset_less=True)
                 for c in range(post.columns)]
    used = [Signal(Parameters.size, name=f"used_{c}", reset_less=True)
            for c in range(post.columns)]
    left, full = Signal(range(PARAMETER_WORDS), init=PARAMETER_WORDS - 1), Signal()
    with m.If(post.word_valid):
        m.d.sync += [left.eq(Mux(left == 0, PARAMETER_WORDS - 1, left - 1)),
                     full.eq(left == 0)]
    if post.takes_whole:
        with m.If(post.whole_valid):
            m.d.sync += full.eq(1)
    swap = post.tag_early.value & post.tag_early.tile & full
    with m.If(swap):
        m.d.sync += full.eq(0)
    m.d.sync += post.swapped.eq(swap)
    # The registers are many, and lie far apart: each column's know by themselves what to do.
    word = later(m, post.word, 2, "word")
    tells = [post.word_valid, post.swapped, *([post.whole_valid] if post.takes_whole else [])]
    for c in range(post.columns):
        if c % TOGETHER == 0:
            both = primitives.local_register(m, post.family, Cat(tells), f"both_{c}")
        come, use, *all_come = primitives.local_register(m, post.family, both, f"parameters_{c}")
        with m.If(come):
            m.d.sync += following[c].eq(Cat(following[c][8:], word.word_select(c, 8)))
        for each in all_come:
            with m.If(each):
                m.d.sync += following[c].eq(post.whole.word_select(c, 8 * PARAMETER_WORDS))
        with m.If(use):
            m.d.sync += used[c].eq(following[c])
    return used


def take_pairs(m: Module, post: Any) -> list[Signal]:
    """As :func:`take_parameters`, of both halves of a column tile with weights of 4 bits."""
    following, used = ([Signal(bits, name=f"{name}_{c}", reset_less=True)
                        for c in range(2 * post.columns)]
                       for name, bits in (("following", 8 * PARAMETER_WORDS),
                                          ("used", Parameters.size)))
    count, full = Signal(range(2 * PARAMETER_WORDS)), Signal()
    last = count == Mux(post.word_pairs, 2 * PARAMETER_WORDS - 1, PARAMETER_WORDS - 1)
    with m.If(post.word_valid):
        m.d.sync += [count.eq(Mux(last, 0, count + 1)), full.eq(last)]
    swap = post.tag_early.value & post.tag_early.tile & full
    with m.If(swap):
        m.d.sync += full.eq(0)
    m.d.sync += post.swapped.eq(swap)
    word = later(m, post.word, 2, "word")
    halves = [post.word_valid & (count < PARAMETER_WORDS), post.word_valid
              & (count >= PARAMETER_WORDS)]
    for c in range(post.columns):
        if c % TOGETHER == 0:
            both = primitives.local_register(m, post.family, Cat(*halves, post.swapped),
                                             f"both_{c}")
        *come, use = primitives.local_register(m, post.family, both, f"parameters_{c}")
        for half, column in enumerate((c, post.columns + c)):
            with m.If(come[half]):
                m.d.sync += following[column].eq(Cat(following[column][8:],
                                                     word.word_select(c, 8)))
            with m.If(use):
                m.d.sync += used[column].eq(following[column])
    return used
