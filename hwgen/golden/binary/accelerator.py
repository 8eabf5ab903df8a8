"""What :mod:`hwgen.rtl.binary` computes, in NumPy, from the program image alone.

docs/binary.md in another language.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...arch.descriptors import BIPOLAR, START_WORDS, Descriptors
from ...arch.design import Design
from ...arch.steps import Step
from ..accelerator.accelerator import Accelerator, Error, Weights

__all__ = ["BinaryAccelerator"]


@dataclass(kw_only=True)
class BinaryAccelerator(Accelerator):
    """Golden twin of :class:`hwgen.rtl.binary.accelerator.BinaryAccelerator`, with its memories.

    Parameters
    ----------
    lanes : int
        As in the Design, as are the others.
    """

    lanes: int = 1

    @classmethod
    def of(cls, design: Design, weights: Weights = None, **others: Any) -> Self:
        """Return that of a Design."""
        return super().of(design, lanes=design.lanes, **others)

    @property
    def descriptors(self) -> Descriptors:
        """How steps lie in the program memory."""
        return Descriptors("binary", self.rows, self.columns)

    def refusal(self, step: Step) -> Error | None:
        """Return why no accelerator of these sizes ends such a step, if none does."""
        if step.last_columns > self.columns or step.row_bytes == 0 or step.output % self.lanes:
            return Error.DESCRIPTOR
        return Error.FETCH if step.base + step.row_bytes > len(self.memory) else None

    def step(self, step: Step, words: NDArray[np.int8]) -> Error | None:
        """Run one step; return why it stopped, if it did."""
        inputs = np.zeros(step.pieces * self.rows, np.int8)  # 1, as every number without a sign
        used = min(len(inputs), step.row_bytes)
        inputs[:used] = self.memory[step.base:step.base + used]
        place = step.program
        for tile in range(step.tiles):
            end = place + START_WORDS + step.pieces
            if end > len(words):
                return Error.PROGRAM
            starts = words[place:place + START_WORDS].T.copy().view("<i2")[:, 0]
            weights = BIPOLAR.from_words(
                words[place + START_WORDS:end, None].view(np.uint8), self.rows)
            ones = (weights == np.where(inputs < 0, -1, 1).reshape(-1, self.rows, 1)).sum((0, 1))
            sums = (starts + 2 * ones).astype(np.int16).astype(np.int64)
            place = end
            count = step.last_columns if tile == step.tiles - 1 else self.columns
            to = step.output + tile * self.columns
            if to + count > len(self.memory):
                return Error.STORE
            self.memory[to:to + count] = self.post.narrow(sums[:count], 0, step.low, step.high)
        return None
