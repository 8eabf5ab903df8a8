"""Golden twin of :class:`hwgen.rtl.accelerator.lstm.part.LstmPart`."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...arch.lstm import GATES, HEAD_BYTES, head_words, lstm_words, sum_words
from ...arch.steps import Mode, Step
from ...network.gates import LEAST_POWER, saturate, update_cells
from ..network.arithmetic import scale, wrap
from .errors import Error
from .footprint import cells_held, vectors_in
from .parts import Part

if TYPE_CHECKING:
    from .accelerator import Accelerator

__all__ = ["LstmPart"]

Integers = NDArray[np.int64]

ORDER = [1, 0, 2, 3]
"""Where the gates of TensorFlow Lite's order are in the program memory: the forget gate is first.
"""


class Sums:
    """What a step has in the program memory.

    Members
    -------
    heads : array
        Bias, multiplier and shift of each sum: (cells, gates, of inputs or cells, 3).
    weights : tuple of arrays
        Of inputs and of cells: (cells, gates, bytes), with those that fill the words.
    own : array
        Limit, amount, zero point, multiplier and shift of all cells.
    """

    def __init__(self, step: Step, words: NDArray[np.int8]) -> None:
        columns, cells = words.shape[1], step.height
        head, size = head_words(columns), lstm_words(columns, step.row_bytes, cells)
        found = np.zeros((size, columns), np.int8)
        there = words[step.program:step.program + size]
        found[:len(there)] = there
        counts = [-(-step.row_bytes // columns), -(-cells // columns)]
        gates = found[head:].reshape(cells, GATES, sum_words(columns, step.row_bytes, cells)
                                     // GATES, columns)
        starts = [0, head + counts[0]]
        self.heads = np.stack([self.decode(gates[:, :, start:start + head])
                               for start in starts], axis=2)
        self.weights = tuple(
            gates[:, :, start + head:start + head + count].reshape(cells, GATES, -1).astype(
                np.int64) for start, count in zip(starts, counts, strict=True))
        bias, self.multiplier, self.shift = self.decode(found[:head])
        self.limit, self.amount, self.zero_point = (
            int(bias) & 0xffff, int(bias) >> 16 & 7, int(bias) >> 24)

    @staticmethod
    def decode(words: NDArray[np.int8]) -> Integers:
        """Return bias, multiplier and shift of words before weights."""
        data = np.ascontiguousarray(words).reshape(*words.shape[:-2], -1)[..., :HEAD_BYTES]
        numbers = np.ascontiguousarray(data[..., :8]).view("<i4").astype(np.int64)
        shift = ((data[..., 8].astype(np.int64) & 63) ^ 32) - 32
        return np.stack([numbers[..., 0], numbers[..., 1] & 0x7fffffff, shift], axis=-1)

    def gates(self, vectors: tuple[NDArray[np.int8], NDArray[np.int8]]) -> Integers:
        """Return the arguments of all gates, (gates, cells)."""
        found = []
        for kind, (vector, weights) in enumerate(zip(vectors, self.weights, strict=True)):
            bias, multiplier, shift = np.moveaxis(self.heads[:, :, kind], -1, 0)
            sums = wrap(weights[..., :len(vector)] @ vector.astype(np.int64) + bias)
            found.append(saturate(scale(sums, multiplier, shift)))
        return saturate(found[0] + found[1]).T[ORDER]


class LstmPart(Part):
    """Updates cells, with what it finds in the memories.

    Parameters
    ----------
    most : int
        Cells, or inputs, at most.
    """

    mode = Mode.LSTM

    def __init__(self, most: int) -> None:
        self.most = most

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return step.passes * step.tiles * step.y == 1 and all(
            1 <= each <= self.most for each in (step.row_bytes, step.height))

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        if step.program + step.offset % (1 << 32) > len(words):
            return Error.PROGRAM
        sums, memory, count = Sums(step, words), accelerator.memory, step.height
        held, target = cells_held(step)
        given = step.taps_y_step_bytes + np.arange(count, dtype=np.int64)
        for time, incoming in enumerate(vectors_in(step)):
            output = step.output + time * count + np.arange(count, dtype=np.int64)
            if not (inside(incoming, memory).all() and inside(given, memory).all()):
                return Error.FETCH
            read = np.logical_and(*inside(held, memory).T)
            room = inside(target, memory).all(axis=1) & inside(output, memory)
            done = int(np.argmin(np.append(read & room, False)))
            before = np.zeros(count, np.int64)
            before[read] = np.ascontiguousarray(memory[held[read]]).view("<i2")[:, 0]
            cells, products = update_cells(sums.gates((memory[incoming], memory[given])), before,
                                           sums.amount + LEAST_POWER, sums.limit)
            values = scale(products, sums.multiplier, sums.shift) + sums.zero_point
            memory[target[:done]] = cells.astype("<i2")[:done, None].view(np.int8)
            memory[output[:done]] = np.clip(values, -128, 127)[:done]
            if done < count:
                return Error.STORE if read[done] else Error.FETCH
            given, held = output, target
        return None


def inside(addresses: Integers, memory: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return which addresses are those of the memory."""
    found: NDArray[np.bool_] = (addresses >= 0) & (addresses < len(memory))
    return found
