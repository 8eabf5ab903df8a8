"""All compact Designs of a small chip that may suit, each compiled for: there are few of them.

Activation memories are as large as the chip allows, so that networks fit which must be cut to do
so. On a chip that has large single-port memories the program lies in them, whole ones; on another
it is as large as the networks ask for, and the activations get the block RAMs that it leaves.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..boards import Board
from ..compiler import compile_network
from ..compiler.program import Program
from ..cost.compact import CHIPS, LANE_PRODUCTS, used
from ..cost.cycles import Array, slots
from ..cost.resources import Parts
from ..design import LEAST_COLUMNS, SIDES, Design
from ..errors import UserError
from ..rtl.primitives import ice40
from .search import RESOURCES, Found, Limits
from .workload import Workload

__all__ = ["cycles_on", "search_small", "small_designs", "with_memories"]

PARTIAL_SUMS = {"ice40": (64, 128, 256, 512), "gowin": (512,)}
"""Depths at which sums take more block RAMs; of a Gowin, whose block RAMs are few, the first."""
ROW = 256
"""Bytes of a bank of the activation memory that take a block RAM at most."""
LEAST_WORDS, MOST_WORDS = 512, 1 << 16
"""Words of a program memory that is not there yet, and while it is not known how many it takes."""
TURNS = 4
"""Of making the program memory larger, as a smaller activation memory makes a longer program."""


def small_designs(board: Board, rounding: str, limits: Limits) -> Iterator[Design]:
    """Yield the Designs that keep to limits, with the least memory for activations."""
    low, high = SIDES
    chip = CHIPS[board.family]
    for columns in range(LEAST_COLUMNS, high + 1):
        words = large_words(board, columns) if board.single_port_rams else LEAST_WORDS
        for rows in range(low, high + 1) if words else ():
            found = []
            for lines, hard_lanes, sums in itertools.product((0, 1), (0, 1),
                                                             PARTIAL_SUMS[board.family]):
                left = chip.products * board.multipliers - LANE_PRODUCTS * hard_lanes
                if left >= 0:
                    design = Design(
                        rows=rows, columns=columns, lines=lines, family=board.family,
                        device=board.device, dsps=min(left, rows * columns), lanes=1,
                        hard_lanes=hard_lanes, partial_sums=sums, steps=0, rounding=rounding,
                        activation_memory=high * ROW, program_memory=words * columns,
                        compact=True)
                    found.append(design.replace(activation_memory=design.banks * ROW))
            fitting = [design for design in found if fits(design, limits)]
            if not fitting:  # with more rows none will do either
                break
            yield from fitting


def large_words(board: Board, columns: int) -> int:
    """Return the words of a program in the single-port memories, those abreast being whole."""
    return board.single_port_rams // -(-8 * columns // ice40.WIDTH) * ice40.DEPTH


def fits(design: Design, limits: Limits) -> bool:
    """Return whether a Design keeps to limits."""
    takes = used(design)
    return all(takes[name] <= getattr(limits, name) for name in RESOURCES)


def with_activations(design: Design, limits: Limits) -> Design:
    """Return a Design with all the activation memory that there is room for."""
    chip, least = CHIPS[design.family], design.replace(activation_memory=design.banks * ROW)
    if not fits(least, limits):
        raise UserError(f"program_memory must be less than {design.program_memory} bytes, which "
                        "the networks need, for activations to have any block RAM")
    each = (chip.split(ROW)
            + int(limits.block_rams - used(least)["block_rams"]) // design.banks)
    most = max(words for words, bits in chip.modes if bits >= 8)
    depth = max(depth for depth in range(ROW, most * each + 1, ROW) if chip.split(depth) <= each)
    return least.replace(activation_memory=design.banks * depth)


def with_memories(design: Design, workloads: Sequence[Workload], limits: Limits,
                  ) -> tuple[Design, list[int]]:
    """Return a Design with memories for all workloads, and the cycles of each.

    A :class:`UserError` tells why there is none.
    """
    if used(design)["single_port_rams"]:
        made = with_activations(design, limits)
        return made, [cycles_on(workload, made) for workload in workloads]
    for _ in range(TURNS):
        made = with_activations(design, limits)
        roomy = made.replace(program_memory=MOST_WORDS * made.columns)
        programs = [[compile_network(network, roomy) for network in workload.networks]
                    for workload in workloads]
        words = max(sum(map(words_of, each)) for each in programs)
        if words <= made.program_words:
            return made, [sum(map(cycles_of, each)) for each in programs]
        design = design.replace(program_memory=words * design.columns)
    raise UserError("program_memory must be larger, which leaves less for activations, again and "
                    "again")


def words_of(program: Program) -> int:
    """Return how many words of the program memory are used."""
    return -(-len(program.image) // program.design.columns)


def cycles_of(program: Program) -> int:
    """Return the cycles of a Program."""
    return slots(program.steps, Array.of(program.design))


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
                found.append(with_memories(design, workloads, limits))
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
    return sum(cycles_of(compile_network(network, design)) for network in workload.networks)
