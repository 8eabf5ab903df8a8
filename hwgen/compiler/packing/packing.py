"""Weights of a step as the unpacker reads them: the shortest of a few ways."""

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import INDEX_BITS
from ...golden.sparse.decoder import EntryFormat
from ...golden.unpack.unpack import VALUE_BITS, Packing
from ..csc import encode

__all__ = ["pack_step", "pack_step_as"]

Bytes = NDArray[np.uint8]


def pack_step(weights: Bytes, parameters: Bytes) -> tuple[Bytes, dict[str, int]]:
    """Return the words that stand for the weights of a step, and fields of the step that says so.

    Parameters
    ----------
    weights : array
        Words of all column tiles, (tiles, words, columns).
    parameters : array
        Those of the parameters, of all column tiles or of the first one, (words, columns).
    """
    columns = weights.shape[2]
    some = np.unique(weights[weights != 0].view(np.int8)).tolist()
    narrow, wide = VALUE_BITS
    book: tuple[int, ...] | None = None
    if all(-8 <= weight < 8 for weight in some):
        packing = Packing(columns, narrow, book=False)
    elif len(some) <= 1 << narrow:
        book = tuple(some) if len(some) > 1 else (*some, some[0] ^ 1)
        packing = Packing(columns, narrow, book=True)
    else:
        packing = Packing(columns, wide, book=False)
    return pack_step_as(weights, parameters, packing, book)


def pack_step_as(weights: Bytes, parameters: Bytes, packing: Packing,
                 book: tuple[int, ...] | None) -> tuple[Bytes, dict[str, int]]:
    """Return what :func:`pack_step` does, packed in this way, with a codebook if it has one."""
    tiles, length, columns = weights.shape
    form = EntryFormat(index_bits=INDEX_BITS, value_bits=packing.value_bits, codebook=book)
    column = np.zeros((tiles * length, 1 << packing.low), np.int8)
    column[:, :columns] = weights.reshape(-1, columns).view(np.int8)
    entries = encode(column.reshape(-1, 1), form).lanes[0].entries
    if not len(entries):
        entries = np.array([form.padding])
    codes = np.zeros(packing.book_words * columns, np.uint8)
    codes[:len(book or ())] = np.array(book or (), np.int64) & 0xff
    words = np.concatenate([parameters, codes.reshape(-1, columns), packing.pack(entries)])
    return words, {"slots": tiles, "tile_step": length, "row_bytes": len(entries),
                   "weight_format": packing.code}
