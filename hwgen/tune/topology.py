"""Layers of which only shapes are known: the topology files (.csv) of SCALE-Sim.

Both of its forms are read: convolutions (name, height and width of the image, height and width of
the filter, channels, filters, strides) and matrix products (name, M, N, K). Every weight is taken
to be there: a random number, and not 0. Lines with a name alone are titles. As SCALE-Sim does, the
last window of a row, or of a column, may reach beyond the image; and layers with ``DP`` in their
names are depthwise.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..design import LARGEST_MEMORY
from ..errors import UserError
from ..network.graph import Convolution, Depthwise, Network, Requantisation, Tensor, Window

__all__ = ["read_topology"]

CONVOLUTION = ("the image's height", "the image's width", "the filter's height",
               "the filter's width", "channels", "filters", "the stride")
PRODUCT = ("M", "N", "K")
DEPTHWISE = "DP"

LARGEST_SIZE, LARGEST_FIELD = 1 << 24, 1 << 20
"""Of an image's height and width, and M; and of all others."""
LARGEST_OUTPUT = 1 << 16
"""Channels of an output."""
LARGEST_MATRIX = 1 << 25
"""Weights of a depthwise layer as a matrix, as the compiler also looks at it, zeros included."""
LARGEST_WEIGHTS = LARGEST_MEMORY
"""Of a layer: no program memory holds more."""
LARGEST_FILE = 5 * LARGEST_MEMORY
"""Weights of all layers: they are made up, and kept."""
LARGEST_PRODUCTS = 1 << 50
"""Of a layer: so that cycles on a single multiplier are a number of 64 bits."""
MOST_LAYERS = 10_000
SHOWN = 40
"""Characters of a field that are told."""


def read_topology(path: str) -> tuple[Network, ...]:
    """Return a network of one layer for each line of a file."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            text = file.read()
            lines = [[cell.strip() for cell in line] for line in csv.reader(
                text.splitlines(), delimiter="," if "," in text.partition("\n")[0] else "\t")]
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a topology of SCALE-Sim: {error}") from error
    header = [cell.lower() for cell in lines[0]] if lines else []
    names = PRODUCT if header[1:4] == ["m", "n", "k"] else CONVOLUTION
    layers: list[Network] = []
    weights = 0
    for number, line in enumerate(lines[1:], 2):
        if any(line[1:]):
            place = f"{path}, line {number}"
            values = values_of(place, line, names)
            weights += weights_of(place, line[0], values)
            if weights > LARGEST_FILE or len(layers) == MOST_LAYERS:
                raise UserError(f"{place}: a topology must be of at most {MOST_LAYERS:,} layers "
                                f"with {LARGEST_FILE:,} weights together, and up to here it is of "
                                f"{len(layers) + 1:,} with {weights:,}; cut the file in parts")
            layers.append(layer_of(place, line, values))
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
        told = text if len(text) <= SHOWN else f"{text[:SHOWN]}... of {len(text):,} characters"
        if not (text.isascii() and text.isdecimal() and digits):
            raise UserError(f"{place}: {name} must be a whole number from 1 on, not {told!r}")
        if len(digits) > len(str(most)) or int(digits) > most:
            raise UserError(f"{place}: {name} must be at most {most:,}, not {told!r}")
        values.append(int(digits))
    return values


def weights_of(place: str, title: str, values: list[int]) -> int:
    """Return how many weights a layer has, if it is not too large."""
    if len(values) == len(PRODUCT):
        vectors, outputs, depth = values
        weights = matrix = outputs * depth
    else:
        height, width, down, across, channels, filters, _ = values
        vectors, weights = height * width, down * across * channels * filters
        deep = DEPTHWISE in title
        outputs, matrix = (channels * filters, channels * weights) if deep else (filters, weights)
    for count, most, what in (
            (outputs, LARGEST_OUTPUT, "channels of its output"),
            (weights, LARGEST_WEIGHTS, "weights, as the largest program memory"),
            (matrix, LARGEST_MATRIX, "weights and zeros as a matrix"),
            (vectors * weights, LARGEST_PRODUCTS, "products")):
        if count > most:
            raise UserError(f"{place}: layer {title!r} must have at most {most:,} {what}, not "
                            f"{count:,}")
    return weights


def layer_of(place: str, line: list[str], values: list[int]) -> Network:
    """Return the network of one line."""
    if len(values) == len(PRODUCT):  # as a convolution of one pixel over a row of M
        rows, columns, depth = values
        return convolution(line[0], (1, rows, depth), columns, Window((1, 1)))
    height, width, down, across, channels, filters, stride = values
    if down > height or across > width:
        raise UserError(f"{place}: a filter of {down}x{across} must not be larger than its image, "
                        f"{height}x{width}")
    # Some files have a stride for each axis.
    extra = line[len(CONVOLUTION) + 1] if len(line) > len(CONVOLUTION) + 1 else ""
    if extra.isdecimal() and extra.strip("0"):
        [second] = values_of(place, ["", extra], ("the second stride",))
    else:
        second = stride
    strides = (stride, second)
    beyond = (-(height - down) % strides[0], -(width - across) % strides[1])
    window = Window((down, across), strides, after=beyond)
    kind = depthwise if DEPTHWISE in line[0] else convolution
    return kind(line[0], (height, width, channels), filters, window)


def convolution(name: str, image: tuple[int, int, int], filters: int, window: Window) -> Network:
    """Return a network of one convolution."""
    weights = numbers(filters, *window.kernel, image[2])
    layer = Convolution(name=name or "layer", inputs=("x",), output="y", window=window,
                        weights=weights, **endings(filters))
    return alone(layer, image, filters, window)


def depthwise(name: str, image: tuple[int, int, int], filters: int, window: Window) -> Network:
    """Return a network of one depthwise layer, of so many filters for each channel."""
    outputs = filters * image[2]
    layer = Depthwise(name=name or "layer", inputs=("x",), output="y", window=window,
                      weights=numbers(*window.kernel, outputs), **endings(outputs))
    return alone(layer, image, outputs, window)


def numbers(*shape: int) -> NDArray[np.int8]:
    """Return weights, none of which is 0."""
    return np.random.default_rng(0).integers(1, 128, shape, np.int8)


def endings(outputs: int) -> dict[str, Any]:
    """Return a bias and a scale for each output channel, as layers take them."""
    rng = np.random.default_rng(1)
    return {"bias": rng.integers(-100, 100, outputs).astype(np.int32),
            "requantisation": Requantisation(rng.integers(1 << 30, 1 << 31, outputs),
                                             np.full(outputs, -8), 0)}


def alone(layer: Convolution | Depthwise, image: tuple[int, int, int], outputs: int,
          window: Window) -> Network:
    """Return the network of a layer."""
    tensors = {"x": Tensor("x", (1, *image), 1.0, 0),
               "y": Tensor("y", (1, *window.output(*image[:2]), outputs), 1.0, 0)}
    return Network(layer.name, tensors, (layer,), ("x",), ("y",))
