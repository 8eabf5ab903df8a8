"""The choice, corrected by what came back from place and route.

Which Designs are placed is decided by the time that may be expected of them, cycles at the clock of
``area/clock.py``, where it knows all kinds that there are; else by cycles.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ..arch.boards import Board
from ..arch.design import Design
from ..area.clock import Clock, median_clock
from ..errors import UserError
from .candidates import Candidates, share_of_chip
from .choice import Goal, Selection
from .clocks import of_engines
from .placing import PlacedDesign, place_designs

__all__ = ["PlacedSelection", "clocks_of", "correct"]


@dataclasses.dataclass(frozen=True)
class PlacedSelection:
    """The choice as it is now; indices in its front of what was placed, and what became of it.

    ``clocks`` are those that were expected; None where nothing of the kind has been placed.
    """

    choice: Selection
    indices: tuple[int, ...]
    placed: tuple[PlacedDesign, ...]
    clocks: tuple[Clock | None, ...]


def clocks_of(found: Candidates, at: Board) -> list[Clock | None]:
    """Return the clock to expect of each Design, that of its engine; None where it is not known."""
    return of_engines(found, lambda design: median_clock(design, at.speed_grade))


def correct(choice: Selection, at: Board, goal: Goal, *, count: int,
            seeds: Sequence[int], clock_mhz: float, within_ms: float, cluster: str | None,
            say: Callable[[str], None]) -> PlacedSelection:
    """Place the best few of the front, and choose among them by what they really reach and take.

    Time is cycles at the clock that a Design reaches. Whatever does not fit, or takes more than
    ``within_ms``, is out.
    """
    indices = choice.ranked[:count]
    designs: list[Design] = [choice.front.designs.design(index) for index in indices]
    found = place_designs(designs, seeds, clock_mhz, cluster, say, at.name)
    say("")
    cycles = choice.front.cycles[:, list(indices)]
    clocks = np.array([each.fmax_mhz for each in found])
    with np.errstate(divide="ignore"):
        times = cycles / clocks / 1000
    suits = (clocks > 0) & np.all(times <= within_ms, axis=0)
    if not suits.any():
        reasons = "; ".join(each.excess or f"{times[:, number].max():.3g} ms at "
                            f"{each.fmax_mhz:g} MHz" for number, each in enumerate(found))
        raise UserError(f"--place {count}: none of the Designs that were placed will do "
                        f"({reasons}); a lower --fill or a larger --place may find one")
    suitable = np.flatnonzero(suits)
    if goal.objective == "area":
        cost = np.array([share_of_chip({"luts": float(found[number].logic),
                               "dsps": float(found[number].dsps),
                               "block_rams": float(found[number].block_rams)}, at)
                         for number in suitable])
    elif goal.objective == "energy":  # which no placement corrects: the best that fits
        cost = np.arange(len(suitable), dtype=float)
    else:
        cost = goal.slowness(times[:, suitable])
    best = int(suitable[np.argmin(cost)])
    why = [(f"of {len(indices)} Designs that were placed and routed it is the best: "
            f"{found[best].fmax_mhz:g} MHz, {times[:, best].max():.3g} ms")]
    expected_of = clocks_of(choice.front, at)
    if goal.objective in ("latency", "throughput"):
        others = [index for index, clock in enumerate(expected_of) if index not in indices and (
            clock is None or np.all(choice.front.cycles[:, index] / clock.high / 1000
                                    < times[:, best]))]
        if others:
            why.append(f"{len(others)} more of the front may be quicker, as far apart as clocks "
                       "are: a larger --place tells")
    return PlacedSelection(
        dataclasses.replace(choice, chosen=indices[best], reasons=(*why, *choice.reasons)),
        indices, tuple(found), tuple(expected_of[index] for index in indices))
