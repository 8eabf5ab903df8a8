# amaranth: UnusedElaboratable=no
"""An LSTM in the socket of an accelerator."""

from typing import Any

from amaranth import *

from ..moving import MovingPart
from .steps import LstmSteps

__all__ = ["LstmPart"]


class LstmPart(MovingPart):
    """Does steps of mode LSTM.

    Parameters
    ----------
    most : int
        Cells, or inputs, at most.
    """

    name = "lstm"

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__()

    def make(self, columns: int, words: int, reading: int, **sizes: Any) -> LstmSteps:
        return LstmSteps(columns, words, reading, most=self.most, **sizes)

    def faults(self, descriptor: Any) -> list[Value]:
        d = descriptor
        return [*(loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y, d.y)),
                *(count == 0 for count in (d.row_bytes, d.height)),
                *(count > self.most for count in (d.row_bytes, d.height))]
