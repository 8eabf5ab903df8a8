"""Layers of which only shapes are known: the topology files (.csv) of SCALE-Sim.

Both of its forms are read: convolutions (name, height and width of the image, height and width of
the filter, channels, filters, strides) and matrix products (name, M, N, K). Every weight is taken
to be there, and not to be 0: all are a view of one number, so that no layer is too large to be
counted, and they get values of their own where a Program is made of them. Lines with a name alone
are titles. As SCALE-Sim does, the last window of a row, or of a column, may reach beyond the image;
and layers with ``DP`` in their names are depthwise.
"""

import csv
import math
from dataclasses import replace

import numpy as np

from ..arch.design import LARGEST_MEMORY, Design
from ..errors import UserError
from ..network import graph
from ..tools.untrusted import read_text

__all__ = ["read_topology", "with_weights"]

CONVOLUTION = ("the image's height", "the image's width", "the filter's height",
               "the filter's width", "channels", "filters", "the stride")
PRODUCT = ("M", "N", "K")
DEPTHWISE = "DP"

LARGEST_SIZE, LARGEST_FIELD = 1 << 24, 1 << 20
"""Of an image's height and width, and M; and of all others."""
LARGEST_PRODUCTS = 1 << 53
"""Of all layers: so that cycles, up to 56 of a bit-serial array for each, fit 64 bits."""
MOST_CHANNELS = 1 << 22
"""Of the inputs and outputs of all layers: each has a bias, a scale and more, about 100 bytes."""
LARGEST_OUTPUT = LARGEST_FIELD
"""Channels of an output, each of which takes as much again while a layer is looked at."""
MOST_LAYERS = 2_000
"""They are counted one by one, for a million Designs."""
WEIGHT = 127
"""The greatest of those that are made up: it takes 7 bits."""
SHOWN = 40
"""Characters of a field that are shown."""


def read_topology(path: str) -> tuple[graph.Network, ...]:
    """Return a network of one layer for each line of a file."""
    what = "a topology of SCALE-Sim"
    text = read_text(path, what)
    try:
        lines = [[cell.strip() for cell in line] for line in csv.reader(
            text.splitlines(), delimiter="," if "," in text.partition("\n")[0] else "\t")]
    except csv.Error as error:
        raise UserError(f"{path} is not {what}: {error}") from error
    header = [cell.lower() for cell in lines[0]] if lines else []
    names = PRODUCT if header[1:4] == ["m", "n", "k"] else CONVOLUTION
    layers: list[graph.Network] = []
    channels = products = 0
    for number, line in enumerate(lines[1:], 2):
        if any(line[1:]):
            place = f"{path}, line {number}"
            values = values_of(place, line, names)
            layers.append(layer_of(place, line, values))
            ends, values_in, multiplied = counts_of(layers[-1])
            channels, products = channels + ends, products + multiplied
            for count, most, what in (
                    (values_in, LARGEST_PRODUCTS, "values in an input"),
                    (channels, MOST_CHANNELS, "channels in all inputs and outputs"),
                    (products, LARGEST_PRODUCTS, "products"), (len(layers), MOST_LAYERS, "layers")):
                if count > most:
                    raise UserError(f"{place}: a topology must have at most {most:,} {what}, and "
                                    f"with layer {line[0]!r} it has {count:,}")
    if not layers:
        raise UserError(f"{path} has no layers: a topology of SCALE-Sim is a line of titles, and a "
                        "line for each layer")
    return tuple(layers)


def values_of(place: str, line: list[str], names: tuple[str, ...]) -> list[int]:
    """Return the numbers of one line, each checked."""
    values = []
    for index, name in enumerate(names, 1):
        text = line[index] if index < len(line) else ""
        most = LARGEST_SIZE if name in (*CONVOLUTION[:2], PRODUCT[0]) else LARGEST_FIELD
        digits = text.lstrip("0")  # more than a few need not be read to be too many
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}... of {len(text):,} characters"
        if not (text.isascii() and text.isdecimal() and digits):
            raise UserError(f"{place}: {name} must be a whole number from 1 on, not {shown!r}")
        if len(digits) > len(str(most)) or int(digits) > most:
            raise UserError(f"{place}: {name} must be at most {most:,}, not {shown!r}")
        values.append(int(digits))
    return values


def counts_of(network: graph.Network) -> tuple[int, int, int]:
    """Return the channels of a layer's input and output, the values of its input, and products.

    A depthwise layer may be a matrix, by whose zeros there are products, too, and its image may be
    streamed, for one of each of its pixels.
    """
    [layer], (x, y) = network.layers, (network.tensors[name].shape for name in "xy")
    assert isinstance(layer, graph.Convolution | graph.Depthwise)
    height, width = (x if isinstance(layer, graph.Depthwise) else y)[1:3]
    products = height * width * math.prod(layer.window.kernel) * x[3] * y[3]
    return x[3] + y[3], math.prod(x), products


def layer_of(place: str, line: list[str], values: list[int]) -> graph.Network:
    """Return the network of one line."""
    if len(values) == len(PRODUCT):  # as a convolution of one pixel over a row of M
        rows, columns, depth = values
        return network_of(line[0], (1, rows, depth), columns, graph.Window((1, 1)))
    height, width, down, across, channels, filters, stride = values
    if down > height or across > width:
        raise UserError(f"{place}: a filter of {down}x{across} must not be larger than its image, "
                        f"{height}x{width}")
    if DEPTHWISE in line[0] and channels * filters > LARGEST_OUTPUT:
        raise UserError(f"{place}: a depthwise layer must have at most {LARGEST_OUTPUT:,} channels "
                        f"in its output, not {channels:,} times {filters:,}")
    # Some files have a stride for each axis.
    extra = line[len(CONVOLUTION) + 1] if len(line) > len(CONVOLUTION) + 1 else ""
    if extra.isdecimal() and extra.strip("0"):
        [second] = values_of(place, ["", extra], ("the second stride",))
    else:
        second = stride
    strides = (stride, second)
    beyond = (-(height - down) % strides[0], -(width - across) % strides[1])
    window = graph.Window((down, across), strides, after=beyond)
    return network_of(line[0], (height, width, channels), filters, window,
                      depthwise=DEPTHWISE in line[0])


def network_of(name: str, image: tuple[int, int, int], filters: int, window: graph.Window, *,
               depthwise: bool = False) -> graph.Network:
    """Return a network of one layer, a depthwise one of so many filters for each channel.

    A number stands for all weights, none of which is 0, without memory for each.
    """
    outputs = filters * image[2] if depthwise else filters
    shape = (*window.kernel, outputs) if depthwise else (filters, *window.kernel, image[2])
    rng = np.random.default_rng(1)
    layer = (graph.Depthwise if depthwise else graph.Convolution)(
        name=name or "layer", inputs=("x",), output="y", window=window,
        weights=np.broadcast_to(np.int8(WEIGHT), shape),
        bias=rng.integers(-100, 100, outputs).astype(np.int32),
        requantisation=graph.Requantisation(rng.integers(1 << 30, 1 << 31, outputs),
                                            np.full(outputs, -8), 0))
    tensors = {"x": graph.Tensor("x", (1, *image), 1.0, 0),
               "y": graph.Tensor("y", (1, *window.output(*image[:2]), outputs), 1.0, 0)}
    return graph.Network(layer.name, tensors, (layer,), ("x",), ("y",), host_inputs=False)


def with_weights(network: graph.Network, design: Design) -> graph.Network:
    """Return a network with a value for each weight, to make a Program of it for a Design.

    Equal weights would be kept once, or packed, so these differ. A :class:`UserError` tells what
    of a layer no memory of the Design holds, before it is made up.
    """
    return replace(network, layers=tuple(
        layer_with_weights(layer, network, design) if isinstance(layer, graph.Weighted) else layer
        for layer in network.layers))


def layer_with_weights(layer: graph.Weighted, network: graph.Network,
                       design: Design) -> graph.Weighted:
    """Return one layer with values."""
    # The sparse engine has memories of its own for weights.
    program = LARGEST_MEMORY if design.sparse_entries else design.program_memory
    least = [("weights", -(-layer.weights.size * WEIGHT.bit_length() // 8), "program", program)]
    least += [(name, network.tensors[name].size, "activation", design.activation_memory)
              for name in (*layer.inputs, layer.output)]
    for what, needed, memory, most in least:
        if needed > most:
            raise UserError(f"layer {layer.name!r}: {what} takes {needed:,} bytes or more, and the "
                            f"{memory} memory has {most:,}")
    weights = np.random.default_rng(0).integers(1, WEIGHT + 1, layer.weights.shape, np.int8)
    weights.flat[0] = WEIGHT  # so that they take as many bits as one that stood for all
    return replace(layer, weights=weights)
