# amaranth: UnusedElaboratable=no
"""Layers with weights of 4 bits, two in each cell, among others, on the Verilog."""

import pytest

from ...cases import quick
from ...compiler.test_int4_weights import mixed
from ...compiler_bench import design, inputs_of
from .both_ways import hold

DESIGNS = {
    "wide": design(4, 7, lanes=4, sums=40), "deep": design(9, 5, lanes=2, lines=3, sums=30),
    "square": design(8, 8, lanes=8, lines=2, sums=100, softmax=True),
    "one lane": design(5, 4, lanes=1, sums=16)}


def check(name, seeds):
    """Hold values and cycles of networks on a Design."""
    networks = map(mixed, seeds)
    hold(DESIGNS[name].replace(int4_weights=True), ((each, inputs_of(each)) for each in networks))


@pytest.mark.parametrize("name", quick(DESIGNS, "wide"))
def test_on_hardware(name):
    check(name, range(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_much_on_hardware(name):
    check(name, range(100, 200))
