"""What every layer of a Program will take: the cost model, layer by layer."""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.compile import draft
from ..compiler.program import LayerSteps, Program
from ..cost.cycles import Array, run_cycles, total_cycles
from ..cost.stream import StreamedStep, streamed_cycles
from ..cost.traffic import Traffic, traffic
from ..network.graph import Convolution, Depthwise, FullyConnected, Layer, Matmul, Network
from .efficiency import Work
from .sparse_steps import sparse_steps

__all__ = ["layer_cycles", "predictions"]


def predictions(network: Network, program: Program,
                x: Mapping[str, NDArray[np.int8]] | None = None, *,
                apart: bool = False) -> Iterator[Work]:
    """Yield what each layer of the Program takes, in their order.

    ``x`` is the input, for what runs on a sparse engine; without it no activation is 0. All layers
    are one run, or with ``apart`` each of them is one.
    """
    array, stalls = Array.of(program.design), [0] * len(program.steps)
    sparse = sparse_steps(program, x)
    taken = {index: work.cycles for index, work in sparse.items()}
    of_steps = run_cycles(program.steps, array, taken)
    if program.design.external:
        streamed = [*stream_runs(program, apart=apart)]
        of_steps, stalls = [each.cycles for each in streamed], [each.stalls for each in streamed]
    multipliers = (array.rows + array.wide_rows) * array.columns
    layers = {layer.name: layer for layer in network.layers}
    for part in program.layers:
        steps = program.steps[part.first:part.first + part.count]
        cycles = sum(of_steps[part.first:part.first + part.count])
        if apart and not program.design.external:
            cycles = sum(run_cycles(steps, array, {
                index - part.first: count for index, count in taken.items()}))
        entries = sum(work.bytes for index, work in sparse.items()
                      if part.first <= index < part.first + part.count)
        if not steps:
            yield Work(multipliers=multipliers)
            continue
        products, computed = multiplications(program, part, layers[part.name])
        yield Work(multipliers=multipliers,
                   cycles=cycles, products=products, computed=computed,
                   stalls=sum(stalls[part.first:part.first + part.count]),
                   least=least_bytes(program, part, layers[part.name]),
                   traffic=sum((traffic(step, array) for step in steps),
                               Traffic(program=entries)))


def stream_runs(program: Program, *, apart: bool) -> Iterator[StreamedStep]:
    """Yield what each step takes whose program streams, in one run or in one for each layer."""
    runs = [(part.first, part.count) for part in program.layers if part.count]
    for first, count in runs if apart else [(0, len(program.steps))] * bool(program.steps):
        yield from streamed_cycles(program.design, program.steps[first:first + count],
                                   program.places[first])


def multiplications(program: Program, part: LayerSteps, layer: Layer) -> tuple[int, int]:
    """Return the products of a layer: all of them, and those of channels that are stored."""
    if isinstance(layer, Matmul):
        products = math.prod(program.tensors[part.output].shape) \
            * program.tensors[part.inputs[0]].shape[-1]
        return products, products
    if not isinstance(layer, Convolution | Depthwise | FullyConnected):
        return 0, 0
    source, target = (program.tensors[name] for name in (
        part.inputs[0], program.kept.get(part.output, part.output)))
    taps = layer.weights.size // len(target.constants)
    computed = taps
    if not isinstance(layer, Depthwise):
        computed = taps // len(source.constants) * len(source.channels)
    places = target.height * target.width
    return places * taps * len(target.constants), places * computed * len(target.channels)


def least_bytes(program: Program, part: LayerSteps, layer: Layer) -> int:
    """Return the bytes of a layer's inputs, output, weights and bias."""
    tensors = [program.tensors[name] for name in {*part.inputs, part.output} - {*program.kept}]
    elements = sum(math.prod(tensor.shape) for tensor in tensors)
    if not isinstance(layer, Convolution | Depthwise | FullyConnected):
        return elements
    return elements + layer.weights.size + 4 * layer.bias.size


def layer_cycles(design: Design) -> Callable[[Network], dict[str, int]]:
    """Return a function from a network to the cycles of its layers, by the tensors they write.

    Each layer is a run of its own: then they equal the counters of the hardware, with and without
    weights. A sparse engine is left out, because its cycle count depends on the input.
    """
    array = Array.of(design)

    def cost(network: Network) -> dict[str, int]:
        program = draft(network, design)
        return {part.output: total_cycles(program.steps[part.first:part.first + part.count], array)
                for part in program.layers}

    return cost
