"""What is wanted of a Design, checked: the goal, and how much of a chip may be used."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..arch.boards import Board
from ..errors import UserError, check_choice, check_range
from ..measure.place_and_route import LARGEST_SEED
from . import SEARCHED
from .candidates import Limits
from .choice import OBJECTIVES, Goal
from .workload import Workload

__all__ = ["check_names", "check_placing", "goal_of", "limits_of"]

FILL = {"ecp5": 50.0, "ice40": 96.0, "gowin": 80.0}
"""The families whose area is known, and how much of the logic may be used where nothing is said.

Of an ECP5 as much as fits were made on; of an iCE40 what a serial port leaves; of a Gowin somewhat
more than has been placed, as nextpnr adds LUTs to carry chains and memories, and the serial port.
"""

MOST = 1e6
"""Of a weight, of milliseconds, and of Designs that are placed."""


def check_names(at: Board, objective: str, engines: Sequence[str] | None) -> None:
    """Refuse a board, an objective or an engine that nothing is known of."""
    if at.family not in FILL:
        raise UserError("--board must have an ECP5, an iCE40 or a Gowin, the families whose area "
                        f"hwgen can tell, not {at.name!r}")
    check_choice("--objective", objective, OBJECTIVES)
    for engine in engines or ():
        check_choice("--engine", engine, SEARCHED)


def goal_of(workloads: Sequence[Workload], objective: str, worst: bool,
            weights: Sequence[float] | None, within: float | None) -> Goal:
    """Return the goal."""
    if len({workload.rounding for workload in workloads}) > 1:
        raise UserError("MODEL: all networks must have the same rounding, as one accelerator has "
                        "one; .tflite files have tflm, .onnx files single")
    each = weights or [1.0] * len(workloads)
    if len(each) != len(workloads) or not all(0 < weight <= MOST for weight in each):
        raise UserError(f"--weights must be {len(workloads)} numbers above 0, at most {MOST:g}, "
                        "one for each network, not "
                        + " ".join(f"{weight:g}" for weight in each))
    if within is not None and not 0 < within <= MOST:
        raise UserError(f"--within must be more than 0 ms, at most {MOST:g}, not {within:g}")
    if objective == "area" and within is None:
        raise UserError("--objective area needs --within MS: without a limit of time, the least "
                        "area is that of the slowest Design")
    return Goal(objective, worst, tuple(each))


def limits_of(at: Board, workloads: Sequence[Workload], fill: float | None, dsps: int | None,
              block_rams: int | None) -> Limits:
    """Return how much of a board's chip may be used."""
    fill = FILL[at.family] if fill is None else fill
    if not 0 < fill <= 100:
        raise UserError(f"--fill must be a percentage from above 0 to 100, not {fill:g}")
    limits = Limits.of(at, fill / 100, [np.inf] * len(workloads))
    for name, given in (("dsps", dsps), ("block_rams", block_rams)):
        if given is not None and given < 0:
            raise UserError(f"--{name.replace('_', '-')} must be 0 or more, not {given}")
        if given is not None:
            limits = dataclasses.replace(limits, **{name: min(given, getattr(limits, name))})
    return limits


def check_placing(place: int, seeds: Sequence[int], cluster: str | None) -> None:
    """Refuse what cannot be placed."""
    if not 0 <= place <= MOST:
        raise UserError(f"--place must be 0 or more Designs, at most {MOST:g}, not {place}")
    if cluster and not place:
        raise UserError("--cluster needs --place N: only what is placed runs there")
    for seed in seeds:
        check_range("--seeds", seed, 0, LARGEST_SEED, "integers")
