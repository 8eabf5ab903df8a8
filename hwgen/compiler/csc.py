"""Weights as compressed sparse columns, and the bits that these take."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..golden.sparse.decoder import Compressed, EntryFormat, LaneEntries

__all__ = ["csc_bits", "encode", "loads"]

Integers = NDArray[np.int64]


def encode(matrix: NDArray[np.integer], form: EntryFormat, lanes: int = 1) -> Compressed:
    """Return a matrix as entries of ``form``, its rows dealt out to ``lanes`` lanes in turn.

    A :class:`UserError` names a weight that the format cannot hold.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise UserError(f"weights must be a matrix of at least one row and one column, not of "
                        f"shape {matrix.shape}")
    if lanes < 1:
        raise UserError(f"lanes must be at least 1, not {lanes}")
    values = _values(matrix.astype(np.int64), form)
    rows, columns = matrix.shape
    return Compressed(rows, columns, form, tuple(
        _lane(matrix[lane::lanes] != 0, values[lane::lanes], form) for lane in range(lanes)))


def _values(matrix: Integers, form: EntryFormat) -> Integers:
    """Return what stands for each weight in an entry; of zeros anything."""
    if form.codebook is None:
        half = 1 << (form.value_bits - 1)
        wrong = matrix[(matrix < -half) | (matrix >= half)]
        if len(wrong):
            raise UserError(f"values of {form.value_bits} bits hold weights of {-half} to "
                            f"{half - 1}, not {wrong[0]}")
        return matrix & (2 * half - 1)
    order = np.argsort(form.codebook)
    table = np.array(form.codebook)[order]
    place = np.minimum(np.searchsorted(table, matrix), len(table) - 1)
    wrong = matrix[(table[place] != matrix) & (matrix != 0)]
    if len(wrong):
        raise UserError(f"the codebook has no weight {wrong[0]}")
    return order[place]


def _lane(some: NDArray[np.bool_], values: Integers, form: EntryFormat) -> LaneEntries:
    """Return the entries of a lane's rows, of which there may be none."""
    columns, rows = np.nonzero(some.T)
    first = np.diff(columns, prepend=-1) != 0
    gap = rows - np.where(first, -1, np.roll(rows, 1)) - 1

    # In front of each entry comes padding, until the rest of the gap is below the padding index.
    bits, mark = form.index_bits, form.padding
    most = (1 << form.value_bits) - 1
    owners, padding = [np.arange(0)], [np.arange(0)]
    left = gap.copy()
    wide = np.flatnonzero(left >= mark)
    while len(wide):
        entry = np.minimum((left[wide] - mark) >> bits, most) << bits | mark
        owners.append(wide)
        padding.append(entry)
        left[wide] -= entry
        wide = wide[left[wide] >= mark]
    owner = np.concatenate([*owners, np.arange(len(rows))])
    entries = np.concatenate([*padding, values[rows, columns] << bits | left])
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(columns[owner], minlength=some.shape[1])
    return LaneEntries(entries[order], np.concatenate([[0], np.cumsum(counts)]))


def loads(compressed: Compressed) -> Iterator[tuple[int, str, int, int]]:
    """Yield what the memories of the sparse engine shall hold: lane, part, address and data."""
    for number, lane in enumerate(compressed.lanes):
        for address, weight in enumerate(compressed.format.codebook or ()):
            yield number, "BOOK", address, weight & 0xff
        for address, entry in enumerate(lane.entries.tolist()):
            yield number, "ENTRIES", address, entry
        for index, pointer in enumerate(lane.pointers.tolist()):
            yield number, "ODD" if index % 2 else "EVEN", index // 2, pointer


def csc_bits(compressed: Compressed) -> int:
    """Return the bits that a matrix takes: entries and column pointers of each lane, a codebook."""
    form = compressed.format
    counts = [len(lane.entries) for lane in compressed.lanes]
    pointers = len(counts) * (compressed.columns + 1) * max(counts).bit_length()
    book = 0 if form.codebook is None else len(form.codebook) * form.weight_bits
    return sum(counts) * form.width + pointers + book
