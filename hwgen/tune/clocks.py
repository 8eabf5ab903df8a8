"""The clock of each of many Designs, by the rule of all commands (:mod:`hwgen.build.clock`)."""

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..build.clock import expected_clock
from ..build.records import board_records
from .candidates import Candidates

__all__ = ["clocks_at"]

FIELDS = ("rows", "columns", "lines", "lanes", "engine")
"""By which Designs are told from one that was built, before they are looked at one by one."""


def clocks_at(found: Candidates, at: Board, given: float | None) -> NDArray[np.float64]:
    """Return the clock of each Design in MHz: of an engine the same, but of those that were built.

    With a ``given`` one it is that.
    """
    if given is not None:
        return np.full(len(found), given)
    engines = found.designs.field("engine")
    clocks = np.zeros(len(found))
    for engine in found.engines:
        of_engine = engines == engine
        first = found.designs.design(int(np.argmax(of_engine)))
        clocks[of_engine] = expected_clock(first, at.name).mhz
    for record in board_records(at.name)[::-1]:  # so that the highest of a Design stays
        alike = np.all([found.designs.field(field) == getattr(record.design, field)
                        for field in FIELDS], axis=0)
        for index in np.flatnonzero(alike).tolist():
            if found.designs.design(index) == record.design:
                clocks[index] = record.clock_mhz
    return clocks
