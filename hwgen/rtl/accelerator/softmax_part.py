# amaranth: UnusedElaboratable=no
"""Softmax of rows in the socket of an accelerator."""

from typing import Any

from amaranth import *

from ...arch.steps import LONGEST_ROW
from .moving import MovingPart
from .softmax import SoftmaxRows

__all__ = ["SoftmaxPart"]


class SoftmaxPart(MovingPart):
    """Does steps of mode SOFTMAX.

    Parameters
    ----------
    hard : bool
        Whether it multiplies in DSP blocks.
    """

    name = "softmax"

    def __init__(self, *, hard: bool) -> None:
        self.hard = hard
        super().__init__()

    def make(self, columns: int, words: int, reading: int, **sizes: Any) -> SoftmaxRows:
        return SoftmaxRows(columns, words, reading, hard=self.hard, **sizes)

    def faults(self, descriptor: Any) -> list[Value]:
        d, bits = descriptor, LONGEST_ROW.bit_length()
        return [*(loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y)),
                d.row_bytes == 0, d.row_bytes[bits:].any()]
