"""The page of operators: what files may have, what that becomes, and what it takes.

What an operator becomes, and which modes of steps it needs, is read off networks of that operator
alone, drawn at random as the tests do, and compiled.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hwgen.arch.design import Design
from hwgen.arch.steps import Mode, Step
from hwgen.compiler import Program, compile_network
from hwgen.errors import UserError
from hwgen.network import graph
from hwgen.network.onnx.reading import HANDLERS, NEAREST
from hwgen.network.table import Table
from hwgen.network.tflite.operator_codes import RUNS
from hwgen.network.tflite.reading import read
from hwgen.predict.layers import predictions
from hwgen.text import markdown
from tests.stream_writer import STATE_LAYERS, random_state_layer
from tests.tflite_writer import random_layer

__all__ = ["operators"]

WORDS = tomllib.loads(Path(__file__).with_name("operators.toml").read_text("utf-8"))
PRESET, SIDE = "ulx3s-85f", 16
DESIGN = Design.load(PRESET).replace(tables=1, softmax=True, products=True, lstm=32,
                                     activation_memory=262144, program_memory=1 << 20)
MATMUL = DESIGN.replace(lines=0, matmul=True)
"""For BATCH_MATMUL, whose array has no lines of its own."""
SEEDS = 12
"""Random networks of each operator; of some, such as ADD, not all become the same layers."""
NEEDS = {Mode.MATRIX: "array", Mode.DEPTHWISE: "array or `lines`", Mode.DIRECT: "", Mode.SUMS: "",
         Mode.TABLE: "`tables`", Mode.SOFTMAX: "`softmax`", Mode.LOAD: "`matmul`",
         Mode.LSTM: "`lstm`",
         "product": "`products`"}
"""What does steps of a mode, or with a flag; where it is nothing, accumulators and lanes do all."""

HEAD = """\
# Operators

What hwgen runs of a `.tflite` or ONNX file. Networks have a batch of 1 and fixed shapes; the
arithmetic is in [networks.md](networks.md#arithmetic). Everything else is an error that names the
layer, the problem, and the nearest operator that runs. This page is made of the code by
`python -m docs.site.reference docs`.

A network becomes **layers**, and each layer becomes **steps** of the accelerator, whose **mode**
says what multiplies or moves ([accelerator.md](accelerator.md#what-a-step-computes)). The column
"needs" says which part computes it: the array; a part that a field of the [Design](design.md) adds,
such as `tables`; or the host, for what is last. Where it says nothing, the accumulators and lanes
that every accelerator has are enough. The engine `binary` runs fully connected layers alone
([binary.md](binary.md#supported-layers)); the sparse engine and `wide_rows` take over layers of the
array where that takes fewer cycles.

## Operators of .tflite files

Tensors are int8, biases int32. Fused activations: RELU, RELU6 and RELU_N1_TO_1, in CONV_2D,
DEPTHWISE_CONV_2D, FULLY_CONNECTED, ADD, SUB, MUL and pooling. An operator of a newer version may
mean something else, and is refused. "Becomes" has all layers that some random network of the
operator becomes; RESHAPE takes no cycles.
"""
ONNX = """
## Operators of ONNX files

Of networks that are quantised, in either style, or by QONNX ([onnx.md](onnx.md),
[low-bit.md](low-bit.md)). `hwgen quantize` makes float ones so.
"""
OTHERS = """
Operators that do not run, and the nearest that do:
"""
CYCLES = f"""
## Layers and cycles

Each layer alone, on an image of {SIDE} x {SIDE} pixels of {SIDE} channels, on the preset `{PRESET}`
({DESIGN.rows} x {DESIGN.columns} multipliers, {DESIGN.lanes} lanes) with a table, `softmax`,
`lstm`, `products` and more memory; for BATCH_MATMUL with `matmul` and without `lines`: cycles from
the first word of its descriptor to the last byte in memory, as the counters of the hardware count
them. Within a network a layer may take fewer, as
[steps overlap](compiler.md#steps-that-overlap). For a network of yours:
`hwgen cycles NETWORK --design DESIGN`.
"""


def example(name: str, shape: tuple[int, ...] = (1, SIDE, SIDE, SIDE),
            output: tuple[int, ...] = (1, SIDE, SIDE, SIDE), inputs: int = 1, *,
            kind: type[graph.Layer], **how: Any) -> tuple[str, graph.Network]:
    """Return a network of one layer, and what is said of it."""
    names = tuple("xy"[:inputs])
    layer = kind(name="layer", inputs=names, output="z", **how)
    tensors = {each: graph.Tensor(each, shape, 1.0, 0) for each in names}
    tensors["z"] = graph.Tensor("z", output, 1.0, 0)
    return name, graph.Network(name, tensors, (layer,), names, ("z",))


def examples() -> Iterator[tuple[str, graph.Network]]:
    """Yield a network of each layer, on an image of 16 x 16 pixels of 16 channels."""
    half = graph.Requantisation(np.array([1 << 30]), np.array([0]), 0)
    product = {"bias": np.zeros(SIDE, np.int32), "requantisation": half}
    three = graph.Window((3, 3), before=(1, 1), after=(1, 1))
    two = graph.Window((2, 2), (2, 2))
    weights = partial(np.ones, dtype=np.int8)
    small = (1, SIDE // 2, SIDE // 2, SIDE)
    yield example("3 x 3", kind=graph.Convolution, window=three,
                  weights=weights((SIDE, 3, 3, SIDE)), **product)
    yield example("1 x 1", kind=graph.Convolution, window=graph.Window((1, 1)),
                  weights=weights((SIDE, 1, 1, SIDE)), **product)
    yield example("3 x 3", kind=graph.Depthwise, window=three, weights=weights((3, 3, SIDE)),
                  **product)
    yield example("256 to 16", (1, 256), (1, SIDE), kind=graph.FullyConnected,
                  weights=weights((SIDE, 256)), **product)
    yield example("by a constant", kind=graph.Multiply, window=graph.Window((1, 1)),
                  weights=np.ones((1, 1, SIDE), np.int16), **product)
    yield example("two tensors", inputs=2, kind=graph.Add, scalings=((1 << 30, 0),) * 2,
                  requantisation=graph.Requantisation(np.array([1 << 30]), np.array([-19]), 0))
    yield example("two tensors", inputs=2, kind=graph.Maximum)
    yield example("two tensors", inputs=2, kind=graph.Times, requantisation=half)
    yield example("two tensors", inputs=2, kind=graph.SquaredDifference, requantisation=half,
                  scalings=((1 << 30, 0), (1 << 30, -1)))
    yield example("another scale", kind=graph.Requantise, requantisation=half)
    yield example("a function of one byte", kind=graph.Lookup,
                  table=Table("TANH", np.zeros(256, np.int8)))
    yield example("2 x 2", output=small, kind=graph.AveragePool, window=two)
    yield example("2 x 2", output=small, kind=graph.MaxPool, window=two)
    for kind in (graph.Mean, graph.Total):
        yield example("over the image", output=(1, SIDE), kind=kind,
                      requantisation=graph.Requantisation(np.array([1 << 30]), np.array([-7]), 0))
    yield example("one pixel around", output=(1, SIDE + 2, SIDE + 2, SIDE), kind=graph.Pad,
                  before=(1, 1), after=(1, 1), value=0)
    yield example("two images", output=(1, SIDE, SIDE, 2 * SIDE), inputs=2,
                  kind=graph.Concatenate, axis=3)
    yield example("rows of 16", kind=graph.Softmax, within=True)
    yield cells()
    yield example("two tensors", (1, SIDE, SIDE), (1, SIDE, SIDE), 2, kind=graph.Matmul,
                  requantisation=graph.Requantisation(np.array([1 << 30]), np.array([-7]), 0))
    yield example("rows for columns", kind=graph.Move, places=np.arange(
        SIDE ** 3, dtype=np.int32).reshape((SIDE,) * 3).transpose(1, 0, 2).ravel())
    yield example("to a vector", output=(1, SIDE ** 3), kind=graph.Reshape)


def cells() -> tuple[str, graph.Network]:
    """Return a network of 16 cells of an LSTM, over 16 times of 16 inputs."""
    shapes = {"x": (1, SIDE, SIDE), "state": (1, 3 * SIDE), "z": (1, SIDE * (SIDE + 2))}
    layer = graph.Lstm(
        name="layer", inputs=("x", "state"), output="z", power=-12, clip=0,
        weights=np.ones((4, SIDE, SIDE), np.int8), recurrent=np.ones((4, SIDE, SIDE), np.int8),
        bias=np.zeros((4, SIDE), np.int32), scalings=np.full((2, 4, 2), (1 << 30, 0)),
        requantisation=graph.Requantisation(np.array([1 << 30]), np.array([-22]), 0))
    return f"{SIDE} cells, {SIDE} times", graph.Network(
        "lstm", {name: graph.Tensor(name, shape, 1.0, 0) for name, shape in shapes.items()},
        (layer,), ("x", "state"), ("z",))


def compiled(network: graph.Network) -> Program:
    """Return the program of a network."""
    multiplies = any(isinstance(layer, graph.Matmul) for layer in network.layers)
    return compile_network(network, MATMUL if multiplies else DESIGN)


def kinds_of(steps: Iterable[Step]) -> set[Mode | str]:
    """Return which modes and flags steps have that need something."""
    found: set[Mode | str] = {step.mode for step in steps}
    return found | {"product" for step in steps if step.product}


def kinds_within(network: graph.Network) -> set[Mode | str]:
    """Return the same of a network's steps, if other layers read all of its layers."""
    layers = tuple(replace(layer, within=True) if isinstance(layer, graph.Softmax) else layer
                   for layer in network.layers)
    return kinds_of(compiled(replace(network, layers=layers)).steps)


def layers() -> list[str]:
    """Return the table of layers."""
    rows = []
    for what, network in examples():
        program = compiled(network)
        cycles = sum(work.cycles for work in predictions(network, program))
        modes = {step.mode for step in program.steps}
        title = network.layers[0].operator or "table"
        rows.append([f"`{title}`, {what}", ", ".join(mode.name for mode in sorted(modes)) or "-",
                     needs(kinds_of(program.steps)), str(len(program.steps)), f"{cycles:,}"])
    return markdown(["layer", "modes", "needs", "steps", "cycles"], rows)


def needs(modes: set[Mode | str], hosted: bool = False) -> str:
    """Return what steps of some modes, or with a flag, need of a Design."""
    parts = {NEEDS[mode] for mode in modes} - {""}
    if Mode.DEPTHWISE in modes:
        parts.discard(NEEDS[Mode.MATRIX])
    return " or ".join(filter(None, [", ".join(sorted(parts)), "the host" * hosted]))


def becomes(code: str) -> tuple[set[str], set[Mode | str], bool]:
    """Return which layers an operator becomes, the modes of their steps, and whether last ones."""
    layers, modes, hosted = set[str](), set[Mode | str](), False
    make: Callable[..., bytes] = random_state_layer if code in STATE_LAYERS else random_layer
    for seed in range(SEEDS):
        network = read(make(np.random.default_rng(seed), code))
        layers |= {layer.operator or "table" for layer in network.layers}
        hosted |= any(layer.host for layer in network.layers)
        if any(len({*layer.inputs}) < len(layer.inputs) for layer in network.layers
               if isinstance(layer, graph.Elementwise)):  # of one tensor it may be a table
            continue
        try:
            modes |= kinds_within(network)
        except UserError:  # a random one that is too large
            continue
    return layers, modes, hosted


def tflite() -> list[str]:
    """Return the table of operators of .tflite files."""
    rows = []
    for code, kind in RUNS.items():
        found = becomes(code) if code != "DEQUANTIZE" else (set(), set(), False)
        rows.append([code, str(kind.version), WORDS["types"].get(code, "int8"),
                     WORDS["tflite"][code], ", ".join(sorted(found[0])), needs(*found[1:])])
    return markdown(["operator", "up to version", "types", "restrictions", "becomes", "needs"],
                    rows)


def onnx() -> list[str]:
    """Return the table of operators of ONNX files."""
    domains: dict[str, list[str]] = {}
    for domain, name in HANDLERS:
        domains.setdefault(name, []).append(domain or "ONNX")
    return markdown(["operator", "domain", "restrictions"],
                    [[name, ", ".join(domains[name]), WORDS["onnx"][name]]
                     for name in sorted(domains)])


def operators() -> str:
    """Return the page."""
    nearest = markdown(["operator", "nearest"], sorted(NEAREST.items()))
    return "\n".join([HEAD, *tflite(), ONNX, *onnx(), OTHERS, *nearest, CYCLES, *layers(), ""])
