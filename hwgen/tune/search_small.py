"""All small Designs of a small chip that may suit, each compiled for: there are few of them.

Activation memories are as large as the chip allows, so that networks fit which must be cut to do
so. On a chip that has large single-port memories the program lies in them, whole ones; on another
it is as large as the networks ask for, and the activations get the block RAMs that it leaves. That
of the engine ``binary`` is, too, where it has more columns than the large memories.

For a bit-serial Design a lower bound of the cycles is known: one that is dominated even with that,
or whose program does not fit in the chip, is not compiled for.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arch.boards import Board
from ..arch.design import BINARY_LANES, LEAST_COLUMNS, SIDES, Design
from ..arch.formats import GROUP
from ..area.ecp5 import Parts
from ..area.small import CHIPS, LANE_PRODUCTS, used
from ..compiler.compile import draft
from ..compiler.program import Program
from ..cost.cycles import Array, total_cycles
from ..errors import UserError
from ..network.graph import Weighted
from ..rtl.primitives import ice40
from .search import RESOURCES, Found, Limits
from .survey import Designs
from .workload import Workload

__all__ = ["cycles_on", "search_small", "small_designs", "with_memories"]

PARTIAL_SUMS = {"ice40": (64, 128, 256, 512), "gowin": (512,)}
"""Depths at which sums take more block RAMs; of a Gowin, whose block RAMs are few, the first."""
MOST_VECTORS = 1 << 16
"""Vectors of a layer where nothing is said of them."""
ROW = 256
"""Bytes of a bank of the activation memory that take a block RAM at most."""
LEAST_WORDS, LEAST_WORDS_BINARY, MOST_WORDS = 512, 256, 1 << 16
"""Words of a program memory that is not there yet, and while it is not known how many it takes."""
TURNS = 4
"""Of making the program memory larger, as a smaller activation memory makes a longer program."""


def small_designs(board: Board, rounding: str, limits: Limits, engine: str = "systolic",
                  vectors: int = MOST_VECTORS) -> Iterator[Design]:
    """Yield the Designs of an engine that keep to limits, with the least memory for activations.

    ``vectors`` are those of the largest layer.
    """
    low, high = SIDES
    least = low if engine == "binary" else LEAST_COLUMNS
    for columns in range(least, high + 1):
        words = words_at_first(board, columns, engine)
        for rows in range(low, (GROUP if engine == "binary" else high) + 1) if words else ():
            found = []
            for fields in VARIANTS[engine](board, rows, columns, vectors):
                design = Design(
                    engine=engine, rows=rows, columns=columns, family=board.family,
                    device=board.device, steps=0, rounding=rounding, compact=engine != "binary",
                    activation_memory=high * ROW, program_memory=words * columns, **fields)
                found.append(design.replace(activation_memory=design.banks * ROW))
            fitting = [design for design in found if fits(design, limits)]
            if not fitting:  # with more rows none will do either
                break
            yield from fitting


def systolic(board: Board, rows: int, columns: int, vectors: int) -> Iterator[dict[str, Any]]:
    """Yield the other fields of systolic Designs."""
    for lines, hard, sums in itertools.product((0, 1), (0, 1), PARTIAL_SUMS[board.family]):
        left = CHIPS[board.family].products * board.multipliers - LANE_PRODUCTS * hard
        if left >= 0:
            yield {"lines": lines, "lanes": 1, "hard_lanes": hard, "partial_sums": sums,
                   "dsps": min(left, rows * columns)}


def bit_serial(board: Board, rows: int, columns: int, vectors: int) -> Iterator[dict[str, Any]]:
    """Yield those of bit-serial ones: a single sum takes no memory, and is enough for a vector."""
    depths = [1, *PARTIAL_SUMS[board.family]]
    enough = next((depth for depth in depths if depth >= vectors), depths[-1])
    for hard, sums in itertools.product((0, 1), depths[:depths.index(enough) + 1]):
        if CHIPS[board.family].products * board.multipliers >= LANE_PRODUCTS * hard:
            yield {"lanes": 1, "hard_lanes": hard, "partial_sums": sums}


def binary(board: Board, rows: int, columns: int, vectors: int) -> Iterator[dict[str, Any]]:
    """Yield those of Designs with the engine ``binary``."""
    for lanes in BINARY_LANES:
        if columns % lanes == 0:
            yield {"lanes": lanes, "partial_sums": 1}


VARIANTS = {"systolic": systolic, "bitserial": bit_serial, "binary": binary}


def words_at_first(board: Board, columns: int, engine: str) -> int:
    """Return the words of the program memory to begin with; 0 where it has no place."""
    least = LEAST_WORDS_BINARY if engine == "binary" else LEAST_WORDS
    if not board.single_port_rams:
        return least
    return large_words(board, columns) or (least if engine == "binary" else 0)


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
        programs = [[draft(network, roomy) for network in workload.networks_for(roomy)]
                    for workload in workloads]
        words = max(sum(map(words_of, each)) for each in programs)
        if words <= made.program_words:
            return made, [sum(map(cycles_of, each)) for each in programs]
        design = design.replace(program_memory=words * design.columns)
        if used(design)["single_port_rams"]:
            raise UserError(f"program_memory must be less than {words * design.columns} bytes, "
                            "which the networks need, to lie in block RAMs")
    raise UserError("program_memory must be larger, which leaves less for activations, again and "
                    "again")


def words_of(program: Program) -> int:
    """Return how many words of the program memory are used."""
    return -(-len(program.image) // program.design.columns)


def cycles_of(program: Program) -> int:
    """Return the cycles of a Program."""
    return total_cycles(program.steps, Array.of(program.design))


@dataclass(frozen=True)
class Bound:
    """What a Design takes at least: cycles of each workload, and bytes of the program memory."""

    cycles: tuple[int, ...]
    program: int


NOTHING = Bound((), 0)
"""Of which nothing is known."""


def bounds(designs: Sequence[Design], workloads: Sequence[Workload]) -> list[Bound]:
    """Return what each bit-serial Design takes at least: what it does with memory enough."""
    surveyed = [workload.evaluate(Designs.of(designs)) for workload in workloads]
    program = np.max([each.program for each in surveyed], axis=0)
    return [Bound(tuple(int(each.cycles[index]) for each in surveyed), int(program[index]))
            for index in range(len(designs))]


def beaten(design: Design, least: Bound,
           found: Sequence[tuple[Design, list[int]]]) -> bool:
    """Return whether another of its engine takes no more cycles, LUTs and DSP blocks.

    Block RAMs are used up by all of them.
    """
    takes = used(design)
    return any(all(cycles <= bound for cycles, bound in zip(taken, least.cycles, strict=True))
               and all(used(other)[name] <= takes[name] for name in ("luts", "dsps"))
               for other, taken in found)


def search_small(board: Board, workloads: Sequence[Workload], limits: Limits,
                 say: Callable[[str], None] = lambda text: None,
                 engines: Sequence[str] = ("systolic",)) -> Found:
    """Return every Design that keeps to the limits and that the workloads fit, and what it takes.

    Whoever presses Ctrl-C gets what was found until then.
    """
    found: list[tuple[Design, list[int]]] = []
    reasons, searched, whole = [], 0, True
    room = board.memory_bits // 8
    check_room(board, workloads, room)
    vectors = max(workload.most_vectors for workload in workloads)
    try:
        for engine in engines:
            of_engine: list[tuple[Design, list[int]]] = []
            designs = list(small_designs(board, workloads[0].rounding, limits, engine, vectors))
            least = bounds(designs, workloads) if engine == "bitserial" and designs else \
                [NOTHING] * len(designs)
            reason = ": the least takes more than there is"
            for bound, design in sorted(zip(least, designs, strict=True),
                                        key=lambda each: sum(each[0].cycles)):
                say(f"{engine}, {design.rows}x{design.columns}, {searched} Designs so far")
                searched += 1
                if bound.program > room:
                    reason = (f"; of the last one the steps and weights need {bound.program:,} "
                              f"bytes, and all memories of the chip have {room:,}")
                    continue
                if bound is not NOTHING and beaten(design, bound, of_engine):
                    continue
                try:
                    made = with_memories(design, workloads, limits)
                    found.append(made)
                    of_engine.append(made)
                except UserError as error:
                    reason = f"; of the last one {error}"
            if not of_engine:
                kind = "" if engine == "binary" else "compact "
                reasons.append(f"{engine}: no {kind}Design will do{reason}")
    except KeyboardInterrupt:
        if not found:
            raise
        whole = False
    if not found:
        raise UserError(f"--board {board.name}: {'; '.join(reasons)}")
    designs = [design for design, _ in found]
    each = [Parts.of(design) for design in designs]
    parts = Parts(*(np.array(column) for column in
                    zip(*(vars(one).values() for one in each), strict=True)))
    takes = [used(design) for design in designs]
    return Found(parts, np.array([cycles for _, cycles in found]).T,
                 {name: np.array([float(one[name]) for one in takes]) for name in RESOURCES},
                 searched, whole, tuple(reasons))


def check_room(board: Board, workloads: Sequence[Workload], room: int) -> None:
    """Refuse made-up layers that no memory of the chip holds, before any is compiled for.

    Networks with weights are small, or channels of theirs that are constant need no room.
    """
    for workload in (each for each in workloads if each.shapes_only):
        for network in workload.networks:
            for name, needed in [(tensor.name, math.prod(tensor.shape))
                                 for tensor in network.tensors.values()] + [
                    ("weights", layer.weights.size) for layer in network.layers
                    if isinstance(layer, Weighted)]:
                if needed > room:
                    raise UserError(
                        f"--board {board.name}: {workload.name}, layer {network.name!r}: {name} "
                        f"takes {needed:,} bytes, and all memories of the chip have {room:,}")


def cycles_on(workload: Workload, design: Design) -> int:
    """Return the cycles of a workload on a Design; a :class:`UserError` where it does not fit."""
    return sum(cycles_of(draft(network, design)) for network in workload.networks_for(design))
