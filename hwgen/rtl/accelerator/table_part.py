# amaranth: UnusedElaboratable=no
"""The tables of an accelerator's lanes in its socket."""

from typing import Any

from amaranth import *

from ..primitives.pipeline import later
from .part import Part
from .tables import Tables

__all__ = ["TablePart"]


class TablePart(Part):
    """Does steps of mode TABLE by itself, and passes the bytes of others on to the store.

    These come later than their tags, which a store makes up for if it takes long enough.

    Parameters
    ----------
    count : int
        Tables.
    """

    name = "table"
    at_lanes = True

    def __init__(self, count: int) -> None:
        self.count = count
        self.start = Signal(name="start_table")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        program, store = accelerator.program, accelerator.store
        self.component = Tables(accelerator.columns, store.lanes, self.count, program.depth,
                                program.read_latency, accelerator.family,
                                quick=not store.latency)
        self.outside = self.component.error
        store.late = min(store.latency, self.component.latency)

    def faults(self, descriptor: Any) -> list[Value]:
        d = descriptor
        return [loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y, d.x, d.y)]

    def connect(self, m: Module, accelerator: Any) -> None:
        tables, program = self.component, accelerator.program
        post, store = accelerator.post, accelerator.store
        m.d.comb += [tables.start.eq(self.start), tables.word.eq(program.read_data),
                     tables.bytes.eq(post.o), store.bytes.eq(tables.o)]
        with m.If(tables.busy):
            m.d.comb += program.address.eq(tables.address)
        if waiting := tables.latency - store.late:
            m.d.comb += [
                store.valid.eq(later(m, post.o_valid, waiting, "bytes_valid", reset=True)),
                store.group.eq(later(m, post.o_group, waiting, "bytes_group")),
                Value.cast(store.tag).eq(later(m, Value.cast(post.o_tag), waiting, "bytes_tag"))]
