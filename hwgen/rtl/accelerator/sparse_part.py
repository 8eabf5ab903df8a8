# amaranth: UnusedElaboratable=no
"""The sparse engine in the socket of an accelerator."""

from typing import Any

from amaranth import *

from ...arch.registers import Space
from ...arch.steps import SLOTS
from .part import Part
from .sparse_path import SparsePath

__all__ = ["SparsePart"]


class SparsePart(Part):
    """Does steps of mode SPARSE, whose vectors wait while the engine has no room for them.

    Parameters
    ----------
    entries, columns, depth : int
        See :class:`hwgen.rtl.sparse.engine.Sparse`.
    """

    name = "sparse"
    space = Space.SPARSE
    strided = True

    def __init__(self, entries: int, columns: int, depth: int) -> None:
        self.entries = entries
        self.columns = columns
        self.depth = depth
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        self.component = path = SparsePath(
            rows=accelerator.rows, lanes=accelerator.columns, entries=self.entries,
            columns=self.columns, depth=self.depth, family=accelerator.family)
        self.issues = self.ends = ~path.hold
        self.sum_tag, self.sums = Value.cast(path.tag), path.sums

    def faults(self, descriptor: Any) -> list[Value]:
        slots = descriptor.slots
        return [descriptor.tiles != 1, (slots == 0) | (slots > SLOTS)]

    def connect(self, m: Module, accelerator: Any) -> None:
        path, fetch = self.component, accelerator.fetch
        m.d.comb += [
            path.issued.eq(accelerator.sequencer.event.valid & self.selected),
            path.valid.eq(fetch.o.valid & self.selected), path.last.eq(fetch.o.last),
            path.final.eq(fetch.o.tag.tile_end),
            path.vector.eq(fetch.vector[:8 * accelerator.rows]),
        ]

    def load(self, offset: Value, data: Value, write: Value) -> list[Any]:
        path = self.component
        return [Value.cast(path.load).eq(offset[2:]), path.data.eq(data), path.write.eq(write)]
