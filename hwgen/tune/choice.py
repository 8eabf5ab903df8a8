"""Which of the Designs is chosen, and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.design import SIDES
from ..arch.designs import Designs
from .candidates import RESOURCES, Candidates, Limits, pareto, share_of_chip
from .workload import Workload

__all__ = ["OBJECTIVES", "Goal", "Selection", "Want", "choose", "wants"]

OBJECTIVES = ("latency", "throughput", "area", "energy")

NAMES = {"luts": "LUTs", "registers": "registers", "dsps": "DSP blocks",
         "block_rams": "block RAM"}
LAYERS_SHOWN = 3


@dataclass(frozen=True)
class Goal:
    """What is wanted, one of :data:`OBJECTIVES`.

    Of several workloads the cycles of each count in proportion to the fewest that it could take:
    their weighted mean, or with ``worst`` the largest. For throughput they run in turn, each as
    often as it weighs, and the cycles of all of them count.
    """

    objective: str
    worst: bool
    weights: tuple[float, ...]

    def slowness(self, cycles: NDArray[np.number]) -> NDArray[np.float64]:
        """Return how slow each Design is; 1 is as fast as can be."""
        if self.objective == "throughput":
            all_ = np.average(cycles, axis=0, weights=self.weights)
            return np.asarray(all_ / all_.min())
        ratios = cycles / cycles.min(axis=1, keepdims=True)
        if self.worst:
            return np.asarray(ratios.max(axis=0))
        return np.asarray(np.average(ratios, axis=0, weights=self.weights))


@dataclass(frozen=True)
class Selection:
    """The Pareto front, the index in it of what is chosen, and what limits it, in sentences.

    ``ranked`` are the indices of all, the best one first.
    """

    front: Candidates
    chosen: int
    reasons: tuple[str, ...]
    ranked: tuple[int, ...]


def choose(found: Candidates, board: Board, limits: Limits, goal: Goal,
           energy: Callable[[Candidates], NDArray[np.float64]],
           clocks: NDArray[np.float64] | None = None) -> Selection | None:
    """Return the choice among all that was found; None where nothing keeps to the limits.

    ``energy`` tells that of the Designs of the front, where it is the objective. With ``clocks``,
    one for each Design, time counts in place of cycles.
    """
    fitting = found.within(limits)
    inside = found[fitting]
    if not len(inside):
        return None
    times = inside.cycles if clocks is None else inside.cycles / clocks[fitting]
    order = pareto(goal.slowness(times), share_of_chip(inside.resources, board))
    front, ranked = inside[order], tuple(range(len(order)))
    if goal.objective == "area":
        return Selection(front, ranked[-1], ("the least area that keeps to the limits",),
                         ranked[::-1])
    if goal.objective == "energy":
        ranked = tuple(np.argsort(energy(front), kind="stable").tolist())
        return Selection(front, ranked[0], (
            "the least energy, by a model, of the Designs that are not beaten in cycles and area",),
            ranked)
    reasons = []
    best = front.cycles[:, :1]
    for name in RESOURCES:
        free = found[found.within(limits, but=name)]
        slowness = goal.slowness(np.concatenate([best, free.cycles], axis=1))
        quickest = int(np.argmin(slowness[1:]))
        if slowness[1:][quickest] < slowness[0]:
            cycles = " and ".join(f"{each:,}" for each in free.cycles[:, quickest])
            reasons.append(
                f"limited by {NAMES[name]}: {free.label(quickest)} would take {cycles} cycles "
                f"with {free.resources[name][quickest]:,.0f} of them, and "
                f"{getattr(limits, name):,.0f} may be used")
    return Selection(front, 0, tuple(reasons) or (
        "no Design that was looked at takes fewer cycles, whatever it takes of the chip",), ranked)


@dataclass(frozen=True)
class Want:
    """What a layer would need to be quicker.

    Members
    -------
    layer : str
    share : float
        Of all cycles.
    want : str
        What of the Design would help most, if anything; empty for none.
    saved : float
        Share of the layer's cycles that twice as much of it would save.
    """

    layer: str
    share: float
    want: str
    saved: float

    def __str__(self) -> str:
        text = f"{self.share:.0%} of the cycles are in {self.layer}"
        return text + (f", for want of {self.want}: twice as many would save {self.saved:.0%} of "
                       "them" if self.want else "")


def wants(workload: Workload, designs: Designs) -> list[Want]:
    """Return what the slowest layers of a workload lack on one Design: exactly, by trying."""
    _, high = SIDES
    most = np.where(designs.serial, np.sqrt(designs.rows).astype(np.int64), designs.rows)
    more = {
        "rows": replace(designs, rows=np.minimum(2 * designs.rows, high)),
        "columns": replace(designs, columns=np.minimum(2 * designs.columns, high), lanes=np.where(
            2 * designs.columns <= high, 2 * designs.lanes, designs.lanes)),
        "lanes": replace(designs, lanes=np.minimum(2 * designs.lanes, designs.columns)),
        "partial sums": replace(designs, partial_sums=2 * designs.partial_sums),
        "lines": replace(designs, lines=np.minimum(2 * np.maximum(designs.lines, 1), most),
                         line_pixels=np.maximum(designs.line_pixels, 512)),
    }
    now = workload.evaluate(designs, by_layer=True).layers[:, 0]
    then = {name: workload.evaluate(other, by_layer=True).layers[:, 0]
            for name, other in more.items()}
    found = []
    for index in np.argsort(-now, kind="stable")[:LAYERS_SHOWN]:
        want = min(then, key=lambda name: int(then[name][index]))
        saved = 1 - then[want][index] / max(now[index], 1)
        found.append(Want(workload.layers[index], float(now[index] / now.sum()),
                          want if saved > 0 else "", float(saved)))
    return found

