"""Weights as compressed sparse columns, and what that saves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..golden.sparse.decoder import Compressed, EntryFormat, Integers, LaneEntries

__all__ = ["Storage", "encode", "loads", "storage"]


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


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Bits that a matrix takes, by the way in which it is stored; all but ``dense`` are sparse.

    Members
    -------
    dense : int
        Every weight.
    bitmap : int
        A bit for every weight, and the values of those that are not 0.
    run_length : int
        Entries alone: the columns follow one another in one long run of all lanes' rows.
    csc : int
        Entries and column pointers of each lane.
    entries, padding, nonzeros : int
        Entries of ``csc``, those of them that are padding, and weights that are not 0.

    The codebook, where there is one, is counted in all three sparse ones.
    """

    dense: int
    bitmap: int
    run_length: int
    csc: int
    entries: int
    padding: int
    nonzeros: int


def storage(compressed: Compressed) -> Storage:
    """Count the bits of a compressed matrix, and those that it would take otherwise."""
    form, count = compressed.format, len(compressed.lanes)
    size = compressed.rows * compressed.columns
    book = 0 if form.codebook is None else len(form.codebook) * form.weight_bits
    entries = sum(len(lane.entries) for lane in compressed.lanes)
    longest = max(len(lane.entries) for lane in compressed.lanes)
    pointers = count * (compressed.columns + 1) * longest.bit_length()

    places = []
    for number, lane in enumerate(compressed.lanes):
        columns, rows, _ = lane.triplets(form)
        places.append(columns * compressed.rows + rows * count + number)
    run = np.zeros((size, 1), np.bool_)
    run[np.concatenate(places)] = True
    nonzeros = int(run.sum())
    alone = _lane(run, np.zeros((size, 1), np.int64), form)
    return Storage(
        dense=size * form.weight_bits, bitmap=size + nonzeros * form.value_bits + book,
        run_length=len(alone.entries) * form.width + book,
        csc=entries * form.width + pointers + book,
        entries=entries, padding=entries - nonzeros, nonzeros=nonzeros)
