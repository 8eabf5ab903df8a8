"""What the systolic arrays of ``rtl/systolic/systolic.py`` compute, in NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["OutputStationary", "WeightStationary", "wrap"]

Integers = NDArray[np.int64]


def wrap(sums: Integers, width: int, signed: bool) -> Integers:
    """Keep the lowest ``width`` bits, as an accumulator of that width does."""
    if width >= 64:
        return sums
    if not signed:
        return sums & ((1 << width) - 1)
    return sums << (64 - width) >> (64 - width)


@dataclass(frozen=True, kw_only=True)
class SystolicArray:
    """What both arrays have.

    Parameters
    ----------
    rows, columns, lines, packed_rows : int
        As in hardware.
    sum_width : int
        Width of a sum.
    sum_signed : bool
        Whether activations or weights are signed.
    """

    rows: int
    columns: int
    lines: int = 0
    packed_rows: int = 0
    sum_width: int = 64
    sum_signed: bool = True

    def product(self, left: Integers, right: Integers) -> Integers:
        """Return the product of two matrices, as the sums hold it."""
        return wrap(np.asarray(left, np.int64) @ np.asarray(right, np.int64),
                    self.sum_width, self.sum_signed)


class WeightStationary(SystolicArray):
    """Golden twin of :class:`hwgen.rtl.systolic.systolic.WeightStationary`."""

    def matrix(self, vectors: Integers, weights: Integers) -> Integers:
        """Return the sums of one tile, (vectors, columns).

        Of (vectors, rows) activations and (rows, columns) weights.
        """
        return self.product(vectors, weights)

    def line(self, row: int) -> int:
        """Return the line whose pixels pass the cells of ``row``."""
        return row * self.lines // (self.rows - self.packed_rows)

    def taps(self, pixels: Integers, held: Integers | None = None) -> Integers:
        """Return what each cell multiplies: (vectors, taps, columns) of (vectors, lines, columns).

        Taps are the rows that are not packed. A pixel moves down one row a vector within the rows
        of its line. ``held`` is what the cells held before, (taps, columns): what they multiplied
        by last.
        """
        pixels = np.asarray(pixels, np.int64)
        taps = self.rows - self.packed_rows
        cells = np.zeros((taps, self.columns), np.int64) if held is None else held
        seen = np.empty((len(pixels), taps, self.columns), np.int64)
        lines = np.array([self.line(row) for row in range(taps)])
        head = np.append(True, lines[1:] != lines[:-1])
        for index, fresh in enumerate(pixels):
            cells = np.where(head[:, None], fresh[lines], np.roll(cells, 1, axis=0))
            seen[index] = cells
        return seen

    def depthwise(self, pixels: Integers, weights: Integers,
                  held: Integers | None = None) -> Integers:
        """Return the sums of one depthwise tile, (vectors, columns), those of PRIME vectors too."""
        taps = self.taps(pixels, held)
        products = taps * np.asarray(weights, np.int64)[:taps.shape[1]]
        return wrap(products.sum(axis=1), self.sum_width, self.sum_signed)


class OutputStationary(SystolicArray):
    """Golden twin of :class:`hwgen.rtl.systolic.systolic.OutputStationary`."""

    def matrix(self, activations: Integers, weights: Integers) -> Integers:
        """Return the sums of one tile as they come out: the last row first.

        Of (steps, rows) activations and (steps, columns) weights.
        """
        return self.product(np.transpose(activations), weights)[::-1]
