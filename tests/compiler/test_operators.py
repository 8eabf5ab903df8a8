"""Networks of one operator out of .tflite files: what the compiler makes of each computes it."""

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.network.tflite import reading as tflite

from ..compiler_bench import design, inputs_of, least_memory, verify
from ..tflite_writer import CURVES, MORE_LAYERS, PAIRS, random_chain, random_layer
from ..tune import test_survey

pytestmark = pytest.mark.filterwarnings("error")

OPERATORS = ("CONV_2D", "ADD", "MAXIMUM", "MEAN", "CONCATENATION", *MORE_LAYERS)
DESIGNS = (
    design(lines=2), design(rows=16, columns=4, sums=23),
    Design(engine="bitserial", rows=9, columns=4, lines=0, lanes=2, partial_sums=64,
           activation_memory=1 << 18, program_memory=1 << 22),
    Design(rows=8, columns=8, lines=1, lanes=1, compact=True, partial_sums=64,
           activation_memory=1 << 18, program_memory=1 << 22))


def network_of(kind, seed):
    """Return a network of one operator, or of several where the kind is a chain."""
    rng = np.random.default_rng([seed, *kind.encode()])
    return tflite.read(random_chain(rng) if kind == "chain" else random_layer(rng, kind))


def check(kind, seeds):
    """In much memory and in little, on four kinds of accelerators, as the survey predicts it."""
    for seed in seeds:
        of = DESIGNS[seed % 4]
        network = network_of(kind, seed)
        x = inputs_of(network, seed)
        verify(network, of, x)
        verify(network, least_memory(network, of), x)
        test_survey.verify(network, [of], alike=True)


@pytest.mark.parametrize("kind", [*OPERATORS, "chain"])
def test_random(kind):
    check(kind, range(4))


@pytest.mark.parametrize("kind", [*CURVES, "chain"])
def test_curves(kind):
    """In much memory and in little, on four kinds of accelerators with tables."""
    for seed in range(8):
        rng = np.random.default_rng([seed, *kind.encode()])
        network = tflite.read(random_chain(rng, curves=True) if kind == "chain"
                              else random_layer(rng, kind))
        of, x = DESIGNS[seed % 4].replace(tables=1 + seed % 3), inputs_of(network, seed)
        verify(network, of, x)
        verify(network, least_memory(network, of), x)


@pytest.mark.parametrize("kind", PAIRS)
def test_pairs(kind):
    """The same on accelerators whose lanes multiply."""
    for seed in range(8):
        rng = np.random.default_rng([seed, *kind.encode()])
        network, of = tflite.read(random_layer(rng, kind)), DESIGNS[seed % 4].replace(products=True)
        verify(network, of, inputs_of(network, seed))
        verify(network, least_memory(network, of), inputs_of(network, seed))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*OPERATORS, "chain"])
def test_random_much(kind):
    check(kind, range(100, 300))
