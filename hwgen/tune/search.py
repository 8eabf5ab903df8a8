"""The search: the cycles and resources of every Design of a board that may suit.

All are evaluated by formulas (``survey.py``). On a large chip they get memories as large as the
networks need for not being cut. On a small one networks may have to be cut to fit: what that takes
no formula tells, but few Designs fit, so they are compiled for (``compiling.py``). The hundred
thousand of a large chip are too many for that.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..arch.boards import Board
from ..arch.designs import Designs
from ..area.memories import CHIPS
from ..errors import UserError
from .candidates import Candidates, Limits
from .compiling import check_layers_fit, compile_each
from .space import space
from .workload import Workload, evaluate

__all__ = ["search"]


def search(board: Board, workloads: Sequence[Workload], limits: Limits, engines: Sequence[str],
           say: Callable[[str], None] = lambda text: None) -> Candidates:
    """Return the Designs of some engines that a board has room for, and what they take.

    Those of a large chip may exceed the limits: so that a limit may be told that is worth raising.
    Whoever presses Ctrl-C gets what was found until then.
    """
    compact = CHIPS[board.family].compact
    if compact:
        check_layers_fit(board, workloads)
    found: list[Candidates] = []
    reasons, searched, whole = [], 0, True
    try:
        for engine in engines:
            designs = space(board, engine, workloads)
            try:
                for each in (compile_each(designs, board, workloads, limits) if compact else
                             evaluate_each(designs, workloads)):
                    searched += 1 if each is None else len(each)
                    found += [] if each is None else [each]
                    say(f"{engine}, {searched:,} Designs so far")
            except UserError as error:
                reasons.append(f"{engine}: {error}")
    except KeyboardInterrupt:
        if not found:
            raise
        whole = False
    if not found:
        raise UserError(f"--board {board.name}: {'; '.join(reasons)}")
    return Candidates.join(found, searched, whole, reasons)


def evaluate_each(parts: Iterable[Designs], workloads: Sequence[Workload]) -> Iterator[Candidates]:
    """Yield Designs with the memories that they need, and what they take."""
    for designs in parts:
        cycles, *needed = evaluate(workloads, designs)
        yield Candidates.of(with_memories(designs, *needed), cycles)


def with_memories(designs: Designs, activations: np.ndarray, program: np.ndarray) -> Designs:
    """Return Designs with memories for so many bytes, in whole rows of their banks, and words."""
    banks, columns = designs.banks, designs.columns
    return replace(designs, activation_memory=-(-activations // banks) * banks,
                   program_memory=-(-program // columns) * columns)
