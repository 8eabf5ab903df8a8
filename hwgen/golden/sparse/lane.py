"""What the memories of the sparse engine's lanes hold, in NumPy: whatever was written there."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decoder import Compressed, EntryFormat, LaneEntries

__all__ = ["Memories"]


class Memories:
    """Entries and pointers of all lanes, as the lanes read them.

    Addresses, and numbers of columns, count modulo a power of two. The entries of a column are
    those from where its pointer says to where the next one does, around the end of the memory if
    that is before it. What is read behind the end of a memory whose size is no power of two is not
    defined; here it is 0.

    Parameters
    ----------
    lanes, entries, columns : int
        See :class:`hwgen.rtl.sparse.engine.Sparse`.
    form : EntryFormat
        Of the entries.
    """

    def __init__(self, lanes: int, entries: int, columns: int, form: EntryFormat) -> None:
        self.form = form
        self.lanes = range(lanes)
        self.column_mask = (1 << (columns - 1).bit_length()) - 1
        self.entry_mask = (1 << (entries - 1).bit_length()) - 1
        self.pointer_mask = (1 << entries.bit_length()) - 1
        self.entries, self.even, self.odd = (
            np.zeros((lanes, size), np.int64)
            for size in (self.entry_mask + 1, self.column_mask // 2 + 2, self.column_mask // 2 + 1))

    def write(self, lane: int, part: int, first: int, words: NDArray[Any]) -> None:
        """Write words into a memory of a lane: 0 has entries, 1 even pointers, 2 odd ones."""
        memory = (self.entries, self.even, self.odd)[part]
        mask = self.pointer_mask if part else (1 << self.form.width) - 1
        memory[lane, first:first + len(words)] = words.astype(np.int64) & mask

    def part(self, first: int, columns: int, rows: int) -> Compressed:
        """Return some columns, as the matrix of so many rows that they are."""
        index = first + np.arange(columns) & self.column_mask
        even, odd = self.even[:, index + 1 >> 1], self.odd[:, index >> 1]
        begin, end = np.where(index & 1, odd, even), np.where(index & 1, even, odd)
        counts = np.where(begin == end, 0, (end - 1 - begin & self.entry_mask) + 1)
        lanes = []
        for entries, start, count in zip(self.entries, begin, counts, strict=True):
            pointers = np.concatenate([[0], np.cumsum(count)])
            within = np.arange(pointers[-1]) - np.repeat(pointers[:-1], count)
            lanes.append(LaneEntries(entries[np.repeat(start, count) + within & self.entry_mask],
                                     pointers))
        return Compressed(rows, columns, self.form, tuple(lanes))
