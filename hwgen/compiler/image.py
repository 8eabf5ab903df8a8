"""The weights and parameters of a Program, in the order in which the sequencer reads them."""

import numpy as np
from numpy.typing import NDArray

from ..arch.formats import Format
from ..arch.steps import PARAMETER_WORDS

__all__ = ["Image", "parameter_words"]

Integers = NDArray[np.int64]


def parameter_words(bias: Integers, multiplier: Integers, shift: Integers) -> NDArray[np.uint8]:
    """Return the words of parameters, (..., 9, columns), of arrays (..., columns).

    A multiplier has 31 bits, and a sign for lanes that know of one.
    """
    low = (bias.astype(np.int64).astype(np.uint64) & np.uint64(0xffffffff)
           | (multiplier.astype(np.int64) & (1 << 31) - 1).astype(np.uint64) << np.uint64(32)
           | (shift.astype(np.uint64) & np.uint64(1)) << np.uint64(63))
    words = [(low >> np.uint64(8 * byte)).astype(np.uint8) for byte in range(8)]
    words.append((shift >> 1 | (multiplier < 0) << 4).astype(np.uint8))
    return np.stack(words, axis=-2)


class Image:
    """Words of the program memory after the descriptors; equal pieces are kept once."""

    def __init__(self, columns: int) -> None:
        """Begin with no words."""
        self.columns = columns
        self.words = 0
        self._pieces: dict[bytes, int] = {}

    def keep(self, words: NDArray[np.uint8]) -> int:
        """Add words as they are, (words, columns), and return the first of them."""
        data = np.ascontiguousarray(words).tobytes()
        if data not in self._pieces:
            self._pieces[data] = self.words
            self.words += len(words)
        return self._pieces[data]

    def add(self, weights: NDArray[np.int8] | None, bias: Integers, multiplier: Integers,
            shift: Integers, planes: Format | None = None, *, pairs: bool = False,
            ) -> tuple[int, bool]:
        """Add what a step reads; return its first word and whether each tile has parameters.

        ``weights`` is (tiles, passes, rows, columns); the others are (tiles, columns), or for all
        tiles (1, columns). Weights are bytes, the last row first, or are cut into ``planes``. With
        ``pairs`` there are twice as many columns, those of the second half in the upper 4 bits.
        """
        parameters = parameter_words(bias, multiplier, shift)
        if pairs:
            assert weights is not None
            parameters = np.concatenate([*np.split(parameters, 2, axis=2)], axis=1)
            low, high = np.split(weights, 2, axis=3)
            weights = low & 15 | high << 4
        per_tile = len(parameters) > 1
        if weights is None:
            return self.keep(parameters.reshape(-1, self.columns)), per_tile
        tiles = len(weights)
        if planes is None:
            coded = weights[:, :, ::-1].astype(np.int8).view(np.uint8)
        else:
            coded = planes.to_words(weights)
        first = coded.shape[2]
        passes = coded.reshape(tiles, -1, self.columns)
        if per_tile:
            words = np.concatenate([passes[:, :first], parameters, passes[:, first:]], axis=1)
            return self.keep(words.reshape(-1, self.columns)), True
        flat = passes.reshape(-1, self.columns)
        return self.keep(np.concatenate([flat[:first], parameters[0], flat[first:]])), False

    def add_wide(self, weights: NDArray[np.int8], bias: Integers, multiplier: Integers,
                 shift: Integers) -> tuple[int, bool]:
        """Add what a step of mode WIDE reads; return the same as :meth:`add`.

        ``weights`` is (tiles, passes, vectors, rows, columns): the words of all rows are read at
        once, the first row first, and those of parameters.
        """
        rows = weights.shape[3]
        parameters = parameter_words(bias, multiplier, shift)
        room = np.zeros((len(parameters), rows, self.columns), np.uint8)
        room[:, :PARAMETER_WORDS] = parameters
        words: list[NDArray[np.uint8]] = []
        for tile, passes in enumerate(weights.astype(np.int8).view(np.uint8)):
            words += [passes[0], room[tile:tile + 1], passes[1:]]
        flat = np.concatenate([each.reshape(-1, self.columns) for each in words])
        return self.keep(flat), len(parameters) > 1

    def reserve(self, words: int) -> None:
        """Add words behind all others, which nobody writes but a step."""
        self.words += words

    def to_bytes(self) -> bytes:
        """Return the words, without those that are reserved."""
        return b"".join(self._pieces)


