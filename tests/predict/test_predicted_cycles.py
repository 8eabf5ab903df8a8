# amaranth: UnusedElaboratable=no
"""Predicted cycles against counted ones: random layers on random Designs of every engine."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.network.graph import Weighted
from hwgen.network.precision import Precision
from hwgen.network.tflite import reading as tflite
from hwgen.predict.layers import predictions
from hwgen.runtime.inference import load, run, simulated_board

from ..compiler_bench import RANDOM, Builder, inputs_of, random_network
from ..rtl.accelerator.test_accelerator_layers import HOSTED
from ..rtl.bitserial import test_bitserial_engine
from ..rtl.compact import test_compact
from ..rtl.sparse import test_sparse_engine
from ..tflite_writer import KINDS, random_layer

ENGINES = ("systolic", "bitserial", "sparse")
DESIGNS, LAYERS = 25, 20
SAMPLE = [
    pytest.param(test_compact.SMALL, marks=pytest.mark.xdist_group("small accelerator")),
    pytest.param(test_bitserial_engine.DESIGN, marks=pytest.mark.slow),
    pytest.param(test_sparse_engine.DESIGN, marks=pytest.mark.slow)]
SINGLE = 7
"""Random networks of one layer come first in each turn of all kinds."""
SEVERAL = (*HOSTED, "FULLY_CONNECTED", "ADD", "MEAN")
"""Kinds of files that may have no step, or a second layer."""


def any_design(number):
    """Return a random Design: engines by turns, every other one of those that can be compact."""
    rng = np.random.default_rng([number, 500])
    engine, compact = ENGINES[number % 3], number % 2 == 1 and number % 3 < 2
    rows, columns = np.exp2(rng.uniform(2, 4.4, 2)).round().astype(int).tolist()
    lines = int(rng.integers(0, 2 if compact or engine == "bitserial" else 4))
    fields = {"lanes": 1 if compact else int(rng.integers(1, columns + 1)), "compact": compact,
              "lines": 0 if compact and engine == "bitserial" else lines,
              "line_pixels": int(rng.choice([5, 9, 64])) if lines > 1 else 0}
    if compact:
        columns = max(2, columns // 2)
    elif engine != "bitserial" and number % 4 == 2:
        fields["packed_rows"] = 1 + number % (rows - lines)
    if engine == "systolic" and number % 4 == 0:
        columns += columns % 2
        fields |= {"wide_rows": (16, 32)[number // 12 % 2],
                   "program_memory": (1 << 20) // (32 * columns) * 32 * columns}
    if number % 5 == 1:
        fields["tables"] = 1 + number % 7
    fields["products"] = number % 5 == 3
    if engine == "sparse":
        fields |= {"sparse_entries": 2048, "sparse_columns": 1024,
                   "sparse_depth": int(rng.choice([1, 2, 8]))}
    return Design(**{"program_memory": 1 << 20} | fields, engine=engine, rows=rows,
                  columns=columns, activation_memory=1 << 16,
                  rounding=("tflm", "single")[number // 2 % 2],
                  partial_sums=int(rng.choice([4, 23, 64, 500])))


def any_layer(seed, design):
    """Return a network of one random layer such as an engine is for, and an input."""
    rng = np.random.default_rng([seed, 7])
    if (design.engine == "sparse" or design.wide_rows) and seed % 2:  # for which those are
        build = Builder(seed, 1, 1, int(rng.integers(1, 200)))
        build.fully_connected(int(rng.integers(1, 100)))
        network = build.network(rounding=design.rounding)
    elif seed % 3:
        network = random_network(len(RANDOM) * seed + seed % SINGLE, design.rounding)
    else:
        kind = str(rng.choice([kind for kind in KINDS if kind not in SEVERAL]))
        network = replace(tflite.read(random_layer(rng, kind)), rounding=design.rounding)
    x = inputs_of(network, seed)
    layer, = network.layers
    if isinstance(layer, Weighted) and design.engine == "sparse":
        return test_sparse_engine.sparse(network, x, rng)
    if isinstance(layer, Weighted) and design.engine == "bitserial":
        return few_bits(network, x, rng)
    return network, x


def few_bits(network, x, rng):
    """Return a network, and an input, whose numbers have no more than some bits."""
    layer, (name,) = network.layers[0], network.inputs
    held, weights = (Precision(int(bits)) for bits in rng.integers(1, 9, 2))
    tensors = network.tensors | {name: replace(network.tensors[name], precision=held,
                                               zero_point=0)}
    layer = replace(layer, weights=np.clip(layer.weights, weights.low, weights.high))
    return (replace(network, tensors=tensors, layers=(layer,)),
            {name: np.clip(x[name], held.low, held.high)})


def check(design, seeds):
    """Hold the cycles of layers, told before, to those that the Verilog counts; and its values."""
    board = simulated_board(design)
    with board.link:
        for seed in seeds:
            network, x = any_layer(seed, design)
            program = compile_network(network, design, x)
            told = sum(work.cycles for work in predictions(network, program, x))
            load(board, program)
            result = run(board, program, network, x, check=True)
            assert result.equal, seed
            assert result.cycles == told > 0, seed


def test_pairs_are_of_all_kinds():
    """Every engine is among them, and what it is for: 500 pairs, no Design twice."""
    designs = [any_design(number) for number in range(DESIGNS)]
    assert DESIGNS * LAYERS == 500 and len({design.name for design in designs}) == DESIGNS
    assert sum(design.wide_rows > 0 for design in designs) == 3
    assert {(design.engine, design.compact) for design in designs} == {
        ("systolic", False), ("systolic", True), ("bitserial", False), ("bitserial", True),
        ("sparse", False)}
    kinds = [{type(any_layer(seed, design)[0].layers[0]).__name__ for seed in range(60)}
             for design in designs[:3]]
    assert all({"Convolution", "Depthwise", "FullyConnected", "Add", "Maximum", "MaxPool", "Mean",
                "Pad"}
               <= each for each in kinds)


@pytest.mark.parametrize("design", SAMPLE)
def test_sample(design):
    check(design, range(1, 9, 2))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(DESIGNS))
def test_all(number):
    """500 random pairs of a layer and a Design."""
    check(any_design(number), range(100 + LAYERS * number, 100 + LAYERS * (number + 1)))
