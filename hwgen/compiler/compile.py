"""From a network to a Program."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.steps import Mode, Step
from ..cost.cycles import Array, Count, run_cycles, total_cycles
from ..errors import UserError
from ..network import graph
from .check import check_program
from .cost import LayerCost
from .following import slack
from .layers.binary import lower_binary
from .layers.elementwise import lower_copy, lower_elementwise
from .layers.joined import lower_joined, lower_kept
from .layers.lstm import lower_lstm
from .layers.matmul import lower_matmul
from .layers.moves import join_moves, lower_move
from .layers.pool import lower_average_pool, lower_max_pool, lower_mean
from .layers.softmax import lower_softmax
from .layers.weighted import SumsLayer
from .lowering import Lowering, PlacedStep, written_bytes
from .memory.addresses import arrange
from .memory.in_place import TightPlan
from .memory.lifetimes import BufferLayout
from .packing.unpacking import Unpacking
from .prepare.constants import VARIES, Folding, fold
from .prepare.padding import simplify
from .prepare.stacking import stack_inputs, stack_values, stackable
from .prepare.tables import with_tables
from .prepare.thresholds import any_rounding, requantising_network
from .program import HostLayer, LayerSteps, Placement, Program, Stack, StateSlot
from .room import lower_into
from .sizes import Cut, ceil_div
from .sparse.choice import SparsePlan, SparseSelection, program_words
from .sparse.lane_memories import host_words
from .streaming import finish_stream, streaming_offer
from .view import View

__all__ = ["compile_network", "draft", "lower", "may_follow", "prepare_network"]


def compile_network(network: graph.Network, design: Design,
                    example: Mapping[str, NDArray[np.int8]] | None = None) -> Program:
    """Return the Program that computes ``network`` on an accelerator of ``design``.

    Cycles of the sparse engine depend on the input: it gets the layers that are faster there for an
    ``example``, or for an input without zeros. The Program is correct for any input.

    A :class:`UserError` says what does not fit, and what would.
    """
    program = draft(network, design, example)
    check_program(program)
    return program


def draft(network: graph.Network, design: Design,
          example: Mapping[str, NDArray[np.int8]] | None = None) -> Program:
    """Return the same Program in a tenth of the time: the checker has not seen it."""
    if not design.activation_memory:
        raise UserError("the Design is of an array alone: give it an activation_memory, and the "
                        "other fields of an accelerator")
    if design.rounding != network.rounding and any_rounding(network):
        network = replace(network, rounding=design.rounding)
    if design.rounding != network.rounding:
        raise UserError(f"the network is rounded {network.rounding!r}, so rounding of the Design "
                        f"must be {network.rounding!r}, not {design.rounding!r}")
    network = with_tables(join_moves(simplify(requantising_network(network))), design)
    stacks = stackable(network)
    found, errors = [], []
    for each in ({}, stacks) if is_quicker(network, stacks, design) else ({},):
        try:
            found.append(place_and_lower(network, each, design, example))
        except UserError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    return min(found, key=cycles_of)


def is_quicker(network: graph.Network, stacks: Mapping[str, Stack], design: Design) -> bool:
    """Return whether those layers take fewer cycles of the array whose inputs may be stacked."""
    cycles = []
    for each in ({}, stacks) if stacks else ():
        prepared = lay_out(network, each, design)
        lowering = Lowering(design)
        try:
            for layer in prepared[2].layers:
                if layer.inputs[0] in stacks:
                    lower(lowering, *prepared, layer)
        except UserError:  # which says more where the whole network is lowered
            return False
        cycles.append(total_cycles((item.step for item in lowering.placed), Array.of(design)))
    return bool(cycles) and cycles[1] < cycles[0]


def cycles_of(program: Program) -> int:
    """Return the cycles of a Program; on the sparse engine those by which layers were chosen."""
    cycles = run_cycles(program.steps, Array.of(program.design))
    on_engine = {choice.layer: choice.sparse_cycles or 0 for choice in program.choices
                 if choice.engine == "sparse"}
    return sum(on_engine[layer.name] if layer.name in on_engine else
               sum(cycles[layer.first:layer.first + layer.count]) for layer in program.layers)


def place_and_lower(whole: graph.Network, stacks: Mapping[str, Stack], design: Design,
                    example: Mapping[str, NDArray[np.int8]] | None) -> Program:
    """Return the Program of a network some of whose inputs are stacked."""
    network, folding, layout = lay_out(whole, stacks, design)
    if example is not None:
        example = stack_values(whole, stacks, example)
    choice = SparseSelection(network, folding, layout, design, example)
    plan, lowering, layers = lower_into(design, choice, lambda plan: lower_network(
        network, folding, layout, design, {}, plan))
    lives = layout.lives(written_bytes(lowering.placed, design.columns))
    memory = design.activation_memory
    addresses, needed = arrange(lives, {}, memory)
    if needed > memory:
        def steps_of(index: int, cut: Cut) -> list[PlacedStep]:
            made = Lowering(design, cut, plan.columns)
            layer = layout.layers[index]
            if isinstance(layer, graph.Add) and layer in layout.kept.values():
                lower(made, network, folding, layout, layout.layers[index - 1])
            first = len(made.placed)
            lower(made, network, folding, layout, layer)
            return made.placed[first:]

        tight = TightPlan(layout, lives, design, steps_of)
        cuts, addresses, least = tight.plan(memory)
        if least > memory:  # tell what program there is where the tensors do fit
            cuts, addresses, least = tight.plan(ceil_div(least, design.banks) * design.banks)
        if least < needed:
            lowering, layers = lower_network(network, folding, layout, design, cuts, plan)
            needed = least
    if design.decompress:
        lowering, layers = Unpacking(lowering, layers).until(design.program_words)
    check_memories(lowering, needed, design)
    image, steps = (finish_stream(lowering, layers, addresses, design) if design.chip
                    else finish(lowering, addresses, design))
    return Program(
        network.name, design, steps, image,
        {name: placement(whole.tensors[name], folding, name, view, addresses,
                         stacks.get(name, Stack()))
         for name, view in layout.views.items()},
        tuple(layers), tuple(host_layer(network, layer) for layer in network.layers if layer.host),
        network.inputs, tuple(layout.outputs), network.outputs,
        compressed=host_words(plan.weights) if plan.columns and plan.weights else (),
        choices=plan.choices, states=tuple(StateSlot(
            state.name, state.next, tuple(state.initial.ravel().tolist()))
            for state in network.states))


def prepare_network(network: graph.Network, *,
                    stacked: bool = False) -> tuple[graph.Network, Folding, BufferLayout]:
    """Return a network as it is lowered, and what is stored of it where, for whatever Design.

    Its inputs are ``stacked``, those that can be, or none is.
    """
    network = join_moves(simplify(requantising_network(network)))
    return lay_out(network, stackable(network) if stacked else {})


def lay_out(network: graph.Network, stacks: Mapping[str, Stack],
            design: Design | None = None) -> tuple[graph.Network, Folding, BufferLayout]:
    """Return a network with some inputs stacked, and what is stored of it where.

    The lanes of a ``design`` may keep some of it.
    """
    network = stack_inputs(network, stacks)
    folding = fold(network)
    return network, folding, BufferLayout(network, folding, design)


def lower_network(network: graph.Network, folding: Folding, layout: BufferLayout, design: Design,
                  cuts: dict[int, Cut],
                  plan: SparsePlan | None = None) -> tuple[Lowering, list[LayerSteps]]:
    """Return the steps of all layers, and which are whose."""
    lowering, layers = Lowering(design, sparse=plan.columns if plan else None), []
    before: tuple[graph.Layer, LayerCost | None] | None = None  # whose steps are the last ones
    for index, layer in enumerate(layout.layers):
        first, lowering.taken = len(lowering.placed), None
        lowering.cut(cuts.get(index, Cut()))
        try:
            lower(lowering, network, folding, layout, layer)
        except UserError as error:
            raise UserError(f"layer {layer.name!r}: {error}") from error
        layers.append(LayerSteps(layer.name, layer.title, layer.inputs, layer.output, first,
                                 len(lowering.placed) - first))
        if len(lowering.placed) > first:
            now = layer, lowering.taken
            if before and may_follow(layout, lowering.sizes.array, *before, *now):
                lowering.overlap(first, first + 1)
            before = now
    return lowering, layers


def may_follow(layout: BufferLayout, array: Array, before: graph.Layer,
               cost_before: LayerCost | None, layer: graph.Layer, cost: LayerCost | None) -> Count:
    """Return whether the steps of a layer may follow at once those of the one before.

    Nothing but its input can be still on its way: the memory is written in the order of the steps.
    """
    of_weights = all(isinstance(each, graph.Weighted) for each in (before, layer))
    if not (array.reads_ahead and of_weights and cost_before and cost):
        return False
    stream = np.logical_and(cost_before.stream, cost.stream)
    if layout.views[before.output].buffer != layout.views[layer.inputs[0]].buffer:
        return stream
    if before.output != layer.inputs[0]:
        return False
    least = slack(cost_before.writes, cost.reads, int(array.columns))
    return stream & np.greater_equal(least, cost_before.cycles.written)


def lower(lowering: Lowering, network: graph.Network, folding: Folding, layout: BufferLayout,
          layer: graph.Layer) -> None:
    """Emit the steps of one layer."""
    first = len(lowering.placed)
    lower_values(lowering, network, folding, layout, layer)
    if layer.table:
        lowering.look_up(layer.table, first)


def lower_values(lowering: Lowering, network: graph.Network, folding: Folding, layout: BufferLayout,
                 layer: graph.Layer) -> None:
    """Emit the steps of one layer, as if its bytes went through no table."""
    sources = [layout.views[name] for name in layer.inputs if name not in layout.kept]
    target = layout.views[(layout.kept.get(layer.output) or layer).output]
    match layer:
        case graph.Reshape() | graph.Assign() if (sources[0].buffer, sources[0].offset) == (
                target.buffer, target.offset):
            pass
        case graph.Reshape():
            lower_copy(lowering, sources[0].bytes(), target.bytes())
        case graph.Assign():
            lower_copy(lowering, sources[0], target)
        case graph.Add() if layer in layout.kept.values():
            kept = next(name for name in layer.inputs if name in layout.kept)
            lower_joined(lowering, network, layer, kept, sources[0], target)
        case _ if isinstance(layer, graph.Weighted) and layer.output in layout.kept:
            lower_kept(lowering, SumsLayer(network, folding, layer, sources[0], target))
        case graph.Move() if sources[0].buffer == target.buffer:
            pass  # the output is a view of the input
        case _ if lowering.design.engine == "binary":
            lower_binary(lowering, network, folding, layer, sources[0], target)
        case _ if isinstance(layer, graph.Weighted):
            SumsLayer(network, folding, layer, sources[0], target).emit(lowering)
        case graph.Elementwise():
            lower_elementwise(lowering, network, folding, layer, sources, target,
                              layout.is_alone(target))
        case graph.AveragePool():
            lower_average_pool(lowering, layer, sources[0], target)
        case graph.MaxPool():
            lower_max_pool(lowering, layer, sources[0], target)
        case graph.Mean():
            lower_mean(lowering, network, layer, sources[0], target)
        case graph.Move():
            lower_move(lowering, layer, sources[0], target)
        case graph.Matmul():
            lower_matmul(lowering, network, layer, sources[0], sources[1], target)
        case graph.Lstm():
            lower_lstm(lowering, network, layer, sources[0], sources[1], target)
        case graph.Softmax():
            lower_softmax(lowering, network, layer, sources[0], target)
        case graph.Pad():
            lower_copy(lowering, sources[0], target, layer)
        case graph.Concatenate():
            for place_, (name, source) in enumerate(zip(layer.inputs, sources, strict=True)):
                if name not in layout.parts:
                    lower_copy(lowering, source, layout.part(layer, place_))
        case _:
            raise UserError(f"the accelerator has no {layer.operator}")


def check_memories(lowering: Lowering, needed: int, design: Design) -> None:
    """Raise a UserError about every memory that is too small."""
    columns = design.columns
    words = program_words(lowering)
    memories = [("the tensors", needed, design.activation_memory, design.banks, "activation"),
                ("the steps and weights", words * columns, design.program_words * columns,
                 columns, "program")][:1 if design.external else 2]
    short = [f"{what} need {needed} bytes, {needed - there} more than the {name} memory has: "
             f"{name}_memory must be {ceil_div(needed, multiple) * multiple} or more"
             for what, needed, there, multiple, name in memories if needed > there]
    if short:
        offer = streaming_offer(design) if "the program memory" in short[-1] else ""
        raise UserError("; ".join(short) + offer)


def finish(lowering: Lowering, addresses: dict[str, int],
           design: Design) -> tuple[bytes, tuple[Step, ...]]:
    """Return the image and the steps, now that all addresses are known."""
    coding = Descriptors.of(design)
    wide = coding.words_of(len(lowering.placed))
    code = wide + lowering.wide_image.words
    steps: list[Step] = []
    for item in lowering.placed:
        step = item.at(addresses)
        if step.mode == Mode.UNPACK:
            step = step.replace(output=code + step.output)
        first = wide if step.mode == Mode.WIDE else code
        steps.append(step.replace(program=first + step.program))
    words = lowering.wide_image.to_bytes() + lowering.image.to_bytes()
    descriptors = (coding.write(step, words[(step.program - wide) * design.columns:])
                   for step in steps)
    return b"".join(descriptors).ljust(wide * design.columns, b"\0") + words, tuple(steps)


def placement(tensor: graph.Tensor, folding: Folding, name: str, view: View,
              addresses: dict[str, int], stack: Stack) -> Placement:
    """Return where a tensor is."""
    constants = folding.constants[name]
    return Placement(
        addresses[view.buffer] + view.offset, tensor.shape, tensor.scale, tensor.zero_point,
        view.height, view.width, view.pitch, view.row,
        tuple(np.flatnonzero(folding.stored[name]).tolist()),
        tuple(None if value == VARIES else value for value in constants.tolist()), stack)


def host_layer(network: graph.Network, layer: graph.Layer) -> HostLayer:
    """Return what the host has to know of a layer."""
    tensor = network.tensors[layer.output]
    beta = layer.beta if isinstance(layer, graph.Softmax) else 1.0
    return HostLayer(layer.name, layer.operator, layer.inputs, layer.output, tensor.shape,
                     tensor.scale, tensor.zero_point, beta)


