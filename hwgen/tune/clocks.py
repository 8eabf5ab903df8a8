"""The clock of each of many Designs, by the rule of all commands (:mod:`hwgen.build.clock`)."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.design import Design
from ..build.clock import expected_clock
from ..build.records import board_records
from .candidates import Candidates

__all__ = ["clocks_at", "of_engines"]

T = TypeVar("T")

FIELDS = ("rows", "columns", "lines", "lanes", "engine")
"""By which Designs are told from one that was built, before they are looked at one by one."""


def of_engines(found: Candidates, clock: Callable[[Design], T]) -> list[T]:
    """Return for each Design the clock of the first one of its engine."""
    engines = found.designs.field("engine")
    known = {engine: clock(found.designs.design(int(np.argmax(engines == engine))))
             for engine in found.engines}
    return [known[engine] for engine in engines.tolist()]


def clocks_at(found: Candidates, at: Board, given: float | None) -> NDArray[np.float64]:
    """Return the clock of each Design in MHz: of an engine the same, but of those that were built.

    With a ``given`` one it is that.
    """
    if given is not None:
        return np.full(len(found), given)
    clocks = np.array(of_engines(found, lambda design: expected_clock(design, at.name).mhz), float)
    for record in board_records(at.name)[::-1]:  # so that the highest of a Design stays
        alike = np.all([found.designs.field(field) == getattr(record.design, field)
                        for field in FIELDS], axis=0)
        for index in np.flatnonzero(alike).tolist():
            if found.designs.design(index) == record.design:
                clocks[index] = record.clock_mhz
    return clocks
