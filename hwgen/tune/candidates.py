"""Designs and what each of them takes: which keep to limits, and which are on the Pareto front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.designs import Designs
from ..area.area import RESOURCES, resources_of
from ..cost.cycles import Count

__all__ = ["RESOURCES", "Candidates", "Limits", "pareto", "share_of_chip"]


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

    def allow(self, resources: Mapping[str, Count], but: str = "") -> NDArray[np.bool_]:
        """Return whether resources are within all limits but one."""
        return np.all([resources[name] <= getattr(self, name)
                       for name in RESOURCES if name != but], axis=0)


@dataclass(frozen=True)
class Candidates:
    """Designs, and what each takes.

    Members
    -------
    designs : Designs
    cycles : array
        (workloads, Designs).
    resources : dict
        What each takes of :data:`RESOURCES`.
    searched : int
        How many Designs were looked at, these included.
    whole : bool
        Whether nothing stopped the search before its end.
    without : tuple of str
        Of each engine of which there is no Design, a sentence that tells why.
    """

    designs: Designs
    cycles: NDArray[np.int64]
    resources: dict[str, NDArray[np.float64]]
    searched: int = 0
    whole: bool = True
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, designs: Designs, cycles: NDArray[np.int64]) -> "Candidates":
        """Return Designs of one engine with what they take of the chip."""
        return cls(designs, cycles, resources_of(designs))

    @classmethod
    def join(cls, parts: "Sequence[Candidates]", searched: int, whole: bool,
             without: Sequence[str]) -> "Candidates":
        """Return all of several, and how they were searched."""
        return cls(Designs.join([part.designs for part in parts]),
                   np.concatenate([part.cycles for part in parts], axis=1),
                   {name: np.concatenate([part.resources[name] for part in parts])
                    for name in RESOURCES}, searched, whole, tuple(without))

    def __len__(self) -> int:
        return self.cycles.shape[1]

    def __getitem__(self, index: NDArray[np.generic]) -> "Candidates":
        """Return those at an index, or of a mask."""
        return replace(self, designs=self.designs[index], cycles=self.cycles[:, index], resources={
            name: values[index] for name, values in self.resources.items()})

    @property
    def engines(self) -> list[str]:
        """Return the engines that there are among them."""
        return [str(engine) for engine in np.unique(self.designs.engine)]

    def label(self, index: int) -> str:
        """Return a Design in a word: its array, and its engine if that is not systolic."""
        rows, columns, engine = (self.designs.field(name)[index]
                                 for name in ("rows", "columns", "engine"))
        return f"{rows}x{columns}" + f" {engine}" * (engine != "systolic")

    def within(self, limits: Limits, but: str = "") -> NDArray[np.bool_]:
        """Return which keep to the limits, all but one of them."""
        quick = [cycles <= most for cycles, most in zip(self.cycles, limits.cycles, strict=True)]
        return np.asarray(limits.allow(self.resources, but) & np.all(quick, axis=0))


def share_of_chip(resources: Mapping[str, Count], board: Board) -> Count:
    """Return the mean of the shares of LUTs, DSP blocks and block RAMs: what counts as area.

    Where there are no DSP blocks, of the other two.
    """
    have = {"luts": board.luts, "dsps": board.multipliers, "block_rams": board.block_rams}
    there = {name: count for name, count in have.items() if count}
    return sum(resources[name] / count for name, count in there.items()) / len(there)


def pareto(cost: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return where no other is better in one and not worse in the other, from the least cost on."""
    order = np.lexsort((area, cost))
    least = np.minimum.accumulate(area[order])
    first = np.concatenate([[True], area[order][1:] < least[:-1]])
    return order[first]
