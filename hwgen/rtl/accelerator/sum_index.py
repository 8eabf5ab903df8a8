"""Which of the stored sums a value belongs to; `depth` is every one that there is no room for."""

from typing import Any

from amaranth import *

from ..step import Mode

__all__ = ["every_sum", "strided_sum"]


def every_sum(m: Module, tag: Any, descriptor: Any, depth: int) -> Value:
    """Return which sum the value with a tag belongs to: counted anew in each pass."""
    following, n = Signal(range(depth + 1)), Signal(range(depth + 1))
    m.d.comb += n.eq(Mux(tag.start, 0, following))
    with m.If(tag.value):
        m.d.sync += following.eq(Mux(n == depth, n, n + 1))
    return n


def strided_sum(m: Module, tag: Any, descriptor: Any, depth: int) -> Value:
    """Return the same; with ``slots``, a step of mode SUMS takes each so many-th vector.

    Its column tile j begins at vector j, so that it takes the slots j of all pixels.
    """
    d = descriptor
    apart = Signal(range(depth + 1), init=1)  # from a value's sum to that of the next
    strided = Signal()
    m.d.sync += [
        strided.eq((d.mode == Mode.SUMS) & d.slots.any()),
        apart.eq(Mux(strided, Mux(d.slots > depth, depth, d.slots), 1)),
    ]
    n, following, begin = (Signal(range(depth + 1), name=name)
                           for name in ("n", "following", "begin"))
    reached = Signal(range(2 * depth + 1))
    m.d.comb += [n.eq(Mux(tag.start, begin, following)), reached.eq(n + apart)]
    with m.If(tag.value):
        m.d.sync += following.eq(Mux(reached >= depth, depth, reached))
        with m.If(tag.tile_end & strided):
            m.d.sync += begin.eq(Mux(tag.final, 0, Mux(begin == depth, begin, begin + 1)))
    return n
