"""What the sparse engine of ``rtl/sparse/engine.py`` computes, and in which cycles, in NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..network.arithmetic import Integers, wrap
from .decoder import Compressed, EntryFormat, LaneEntries
from .nonzero import NonZero, nonzeros

__all__ = ["Source", "Sparse", "SparseRun"]


NEVER = -(1 << 40)
FLUSH = 11
"""Cycles from the last one in which a lane is busy until its sums are read."""
LEAST_WAIT = 10
"""Cycles from the end of an input until sums are read, whatever the lanes do."""
SHOW = 2
"""Cycles from reading sums until they are on ``o``."""


class Source(Protocol):
    """Where vectors come from, one after the other."""

    def offer(self, first: bool) -> int:
        """Return when the next vector can be taken; ``first`` is that of an input."""

    def take(self, cycle: int) -> None:
        """Be told when it was taken."""


@dataclass(frozen=True)
class SparseRun:
    """What came of inputs that follow one another without a pause.

    Parameters
    ----------
    sums : array
        (inputs, rows), 32 bits with a sign.
    vectors : array
        The cycle in which each vector of activations is transferred, counted from the first one.
    outputs : array
        The cycle in which each vector of sums is transferred.
    work : int
        Products; entries that are padding give none.
    lanes : int
    entries : int
        Entries that all lanes read.
    """

    sums: Integers
    vectors: Integers
    outputs: Integers
    work: int
    lanes: int
    entries: int

    @property
    def cycles(self) -> int:
        """Cycles from the first vector to the last sums, both included."""
        return int(self.outputs[-1]) + 1

    @property
    def busy(self) -> float:
        """The share of all lanes' cycles in which a product began."""
        return self.work / (self.lanes * self.cycles)


class Timeline:
    """Walks through the non-zeros of inputs, and tells in which cycle each of them goes where.

    A unit of the engine passes something on when it has it and the next one is free: each cycle is
    the latest of a few that are known, so that no cycle needs to be simulated.
    """

    def __init__(self, counts: Integers, depth: int) -> None:
        lanes = len(counts)
        self.counts = counts  # entries of each lane's columns
        self.depth = depth
        self.taken = 0        # the next vector, at the soonest
        self.picked = self.shown = self.sent = NEVER
        self.run = 0          # when columns may be sent
        self.entries = 0      # that were read
        self.pops: list[Integers] = []
        self.read, self.known, self.through = (np.full(lanes, NEVER) for _ in range(3))

    def vector(self, found: Sequence[NonZero], offered: int = 0) -> int:
        """Pass on what was found in a vector; return the cycle in which the vector came."""
        came = max(self.taken, offered)
        self.taken = came + 1
        for item in found:
            # Picked, then shown, then sent to the lanes.
            self.picked = self.taken = max(came + 1, self.picked + 1, self.shown)
            self.shown = max(self.picked + 1, self.sent)
            sent = max(self.shown + 1, self.sent + 1, self.run)
            if item.some and len(self.pops) >= self.depth:
                sent = max(sent, int(self.pops[-self.depth].max()) + 1)
            self.sent = sent
            if item.some:
                self.column(item.at)
        return came

    def column(self, index: int) -> None:
        """Let the lanes read a column that was sent to them."""
        pops = np.maximum(self.sent + 1, self.read)
        self.pops.append(pops)
        self.read = np.maximum(pops + 1, self.known)
        count = self.counts[:, index]
        self.entries += int(count.sum())
        self.known = np.maximum(self.read + 1, np.where(count > 0, self.through, NEVER))
        self.through = np.where(count > 0, self.known + count, self.through)

    def end(self, slots: int) -> Integers:
        """Return when the sums of an input come out, and let the next one begin."""
        busy = int(np.maximum(self.known, self.through).max())
        begin = max(self.sent + LEAST_WAIT, busy + FLUSH)
        self.run = begin + slots + 1
        return begin + SHOW + np.arange(slots)


@dataclass(frozen=True, kw_only=True)
class Sparse:
    """Golden twin of :class:`hwgen.rtl.sparse.engine.Sparse`.

    Parameters
    ----------
    depth : int
        Columns that may wait in front of each lane.
    slots : int
        Rows that each has sums for. Entries for more count from row 0 again, modulo the power of
        two that holds so many; those behind the last row of a matrix add nothing.
    """

    depth: int = 8
    slots: int = 1 << 30

    def run(self, matrix: Compressed, inputs: NDArray[np.integer], zero_point: int = 0,
            first: int = 0, source: Source | None = None) -> SparseRun:
        """Multiply inputs, (inputs, vectors, width), by a matrix.

        Activations beyond the last column must be the zero point. The cycles are those of an
        engine to which activations come from a source, or always at once, and whose sums are always
        taken.
        """
        inputs = np.asarray(inputs, np.int64)
        lanes = len(matrix.lanes)
        timeline = Timeline(np.stack([np.diff(lane.pointers) for lane in matrix.lanes]),
                            self.depth)
        slots = -(-matrix.rows // lanes)
        placed = [self._triplets(lane, matrix.format, slots) for lane in matrix.lanes]
        sums = np.zeros((len(inputs), slots, lanes), np.int64)
        vectors: list[int] = []
        outputs, work = [], 0
        for number, vectors_in in enumerate(inputs):
            activations = np.zeros(matrix.columns, np.int64)
            found: list[list[NonZero]] = [[] for _ in vectors_in]
            for item in nonzeros(vectors_in, zero_point, first):
                if item.some:
                    activations[item.at] = item.value
                    found[(item.at - first) // vectors_in.shape[1]].append(item)
                else:
                    found[-1].append(item)
            for place, items in enumerate(found):
                came = timeline.vector(items, source.offer(place == 0) if source else 0)
                if source:
                    source.take(came)
                vectors.append(came)
            outputs.append(timeline.end(slots))
            for lane, (columns, rows, weights) in enumerate(placed):
                work += int(np.count_nonzero(activations[columns]))
                np.add.at(sums[number, :, lane], rows, weights * activations[columns])
        return SparseRun(wrap(sums.reshape(len(inputs), -1)[:, :matrix.rows]), np.array(vectors),
                         np.concatenate(outputs), work, lanes, timeline.entries)

    def _triplets(self, lane: LaneEntries, form: EntryFormat,
                  slots: int) -> tuple[Integers, Integers, Integers]:
        """Return columns, rows and weights of those entries that have a sum."""
        columns, rows, weights = lane.triplets(form)
        rows = rows & (1 << (self.slots - 1).bit_length()) - 1
        there = rows < slots
        return columns[there], rows[there], weights[there]
