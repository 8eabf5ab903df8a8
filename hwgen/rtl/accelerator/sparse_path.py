# amaranth: UnusedElaboratable=no
"""The sparse engine beside the array: from vectors to sums that the accumulators take."""

from typing import Any

from amaranth import *
from amaranth.lib import data, fifo, wiring
from amaranth.lib.wiring import In, Out

from ...arch.steps import INDEX_BITS, SLOTS, WAITING
from ..primitives.pipeline import later
from ..sparse.engine import Sparse
from ..sparse.lane import LaneMemory
from ..step import Descriptor, Tag
from .accumulators import SUM, Accumulators
from .fetch import Fetch

__all__ = ["LOAD", "SparsePath"]

LOAD = data.StructLayout({"address": 15, "part": LaneMemory, "lane": 5})
"""What an offset into the compressed weights says, of each 32 bits."""


class SparsePath(wiring.Component):
    """Give vectors to the sparse engine, and its sums, with their tags, to the accumulators.

    Each pass of a step is an input of the engine: the vectors of one output pixel. They wait in a
    FIFO, and no more are asked for than find room in it.

    Parameters
    ----------
    rows, lanes : int
        Activations of a vector, and sums that come at once.
    entries, columns, depth : int
        See :class:`Sparse`.
    family : str
        FPGA family.

    Members
    -------
    descriptor : In(Descriptor)
    issued : In(1), hold : Out(1)
        A vector was asked for in the cycle before; no other one must be.
    valid : In(1), vector : In(8 * rows), last : In(1), final : In(1)
        A vector; it is the last one of its pass; of its step.
    tag : Out(Tag), sums : Out(ArrayLayout(signed(32), lanes))
        ``Fetch.ahead`` cycles after their tag.
    done : Out(1)
        All sums of a step are where they shall be.
    load : In(LOAD), data : In(32), write : In(1)
        A word of the compressed weights.
    """

    descriptor: Any
    issued: Value
    hold: Value
    valid: Value
    vector: Value
    last: Value
    final: Value
    tag: Any
    sums: Any
    done: Value
    load: Any
    data: Value
    write: Value

    def __init__(self, *, rows: int, lanes: int, entries: int, columns: int, depth: int,
                 family: str = "generic") -> None:
        self.engine = Sparse(lanes, SLOTS, columns, entries, width=rows, depth=depth,
                             index_bits=INDEX_BITS, family=family)
        self.rows = rows
        super().__init__({
            "descriptor": In(Descriptor), "issued": In(1), "hold": Out(1),
            "valid": In(1), "vector": In(8 * rows), "last": In(1), "final": In(1),
            "tag": Out(Tag), "sums": Out(data.ArrayLayout(signed(SUM), lanes)), "done": Out(1),
            "load": In(LOAD), "data": In(32), "write": In(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.waiting = waiting = fifo.SyncFIFO(width=8 * self.rows + 2, depth=WAITING)
        weights, activations, d = engine.weights, engine.activations, self.descriptor
        m.d.comb += [
            weights.p.lane.eq(self.load.lane), weights.p.part.eq(self.load.part),
            weights.p.address.eq(self.load.address), weights.p.data.eq(self.data),
            weights.valid.eq(self.write),
            waiting.w_data.eq(Cat(self.vector, self.last, self.final)),
            waiting.w_en.eq(self.valid),
            Value.cast(activations.p.vector).eq(waiting.r_data[:8 * self.rows]),
            activations.p.last.eq(waiting.r_data[-2]), activations.valid.eq(waiting.r_rdy),
            waiting.r_en.eq(activations.ready), engine.o.ready.eq(1),
        ]
        m.d.sync += [engine.zero_point.eq(d.pad), engine.first.eq(d.column),
                     engine.last_slot.eq(d.slots - 1)]

        # Vectors that were asked for, and not yet taken; one more may be asked for, as nobody
        # knows of it yet.
        taken = activations.valid & activations.ready
        asked, following = Signal(range(WAITING + 1)), Signal(range(WAITING + 1))
        m.d.comb += following.eq(asked + self.issued - taken)
        m.d.sync += [asked.eq(following), self.hold.eq(following >= WAITING - 1)]

        # Inputs that were taken, and whose sums are not out; the engine takes one or two of the
        # next while it works on one.
        inputs = Signal(3)
        out = engine.o.valid & engine.o.p.last
        final, end, fresh = Signal(), Signal(), Signal(init=1)
        m.d.comb += end.eq(out & final & (inputs == 1))
        m.d.sync += inputs.eq(inputs + (taken & activations.p.last) - out)
        with m.If(taken & waiting.r_data[-1]):
            m.d.sync += final.eq(1)
        with m.If(end):
            m.d.sync += final.eq(0)
        with m.If(engine.o.valid):
            m.d.sync += fresh.eq(end)
        tag = self.tag
        m.d.comb += [tag.value.eq(engine.o.valid), tag.start.eq(engine.o.valid & fresh),
                     tag.first.eq(engine.o.valid)]
        m.d.comb += [
            self.sums.eq(later(m, Value.cast(engine.o.p.sums), Fetch.ahead, "sums")),
            self.done.eq(later(m, end, Accumulators.latency + 4, "done", reset=True)),
        ]
        return m
