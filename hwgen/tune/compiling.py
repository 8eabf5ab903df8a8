"""Designs of a small chip, with the memories that it has room for: compiled for, where cut.

Activation memories are as large as the chip allows, so that networks fit which must be cut to do
so. On a chip that has large single-port memories the program lies in them, whole ones; on another
it is as large as the networks ask for, and the activations get the block RAMs that it leaves. That
of the engine ``binary`` is, too, where it has more columns than the large memories.

What a Design takes with memory enough is known from formulas, but for the engine ``binary``. With
that much memory it is not compiled for, nor if it is dominated even so, or if its program does not
fit in the chip.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arch.boards import Board
from ..arch.design import Design
from ..arch.designs import Designs
from ..area.area import design_resources, resources_of
from ..area.memories import CHIPS, halves, program_blocks
from ..compiler.compile import draft
from ..compiler.program import Program
from ..cost.cycles import Array, total_cycles
from ..errors import UserError
from ..network.graph import Weighted
from ..rtl.primitives import ice40
from .candidates import Candidates, Limits
from .workload import Workload, evaluate

__all__ = ["UNKNOWN", "compile_each", "cycles_on", "fitting_designs", "needs_of", "with_memories"]

ROW = 256
"""Bytes of a bank of the activation memory that take a block RAM at most."""
LEAST_WORDS, LEAST_WORDS_BINARY, MOST_WORDS = 512, 256, 1 << 16
"""Words of a program memory that is not there yet, and while it is not known how many it takes."""
TURNS = 4
"""Of making the program memory larger, as a smaller activation memory makes a longer program."""


def compile_each(parts: Iterable[Designs], board: Board, workloads: Sequence[Workload],
                 limits: Limits) -> Iterator[Candidates | None]:
    """Yield each Design that keeps to the limits and that the workloads fit; None for any other.

    A :class:`UserError` tells why there is none at all.
    """
    designs = fitting_designs(parts, board, limits)
    room, reason = board.memory_bits // 8, ": the least takes more than there is"
    found: list[Candidates] = []
    for design, need in sorted(zip(map(designs.design, range(len(designs))),
                                   needs_of(designs, workloads), strict=True),
                               key=lambda each: sum(each[1].cycles)):
        if need.program > room:
            reason = (f"; of the last one the steps and weights need {need.program:,} bytes, and "
                      f"all memories of the chip have {room:,}")
        elif not is_dominated(design, need, found):
            try:
                made, cycles = with_memories(design, workloads, limits, need)
                found.append(Candidates.of(Designs.of([made]), np.array([cycles]).T))
                yield found[-1]
                continue
            except UserError as error:
                reason = f"; of the last one {error}"
        yield None
    if not found:
        kind = "" if designs.engine == "binary" else "compact "
        raise UserError(f"no {kind}Design will do{reason}")


def fitting_designs(parts: Iterable[Designs], board: Board, limits: Limits) -> Designs:
    """Return the Designs that keep to limits, with the least memory for activations."""
    found = []
    for designs in parts:
        words = words_at_first(board, int(designs.columns[0]), designs.engine)
        least = replace(designs, activation_memory=designs.banks * ROW,
                        program_memory=words * designs.columns)
        found.append(least[limits.allow(resources_of(least)) & (words > 0)])
    return Designs.join(found)


def words_at_first(board: Board, columns: int, engine: str) -> int:
    """Return the words of the program memory to begin with; 0 where it has no place.

    Of single-port memories those abreast are whole.
    """
    least = LEAST_WORDS_BINARY if engine == "binary" else LEAST_WORDS
    if not board.single_port_rams:
        return least
    large = board.single_port_rams // -(-8 * columns // ice40.WIDTH) * ice40.DEPTH
    return large or (least if engine == "binary" else 0)


@dataclass(frozen=True)
class Need:
    """What a Design takes where no layer is cut, and at least where some are.

    Members
    -------
    cycles : sequence of int
        Of each workload.
    activations, program : float
        Bytes of the memories.
    """

    cycles: Sequence[int]
    activations: float
    program: float

    def is_met(self, design: Design) -> bool:
        """Return whether the memories of a Design are large enough."""
        return (self.activations <= design.activation_memory
                and self.program <= design.program_memory)


UNKNOWN = Need((), math.inf, 0)


def needs_of(designs: Designs, workloads: Sequence[Workload]) -> list[Need]:
    """Return the need of each Design; of the engine ``binary`` it is not known."""
    if np.all(np.asarray(designs.engine) == "binary") or not len(designs):
        return [UNKNOWN] * len(designs)
    cycles, activations, program = evaluate(workloads, designs)
    return list(map(Need, cycles.T.tolist(), activations.tolist(), program.tolist()))


def is_dominated(design: Design, need: Need, found: Sequence[Candidates]) -> bool:
    """Return whether another of its engine takes no more cycles, LUTs and DSP blocks.

    Block RAMs are used up by all of them.
    """
    if need is UNKNOWN:
        return False
    resources = design_resources(design)
    return any(np.all(other.cycles[:, 0] <= need.cycles)
               and all(other.resources[name] <= resources[name] for name in ("luts", "dsps"))
               for other in found)


def with_activations(design: Design, words: int, limits: Limits) -> Design:
    """Return a Design with all the activation memory that so long a program leaves room for."""
    least = design.replace(activation_memory=design.banks * ROW,
                           program_memory=words * design.columns)
    chip, resources = CHIPS[design.family], design_resources(least)
    if not limits.allow(resources):
        raise UserError(f"program_memory must be less than {least.program_memory} bytes, which "
                        "the networks need, for activations to have any block RAM")
    each = 1 + int(limits.block_rams - resources["block_rams"]) // design.banks
    most = max(words for words, bits in chip.modes if bits >= 8)
    depth = max(depth for depth in range(ROW, most * each + 1, ROW)
                if sum(chip.rams(8, int(half)) for half in halves(depth)) <= each)
    return least.replace(activation_memory=design.banks * depth)


def has_large_program(design: Design, words: int) -> bool:
    """Return whether so long a program lies in large single-port memories."""
    return program_blocks(design.family, design.device, design.columns, words)[1] > 0


def with_memories(design: Design, workloads: Sequence[Workload], limits: Limits,
                  need: Need = UNKNOWN) -> tuple[Design, Sequence[int]]:
    """Return a Design with memories for all workloads, and the cycles of each.

    A :class:`UserError` tells why there is none.
    """
    words = design.program_words
    if has_large_program(design, words):
        made = with_activations(design, words, limits)
        return made, cycles_on(made, workloads, need)
    words = max(words, -(-int(need.program) // design.columns))
    for _ in range(TURNS):
        if has_large_program(design, words):
            raise UserError(f"program_memory must be less than {words * design.columns} bytes, "
                            "which the networks need, to lie in block RAMs")
        made = with_activations(design, words, limits)
        if need.is_met(made):
            return made, need.cycles
        roomy = made.replace(program_memory=MOST_WORDS * made.columns)
        programs = [[draft(network, roomy) for network in workload.networks_for(roomy)]
                    for workload in workloads]
        words = max(sum(map(words_of, each)) for each in programs)
        if words <= made.program_words:
            return made, [sum(map(cycles_of, each)) for each in programs]
    raise UserError("program_memory must be larger, which leaves less for activations, again and "
                    "again")


def words_of(program: Program) -> int:
    """Return how many words of the program memory are used."""
    return -(-len(program.image) // program.design.columns)


def cycles_of(program: Program) -> int:
    """Return the cycles of a Program."""
    return total_cycles(program.steps, Array.of(program.design))


def check_layers_fit(board: Board, workloads: Sequence[Workload]) -> None:
    """Refuse made-up layers that no memory of the chip holds, before any is compiled for.

    Networks with weights are small, or channels of theirs that are constant need no room.
    """
    room = board.memory_bits // 8
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


def cycles_on(design: Design, workloads: Sequence[Workload], need: Need) -> Sequence[int]:
    """Return the cycles of each workload; a :class:`UserError` where one does not fit."""
    if need.is_met(design):
        return need.cycles
    return [sum(cycles_of(draft(network, design)) for network in workload.networks_for(design))
            for workload in workloads]
