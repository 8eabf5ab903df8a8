import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.cost.traffic import Traffic
from hwgen.network.reader import read_network
from hwgen.predict.efficiency import Work
from hwgen.predict.layers import predictions

from ..compiler_bench import Builder, Window, design, random_network
from ..networks import path

PRODUCTS = {"ad_autoencoder": 264_192, "ic_resnet8": 12_501_632, "kws_dscnn": 2_656_768,
            "vww_mobilenet": 7_489_664}


def works(network, of):
    return list(predictions(network, compile_network(network, of)))


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    """The multiplications of MLPerf Tiny's networks are known."""
    found = works(read_network(path(name)), Design.load("ulx3s-85f"))
    whole = sum(found, Work())
    assert whole.products == PRODUCTS[name]
    assert (whole.computed < whole.products) == (name == "vww_mobilenet")


@pytest.mark.parametrize("seed", range(40))
def test_busy_at_most(seed):
    """No multiplier is busy for longer than there is time, however many channels are dead."""
    for work in works(random_network(seed), design(9, 16, 3)):
        assert 0 <= work.multipliers_busy <= 1
        assert work.computed <= work.products
        assert (work.memory_access_efficiency is None) == (work.cycles == 0)


def test_by_hand():
    """A dead channel of the first layer is neither computed nor read by the second one."""
    build = Builder(0, 4, 5, 3, zero_point=0)
    build.convolution(6, Window((3, 3), before=(1, 1), after=(1, 1)), zero_point=0)
    build.layers[0].weights[2] = 0
    build.layers[0].weights[:2] = build.layers[0].weights[3:] = 1
    build.convolution(7, Window((1, 1)))
    build.layers[1].weights[:] = 1
    first, second = works(build.network(), design(5, 4))
    assert (first.products, first.computed) == (20 * 6 * 27, 20 * 5 * 27)
    assert (second.products, second.computed) == (20 * 7 * 6, 20 * 7 * 5)
    assert first.least == 60 + 120 + 6 * 27 + 4 * 6
    assert second.least == 120 + 140 + 42 + 4 * 7
    # Two column tiles read 20 pixels each, of 5 channels; weights in words of 4 bytes.
    assert second.traffic == Traffic(2 * 20 * 5, 20 * 7, 80 + 2 * (5 + 9) * 4)


def test_ratios():
    half = Work(multipliers=10, cycles=100, products=750, computed=500, least=30,
                traffic=Traffic(20, 10, 30))
    assert (half.multipliers_busy, half.performance_efficiency) == (0.5, 0.75)
    assert half.memory_access_efficiency == 0.5
    both = half + Work(multipliers=10)
    assert both == half
    assert np.isclose((half + half).multipliers_busy, 0.5)
    none = Work(multipliers=10)
    assert (none.multipliers_busy, none.performance_efficiency,
            none.memory_access_efficiency) == (0.0, None, None)
