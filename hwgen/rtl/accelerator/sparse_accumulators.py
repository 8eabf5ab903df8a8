"""The accumulators of an accelerator with a sparse engine, which leaves several sums a pixel."""

from amaranth import *

from ..step import Mode
from .accumulators import Accumulators

__all__ = ["SparseAccumulators"]


class SparseAccumulators(Accumulators):
    """As :class:`Accumulators`; with ``slots``, a step of mode SUMS takes each so many-th vector.

    Its column tile j begins at vector j, so that it takes the slots j of all pixels.
    """

    def _counted(self, m: Module) -> tuple[Value, Value]:
        d, tag = self.descriptor, self.tag
        apart = Signal(range(self.depth + 1), init=1)  # from a value's sum to that of the next
        strided = Signal()
        m.d.sync += [
            strided.eq((d.mode == Mode.SUMS) & d.slots.any()),
            apart.eq(Mux(strided, Mux(d.slots > self.depth, self.depth, d.slots), 1)),
        ]
        n, following, begin = (Signal(range(self.depth + 1), name=name)
                               for name in ("n", "following", "begin"))
        reached = Signal(range(2 * self.depth + 1))
        m.d.comb += [n.eq(Mux(tag.start, begin, following)), reached.eq(n + apart)]
        with m.If(tag.value):
            m.d.sync += following.eq(Mux(reached >= self.depth, self.depth, reached))
            with m.If(tag.tile_end & strided):
                m.d.sync += begin.eq(Mux(tag.final, 0, Mux(begin == self.depth, begin, begin + 1)))
        return n, ~tag.first | ~tag.last | d.to_sums | (d.mode == Mode.SUMS)
