"""The search: the cycles and area of every candidate of a board, and the best of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..area.area import RESOURCES
from ..area.ecp5 import Parts, block_rams, dsps, luts, registers
from ..cost.cycles import Count
from .space import space
from .survey import Designs
from .workload import Workload

__all__ = ["RESOURCES", "Found", "Limits", "area", "pareto", "search"]


@dataclass(frozen=True)
class Limits:
    """How much of each resource may be used, and how many cycles each workload may take.

    The latter may be an array, with a number for each Design: their clocks differ.
    """

    luts: float
    registers: float
    dsps: float
    block_rams: float
    cycles: tuple[Count, ...]

    @classmethod
    def of(cls, board: Board, fill: float, cycles: Sequence[Count]) -> "Limits":
        """Return the limits of a board: all that it has, of its LUTs and registers a share."""
        return cls(board.luts * fill, board.luts * fill, board.multipliers, board.block_rams,
                   tuple(cycles))


@dataclass(frozen=True)
class Found:
    """Designs, and what each takes.

    Members
    -------
    parts : Parts
        Their fields, as arrays.
    cycles : array
        (workloads, Designs).
    used : dict
        What each takes of :data:`RESOURCES`.
    searched : int
        How many Designs were looked at, these included.
    whole : bool
        Whether nothing stopped the search before its end.
    without : tuple of str
        Of each engine of which there is no Design, a sentence that tells why.
    """

    parts: Parts
    cycles: NDArray[np.int64]
    used: dict[str, NDArray[np.float64]]
    searched: int = 0
    whole: bool = field(default=True)
    without: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.cycles.shape[1]

    def __getitem__(self, index: NDArray[np.generic]) -> "Found":
        """Return those at an index, or of a mask."""
        size = len(self)
        parts = Parts(**{name: np.broadcast_to(value, size)[index]
                         for name, value in vars(self.parts).items()})
        return Found(parts, self.cycles[:, index],
                     {name: values[index] for name, values in self.used.items()},
                     self.searched, self.whole, self.without)

    @property
    def designs(self) -> Designs:
        """Return what cycles depend on."""
        p = self.parts
        return Designs(p.rows, p.columns, p.lanes, p.lines, p.line_pixels, p.partial_sums,
                       np.broadcast_to(p.engine, len(self)) == "bitserial")

    @property
    def engines(self) -> list[str]:
        """Return the engines that there are among them."""
        return [str(engine) for engine in np.unique(self.parts.engine)]

    def called(self, index: int) -> str:
        """Return a Design in a word: its array, and its engine if that is not systolic."""
        rows, columns, engine = (np.broadcast_to(each, len(self))[index] for each in
                                 (self.parts.rows, self.parts.columns, self.parts.engine))
        return f"{rows}x{columns}" + f" {engine}" * (engine != "systolic")

    def fits(self, limits: Limits, but: str = "") -> NDArray[np.bool_]:
        """Return which keep to the limits, all but one of them."""
        inside = np.all([self.used[name] <= getattr(limits, name)
                         for name in RESOURCES if name != but], axis=0)
        quick = [taken <= most for taken, most in zip(self.cycles, limits.cycles, strict=True)]
        return np.asarray(inside & np.all(quick, axis=0))


def area(used: Mapping[str, Count], board: Board) -> Count:
    """Return the share of the chip: the mean of the shares of LUTs, DSP blocks and block RAMs.

    Where there are no DSP blocks, of the other two.
    """
    have = {"luts": board.luts, "dsps": board.multipliers, "block_rams": board.block_rams}
    there = {name: count for name, count in have.items() if count}
    return sum(used[name] / count for name, count in there.items()) / len(there)


def joined(parts: list[Found], whole: bool) -> Found:
    """Return all that was found."""
    return Found(
        Parts(**{name: np.concatenate([np.broadcast_to(getattr(each.parts, name), len(each))
                                       for each in parts]) for name in vars(parts[0].parts)}),
        np.concatenate([each.cycles for each in parts], axis=1),
        {name: np.concatenate([each.used[name] for each in parts]) for name in RESOURCES},
        sum(len(each) for each in parts), whole)


def search(board: Board, workloads: Sequence[Workload],
           say: Callable[[str], None] = lambda text: None,
           engines: Sequence[str] = ("systolic", "bitserial")) -> Found:
    """Return every candidate of a board with one of some engines, and what it takes.

    Whoever presses Ctrl-C gets what was found until then.
    """
    found: list[Found] = []
    whole = True
    try:
        for candidates in space(board, workloads):
            if candidates.engine not in engines:
                continue
            say(f"{candidates.engine}, {candidates.designs.columns[0]} columns, "
                f"{sum(map(len, found)):,} Designs so far")
            each = [workload.evaluate(candidates.designs) for workload in workloads]
            parts = candidates.parts(np.max([s.activations for s in each], axis=0),
                                     np.max([s.program for s in each], axis=0))
            found.append(Found(parts, np.stack([s.cycles for s in each]), {
                "luts": luts(parts), "registers": registers(parts),
                "dsps": dsps(parts).astype(float), "block_rams": block_rams(parts).astype(float)}))
    except KeyboardInterrupt:
        if not found:
            raise
        whole = False
    return joined(found, whole)


def pareto(cost: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where no other is better in one and not worse in the other, from the least cost on."""
    order = np.lexsort((area, cost))
    least = np.minimum.accumulate(area[order])
    first = np.concatenate([[True], area[order][1:] < least[:-1]])
    return order[first]
