"""Compressed sparse columns: what the entries of a matrix mean, in NumPy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError

__all__ = ["WEIGHT_BITS", "Compressed", "EntryFormat", "Integers", "LaneEntries", "Transfer",
           "decode", "transfers"]

Integers = NDArray[np.int64]

WEIGHT_BITS = 8
"""Bits of a weight, with a sign, as it comes out of a codebook."""


@dataclass(frozen=True, kw_only=True)
class EntryFormat:
    """How an entry is made up: a relative row index in the low bits, a value in the high ones.

    An index says how many zeros lie between the entry and the one before it. The largest index
    marks padding, which stands for zeros alone: as many as all bits of the entry, read as one
    number without a sign. So no value is lost to padding, and one entry crosses almost any gap.

    Parameters
    ----------
    index_bits : int
        2 to 8.
    value_bits : int
        1 to 8.
    codebook : tuple of int, or None
        The weights that a value chooses from, 2 to ``2**value_bits`` different ones; none: a value
        is the weight itself, with a sign.
    """

    index_bits: int = 4
    value_bits: int = 8
    codebook: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name, low, high in (("index_bits", 2, 8), ("value_bits", 1, 8)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise UserError(f"{name} must be {low} to {high}, not {value!r}")
        if self.codebook is None:
            return
        most = 1 << self.value_bits
        if not 2 <= len(self.codebook) <= most:
            raise UserError(f"a codebook for values of {self.value_bits} bits must have 2 to "
                            f"{most} weights, not {len(self.codebook)}")
        if len(set(self.codebook)) < len(self.codebook):
            raise UserError("the weights of a codebook must differ")
        half = 1 << (WEIGHT_BITS - 1)
        for weight in self.codebook:
            if not -half <= weight < half:
                raise UserError(f"the weights of a codebook must be {-half} to {half - 1}, not "
                                f"{weight}")

    @property
    def padding(self) -> int:
        """The index that marks padding."""
        return (1 << self.index_bits) - 1

    @property
    def width(self) -> int:
        """Bits of an entry."""
        return self.index_bits + self.value_bits

    @property
    def weight_bits(self) -> int:
        """Bits of a weight, with a sign, when it has been decoded."""
        return self.value_bits if self.codebook is None else WEIGHT_BITS

    def weights(self, values: Integers) -> Integers:
        """Return the weights that values of entries stand for; 0 for those of no weight."""
        if self.codebook is None:
            half = 1 << (self.value_bits - 1)
            return (values ^ half) - half
        table = np.zeros(1 << self.value_bits, np.int64)
        table[:len(self.codebook)] = self.codebook
        return table[values]


@dataclass(frozen=True)
class LaneEntries:
    """The entries of some rows of a matrix, column by column.

    Parameters
    ----------
    entries : array of int
    pointers : array of int
        Where the entries of each column begin, and where those of the last one end.
    """

    entries: Integers
    pointers: Integers

    def column(self, index: int) -> Integers:
        """Return the entries of one column."""
        return self.entries[self.pointers[index]:self.pointers[index + 1]]

    def triplets(self, form: EntryFormat) -> tuple[Integers, Integers, Integers]:
        """Return columns, rows and weights of all entries that are not padding."""
        index = self.entries & form.padding
        padding = index == form.padding
        ends = np.concatenate([[0], np.cumsum(np.where(padding, self.entries, index + 1))])
        columns = np.repeat(np.arange(len(self.pointers) - 1), np.diff(self.pointers))
        rows = ends[1:] - ends[self.pointers[columns]] - 1
        weights = form.weights(self.entries >> form.index_bits)
        return columns[~padding], rows[~padding], weights[~padding]


@dataclass(frozen=True)
class Compressed:
    """A matrix as entries: row r belongs to lane ``r % lanes``, as its row ``r // lanes``."""

    rows: int
    columns: int
    format: EntryFormat
    lanes: tuple[LaneEntries, ...]

    def part(self, first: int, columns: int, rows: int) -> "Compressed":
        """Return some columns, as the matrix of so many rows that they are."""
        end = first + columns
        return Compressed(rows, columns, self.format, tuple(
            LaneEntries(lane.entries[lane.pointers[first]:lane.pointers[end]],
                        lane.pointers[first:end + 1] - lane.pointers[first])
            for lane in self.lanes))


def decode(compressed: Compressed) -> Integers:
    """Return the matrix."""
    matrix = np.zeros((compressed.rows, compressed.columns), np.int64)
    count = len(compressed.lanes)
    for number, lane in enumerate(compressed.lanes):
        columns, rows, weights = lane.triplets(compressed.format)
        matrix[rows * count + number, columns] = weights
    return matrix


class Transfer(NamedTuple):
    """What the decoder gives in one transfer: a weight, the end of a column, or both."""

    row: int
    weight: int
    some: bool
    last: bool


def transfers(form: EntryFormat, columns: Iterable[Sequence[int]], rows: int) -> list[Transfer]:
    """Return what :class:`hwgen.rtl.sparse.decoder.Decoder` makes of the entries of columns.

    Entry by entry, and for any entries: rows count modulo ``rows`` rounded up to a power of two. A
    column whose end has no weight has one transfer that says so, with row and weight 0.
    """
    wrap = (1 << max(rows - 1, 0).bit_length()) - 1
    found = []
    for entries in columns:
        following = 0
        end = Transfer(0, 0, False, True)
        for number, entry in enumerate(entries, 1):
            last = number == len(entries)
            index = int(entry) & form.padding
            if index == form.padding:
                following += int(entry)
                continue
            weight = int(form.weights(np.array([entry >> form.index_bits]))[0])
            found.append(Transfer(following + index & wrap, weight, True, last))
            following += index + 1
            if last:
                break
        else:
            found.append(end)
    return found
