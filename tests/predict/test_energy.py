"""The model of energy: published prices, and events that are counted."""

import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.cost.traffic import Traffic
from hwgen.network.reader import read_network
from hwgen.predict.efficiency import Work
from hwgen.predict.energy import Energy, energy, memory_price
from hwgen.predict.layers import predictions

from ..networks import path

DESIGN = Design.load("ulx3s-85f").replace(activation_memory=32 << 10, program_memory=1 << 20)


@pytest.mark.parametrize(("size", "picojoules"), [(8 << 10, 10), (32 << 10, 20), (1 << 20, 100)])
def test_published_prices(size, picojoules):
    """A word of 64 bits costs what the paper says, for the sizes that it has."""
    assert memory_price(size) * 8 == pytest.approx(picojoules)


def test_price_grows():
    """A larger memory never costs less."""
    prices = [memory_price(1 << bits) for bits in range(9, 25)]
    assert prices == sorted(prices)


def test_by_hand():
    """Ten products, 16 bytes of activations and 8 of the program."""
    work = Work(multipliers=4, cycles=9, products=12, computed=10, traffic=Traffic(12, 4, 8))
    found = energy(work, DESIGN)
    assert found == Energy(pytest.approx(3), pytest.approx(40), pytest.approx(100))
    assert found.total == pytest.approx(143)


def test_layers_add_up():
    """The energy of a network is that of its layers."""
    network = read_network(path("kws_dscnn"))
    design = Design.load("ulx3s-85f")
    works = list(predictions(network, compile_network(network, design)))
    whole = energy(sum(works, Work()), design)
    layers = sum((energy(work, design) for work in works), Energy())
    assert layers.total == pytest.approx(whole.total)
    assert whole.program > 0 and whole.activations > 0 and whole.products > 0
