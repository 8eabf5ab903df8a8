"""The memories of the sparse engine's lanes, as the host writes them."""

import numpy as np
from numpy.typing import NDArray

from ...arch.registers import LANE_BYTES, PART_BYTES
from ...golden.sparse.decoder import Compressed, LaneEntries
from ..csc import loads
from ..layers.sparse import FORMAT

__all__ = ["Words", "host_words", "matrix_of_words", "side_by_side"]

PARTS = {"ENTRIES": 0, "EVEN": 1, "ODD": 2}

Words = tuple[tuple[int, bytes], ...]
"""Offsets into the compressed weights, and what is written there."""


def side_by_side(matrices: list[Compressed], lanes: int) -> Compressed:
    """Return matrices as one, the columns of each behind those of the one before."""
    joined = []
    for number in range(lanes):
        entries, pointers, end = [np.zeros(0, np.int64)], [np.zeros(1, np.int64)], 0
        for matrix in matrices:
            lane = matrix.lanes[number]
            entries.append(lane.entries)
            pointers.append(lane.pointers[1:] + end)
            end += len(lane.entries)
        joined.append(LaneEntries(np.concatenate(entries), np.concatenate(pointers)))
    return Compressed(max((matrix.rows for matrix in matrices), default=lanes),
                      sum(matrix.columns for matrix in matrices), FORMAT, tuple(joined))


def host_words(weights: Compressed) -> Words:
    """Return what the host writes: 32 bits each, at lane, memory and address (docs/protocol.md)."""
    found: dict[int, list[int]] = {}
    for lane, part, _, word in loads(weights):  # from address 0 on
        found.setdefault(lane * LANE_BYTES + PARTS[part] * PART_BYTES, []).append(word)
    return tuple((offset, np.array(words, "<u4").tobytes()) for offset, words in found.items())


def matrix_of_words(words: Words, lanes: int) -> Compressed:
    """Return the matrix of which that is written."""
    found: dict[tuple[int, int], NDArray[np.int64]] = {}
    for offset, content in words:
        lane, within = divmod(offset, LANE_BYTES)
        found[lane, within // PART_BYTES] = np.frombuffer(content, "<u4").astype(np.int64)
    none = np.zeros(0, np.int64)
    made = []
    for lane in range(lanes):
        even, odd = found.get((lane, 1), none), found.get((lane, 2), none)
        pointers = np.zeros(len(even) + len(odd), np.int64)
        pointers[::2], pointers[1::2] = even, odd
        made.append(LaneEntries(found.get((lane, 0), none), pointers))
    return Compressed(lanes, len(made[0].pointers) - 1, FORMAT, tuple(made))
