"""What does steps beside the array: golden twins of the parts in an accelerator's socket."""

from itertools import zip_longest
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import (
    LONGEST_ROW,
    POWER_BYTES,
    SLOTS,
    TABLE_BYTES,
    Mode,
    Step,
    power_words,
    table_words,
)
from ...network.fixed_point import LARGEST, shares
from ..sparse.decoder import Compressed
from ..sparse.engine import SparseRun
from ..sparse.lane import Memories
from ..sparse.step import sparse_step
from ..unpack.unpack import is_possible, unpack
from .errors import Error
from .footprint import bytes_written, loaded_places, passes, rows_read, vectors_loaded, words_loaded

if TYPE_CHECKING:
    from .accelerator import Accelerator

__all__ = ["MatmulPart", "Part", "SoftmaxPart", "SparsePart", "TablePart", "UnpackPart", "WidePart"]


class Part(Protocol):
    """Golden twin of :class:`hwgen.rtl.accelerator.part.Part`: does the steps of a mode."""

    mode: Mode
    strided: bool = False

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        """Return whether there is such a step."""

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        """Run the step with that index; return why it stopped, if it did."""


class SparsePart(Part):
    """Golden twin of :class:`hwgen.rtl.accelerator.sparse_part.SparsePart`.

    Parameters
    ----------
    weights : Compressed, Memories, or None
        What the engine holds.
    depth : int
        Columns that may wait in front of a lane.
    """

    mode = Mode.SPARSE
    strided = True

    def __init__(self, weights: Compressed | Memories | None, depth: int) -> None:
        self.weights, self.depth = weights, depth
        self.runs: dict[int, SparseRun] = {}
        """What the engine did, by the index of the step."""

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return step.tiles == 1 and 1 <= step.slots <= SLOTS

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        if step.program >= len(words):  # though none is read
            return Error.PROGRAM
        if step.passes * step.slots > accelerator.partial_sums:
            return Error.SUMS
        found = [accelerator.fetch(step, 0, *taps) for taps in passes(step)]
        vectors = [each.reshape(step.vectors, -1) for each in found if each is not None]
        if len(vectors) < len(found):
            return Error.FETCH
        assert self.weights is not None
        run = self.runs[index] = sparse_step(step, self.weights, np.stack(vectors), self.depth)
        sums = run.sums.reshape(-1, accelerator.columns)
        accelerator.accumulators[:len(sums)] = sums
        return None


class UnpackPart(Part):
    """Golden twin of :class:`hwgen.rtl.accelerator.unpack_part.UnpackPart`."""

    mode = Mode.UNPACK

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return is_possible(step, accelerator.rows, accelerator.columns)

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        there = unpack(step, words.view(np.uint8), accelerator.rows)
        return None if there else Error.PROGRAM


class WidePart(Part):
    """Golden twin of :class:`hwgen.rtl.accelerator.wide_part.WidePart`."""

    mode = Mode.WIDE

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return step.program % accelerator.wide_rows == 0

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        return accelerator.step(step, words)


class TablePart(Part):
    """Golden twin of :class:`hwgen.rtl.accelerator.table_part.TablePart`.

    Parameters
    ----------
    count : int
        Tables; they are numbered modulo the power of two that holds them.
    """

    mode = Mode.TABLE

    def __init__(self, count: int) -> None:
        self.tables = np.zeros((1 << (count - 1).bit_length(), TABLE_BYTES), np.int8)

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return step.passes * step.vectors * step.tiles == 1

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        end = step.program + table_words(accelerator.columns)
        if end > len(words):
            return Error.PROGRAM
        found = words[step.program:end].reshape(-1)[:TABLE_BYTES]
        self.tables[step.table % len(self.tables)] = found
        return None

    def look_up(self, step: Step, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the bytes of a step as they are stored."""
        if not step.table:
            return values
        found: NDArray[np.int8] = self.tables[step.table % len(self.tables)][values.view(np.uint8)]
        return found


class SoftmaxPart(Part):
    """Golden twin of :class:`hwgen.rtl.accelerator.softmax_part.SoftmaxPart`."""

    mode = Mode.SOFTMAX

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return step.passes * step.tiles == 1 and 1 <= step.row_bytes <= LONGEST_ROW

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        end = step.program + power_words(accelerator.columns)
        if end > len(words):
            return Error.PROGRAM
        powers = words[step.program:end].reshape(-1)[:POWER_BYTES].view("<i4") & LARGEST
        powers[0] = LARGEST
        memory = accelerator.memory
        read, written = (each.reshape(-1, step.row_bytes) for each in (
            rows_read(step), bytes_written(step, accelerator.columns)))
        inside, room = (np.all((each >= 0) & (each < len(memory)), axis=1)
                        for each in (read, written))
        for row, (source, target) in enumerate(zip(read, written, strict=True)):
            if not inside[row:row + 2].all():  # the next one has been read, too
                return Error.FETCH
            if not room[row]:
                return Error.STORE
            values = memory[source].astype(np.int64)
            memory[target] = shares(powers[values.max() - values].astype(np.int64))
        return None


class MatmulPart(Part):
    """Golden twin of :class:`hwgen.rtl.accelerator.matmul_part.MatmulPart`."""

    mode = Mode.LOAD

    def possible(self, step: Step, accelerator: "Accelerator") -> bool:
        return step.passes * step.tiles == 1 and step.height > 0

    def run(self, step: Step, index: int, accelerator: "Accelerator", words: NDArray[np.int8],
            ) -> Error | None:
        memory, rows, columns = accelerator.memory, accelerator.rows, accelerator.columns
        addresses, there = vectors_loaded(step, rows, columns)
        missed = (there & ((addresses < 0) | (addresses >= len(memory)))).reshape(-1)
        places = loaded_places(step, rows)
        beyond = np.zeros((step.x * step.y + (step.column > 0), addresses.shape[2]), bool)
        beyond[step.column > 0:, :rows] = (places >= len(words)).reshape(-1, rows)
        for fetch, write in zip_longest(missed, beyond.reshape(-1), fillvalue=False):
            if fetch or write:
                return Error.FETCH if fetch else Error.PROGRAM
        found, matrix = words_loaded(step, rows, columns)
        values = np.where(found < len(memory), memory[np.minimum(found, len(memory) - 1)], 0)
        words[places] = np.where(matrix[:, None], values, np.int8(step.zero_points[1]))
        return None
