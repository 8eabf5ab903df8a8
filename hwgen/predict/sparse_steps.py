"""What the steps of a Program take that run on the sparse engine: for one input, exactly.

They take as long as the activations that are not 0 and the weights of their columns want, so that
they are walked through: the golden model runs the whole Program. Without an input no activation
inside an image is the zero point.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arch.steps import Mode
from ..compiler.layers.sparse import FORMAT
from ..compiler.program import Program
from ..compiler.sparse.lane_memories import matrix_of_words
from ..cost.cycles import Array
from ..golden.accelerator.accelerator import Accelerator
from ..golden.accelerator.footprint import bytes_read, passes
from ..golden.accelerator.parts import SparsePart
from ..golden.sparse.step import sparse_cycles, sparse_step

__all__ = ["SparseWork", "golden_accelerator", "sparse_steps"]

Arrays = Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True)
class SparseWork:
    """What a step takes: ``cycles``, and ``bytes`` of entries that its lanes read."""

    cycles: int
    bytes: int


def golden_accelerator(program: Program, x: Arrays) -> Accelerator:
    """Return the golden model with a Program's weights, an input and a state in its memories.

    Where ``x`` does not say what a state is, it is the initial one.
    """
    design = program.design
    made = Accelerator.of(
        design, matrix_of_words(program.compressed, design.columns) if program.compressed else None)
    given = program.initial_state | dict(x)
    for name in (*program.initial_state, *program.inputs):
        place = program.tensors[name]
        made.memory[place.addresses()] = place.stored_part(np.asarray(given[name]))
    return made


def sparse_steps(program: Program, x: Arrays | None = None) -> dict[int, SparseWork]:
    """Return what those steps take, by their index."""
    indices = [index for index, step in enumerate(program.steps) if step.mode == Mode.SPARSE]
    if not indices:
        return {}
    made = golden_accelerator(program, x or {name: np.zeros(program.tensors[name].shape, np.int8)
                                             for name in program.inputs})
    engine = made.part_of[Mode.SPARSE]
    assert isinstance(engine, SparsePart)
    runs, weights = engine.runs, engine.weights
    if x is None:
        assert weights is not None
        for index in indices:
            step = program.steps[index]
            inside = np.stack([bytes_read(step, program.design.rows, 0, *taps)[0]
                               for taps in passes(step)])
            some = np.where(inside, step.pad ^ 1, step.pad)
            runs[index] = sparse_step(step, weights, some.reshape(step.passes, step.vectors, -1),
                                      program.design.sparse_depth)
    else:
        made.run(program.image, len(program.steps))
    turns = int(Array.of(program.design).turns)
    return {index: SparseWork(sparse_cycles(runs[index], program.design.columns, turns),
                              -(-runs[index].entries * FORMAT.width // 8)) for index in indices}
