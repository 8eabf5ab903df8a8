"""All compact Designs of a small iCE40 that may suit, each compiled for: there are few of them.

Memories are as large as the chip allows, so that networks fit which must be cut to do so. The
program lies in the chip's large single-port memories, whole ones.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..boards import Board
from ..compiler import compile_network
from ..cost.compact import LANE_BLOCKS, split, used
from ..cost.cycles import Array, slots
from ..cost.resources import Parts
from ..design import LEAST_COLUMNS, SIDES, Design
from ..errors import UserError
from ..rtl.primitives import ice40
from .search import RESOURCES, Found, Limits
from .workload import Workload

__all__ = ["cycles_on", "search_small", "small_designs"]

PARTIAL_SUMS = (64, 128, 256, 512)
ROW = 256
"""Bytes of a bank of the activation memory that take a block RAM at most."""


def small_designs(board: Board, rounding: str, limits: Limits) -> Iterator[Design]:
    """Yield the Designs that keep to limits."""
    low, high = SIDES
    for columns in range(LEAST_COLUMNS, high + 1):
        abreast = -(-8 * columns // ice40.WIDTH)
        words = board.single_port_rams // abreast * ice40.DEPTH
        for rows in range(low, high + 1) if words else ():
            found = []
            for lines, hard_lanes, sums in itertools.product((0, 1), (0, 1), PARTIAL_SUMS):
                left = board.multipliers - LANE_BLOCKS * hard_lanes
                if left >= 0:
                    found.append(with_memory(Design(
                        rows=rows, columns=columns, lines=lines, family=board.family,
                        device=board.device, dsps=min(2 * left, rows * columns), lanes=1,
                        hard_lanes=hard_lanes, partial_sums=sums, steps=0, rounding=rounding,
                        activation_memory=high * ROW, program_memory=words * columns,
                        compact=True), limits))
            if not any(found):  # with more rows none will do either
                break
            yield from filter(None, found)


def with_memory(design: Design, limits: Limits) -> Design | None:
    """Return a Design with all the activation memory that there is room for; None for none."""
    least = design.replace(activation_memory=design.banks * ROW)
    takes = used(least)
    if any(takes[name] > getattr(limits, name) for name in RESOURCES):
        return None
    each = 1 + int(limits.block_rams - takes["block_rams"]) // design.banks
    depth = max(depth for depth in range(ROW, ROW * (2 * each + 1), ROW) if split(depth) <= each)
    return least.replace(activation_memory=design.banks * depth)


def search_small(board: Board, workloads: Sequence[Workload], limits: Limits,
                 say: Callable[[str], None] = lambda text: None) -> Found:
    """Return every Design that keeps to the limits and that the workloads fit, and what it takes.

    Whoever presses Ctrl-C gets what was found until then.
    """
    found: list[tuple[Design, list[int]]] = []
    reason, searched, whole = "", 0, True
    try:
        for design in small_designs(board, workloads[0].rounding, limits):
            say(f"{design.rows}x{design.columns}, {searched} Designs so far")
            searched += 1
            try:
                found.append((design, [cycles_on(workload, design) for workload in workloads]))
            except UserError as error:
                reason = str(error)
    except KeyboardInterrupt:
        if not found:
            raise
        whole = False
    if not found:
        raise UserError(f"--board {board.name}: no compact Design will do"
                        + (f"; of the last one {reason}" if reason else
                           ": the least takes more than there is"))
    designs = [design for design, _ in found]
    each = [Parts.of(design) for design in designs]
    parts = Parts(*(np.array(column) for column in
                    zip(*(vars(one).values() for one in each), strict=True)))
    takes = [used(design) for design in designs]
    return Found(parts, np.array([cycles for _, cycles in found]).T,
                 {name: np.array([float(one[name]) for one in takes]) for name in RESOURCES},
                 searched, whole)


def cycles_on(workload: Workload, design: Design) -> int:
    """Return the cycles of a workload on a Design; a :class:`UserError` where it does not fit."""
    return sum(slots(compile_network(network, design).steps, Array.of(design))
               for network in workload.networks)
