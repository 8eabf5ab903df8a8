"""From a network to a Program."""

import numpy as np

from ..design import Design
from ..errors import UserError
from ..network.graph import (
    Add,
    AveragePool,
    Concatenate,
    Convolution,
    Depthwise,
    FullyConnected,
    Layer,
    MaxPool,
    Mean,
    Network,
    Pad,
    Reshape,
    Softmax,
)
from ..steps import Step, descriptor_words
from .check import check_program
from .elementwise import lower_add, lower_copy, lower_pad
from .fold import VARIES, Folding, fold
from .layout import View
from .lowering import Lowering, Placed
from .memory import Layout, place
from .pool import lower_average_pool, lower_max_pool, lower_mean
from .program import HostLayer, LayerSteps, Placement, Program
from .simplify import simplify
from .sums import lower_sums

__all__ = ["compile_network"]


def compile_network(network: Network, design: Design) -> Program:
    """Return the Program that computes ``network`` on an accelerator of ``design``.

    A :class:`UserError` says what does not fit, and what would.
    """
    if not design.activation_memory:
        raise UserError("the Design is of an array alone: give it an activation_memory, and the "
                        "other fields of an accelerator")
    if design.rounding != network.rounding:
        raise UserError(f"the network is rounded {network.rounding!r}, so rounding of the Design "
                        f"must be {network.rounding!r}, not {design.rounding!r}")
    network = simplify(network)
    folding = fold(network)
    layout = Layout(network, folding)
    lowering = Lowering(design, network.rounding)
    layers = []
    for layer in layout.layers:
        first = len(lowering.placed)
        try:
            lower(lowering, network, folding, layout, layer)
        except UserError as error:
            raise UserError(f"layer {layer.name!r}: {error}") from error
        layers.append(LayerSteps(layer.name, layer.operator, layer.inputs, layer.output, first,
                                 len(lowering.placed) - first))
    addresses = place(layout.lives(written(lowering.placed, design.columns)),
                      design.activation_memory, design.banks)
    image, steps = finish(lowering, addresses, design)
    program = Program(
        network.name, design, steps, image,
        {name: placement(network, folding, name, view, addresses)
         for name, view in layout.views.items()},
        tuple(layers), tuple(host_layer(network, layer) for layer in network.layers if layer.host),
        network.inputs, tuple(layout.outputs), network.outputs)
    check_program(program)
    return program


def lower(lowering: Lowering, network: Network, folding: Folding, layout: Layout,
          layer: Layer) -> None:
    """Emit the steps of one layer."""
    sources, target = [layout.views[name] for name in layer.inputs], layout.views[layer.output]
    match layer:
        case Convolution() | Depthwise() | FullyConnected():
            lower_sums(lowering, network, folding, layer, sources[0], target)
        case Add():
            lower_add(lowering, network, layer, sources, target, layout.alone(target))
        case AveragePool():
            lower_average_pool(lowering, layer, sources[0], target)
        case MaxPool():
            lower_max_pool(lowering, layer, sources[0], target)
        case Mean():
            lower_mean(lowering, network, layer, sources[0], target)
        case Pad():
            lower_pad(lowering, layer, sources[0], target)
        case Concatenate():
            for place_, (name, source) in enumerate(zip(layer.inputs, sources, strict=True)):
                if name not in layout.parts:
                    lower_copy(lowering, source, layout.part(layer, place_))
        case Reshape():
            pass
        case _:
            raise UserError(f"the accelerator has no {layer.operator}")


def written(placed: list[Placed], columns: int) -> dict[str, int]:
    """Return how many bytes of each buffer the steps write, to the last."""
    sizes: dict[str, int] = {}
    for item in placed:
        step = item.step
        if item.target is not None:
            height, width = step.size
            last = (step.output + (height - 1) * step.output_row_step
                    + (width - 1) * step.output_x_step + (step.tiles - 1) * columns
                    + step.last_columns)
            sizes[item.target] = max(sizes.get(item.target, 0), last)
    return sizes


def finish(lowering: Lowering, addresses: dict[str, int],
           design: Design) -> tuple[bytes, tuple[Step, ...]]:
    """Return the image and the steps, now that all addresses are known."""
    words = descriptor_words(design.columns)
    code = len(lowering.placed) * words
    needed = code + lowering.image.words
    if needed > design.program_words:
        raise UserError(
            f"the steps and weights need {needed * design.columns} bytes, "
            f"{(needed - design.program_words) * design.columns} more than the program memory has: "
            f"program_memory must be {needed * design.columns} or more")
    steps, descriptors = [], []
    for item in lowering.placed:
        step = item.step
        fields = {"program": code + step.program}
        if item.source is not None:
            fields["base"] = step.base + addresses[item.source]
        if item.target is not None:
            fields["output"] = step.output + addresses[item.target]
        steps.append(step.replace(**fields))
        descriptors.append(steps[-1].to_words().tobytes().ljust(words * design.columns, b"\0"))
    return b"".join(descriptors) + lowering.image.to_bytes(), tuple(steps)


def placement(network: Network, folding: Folding, name: str, view: View,
              addresses: dict[str, int]) -> Placement:
    """Return where a tensor is."""
    tensor, constants = network.tensors[name], folding.constants[name]
    return Placement(
        addresses[view.buffer] + view.offset, tensor.shape, tensor.scale, tensor.zero_point,
        view.height, view.width, view.pitch, view.row,
        tuple(np.flatnonzero(folding.stored[name]).tolist()),
        tuple(None if value == VARIES else value for value in constants.tolist()))


def host_layer(network: Network, layer: Layer) -> HostLayer:
    """Return what the host has to know of a layer."""
    tensor = network.tensors[layer.output]
    beta = layer.beta if isinstance(layer, Softmax) else 1.0
    return HostLayer(layer.name, layer.operator, layer.inputs, layer.output, tensor.shape,
                     tensor.scale, tensor.zero_point, beta)


