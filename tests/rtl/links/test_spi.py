"""SPI: bytes through four wires, and an accelerator behind them."""

import random

import pytest

from hwgen.generate.design import verilog
from hwgen.golden.links.spi import exchange
from hwgen.rtl.links.spi import LEAST_RATIO
from hwgen.rtl.tops.catalogue import SPI
from hwgen.runtime.accelerator import AcceleratorError, RemoteAccelerator, Space
from hwgen.runtime.client import NoMemory
from hwgen.tools.find import compiler, verilator
from sim.boards.spi import SpiLink

from ..tops.top_designs import DESIGNS


def bits_of(data):
    """Return bits as they are clocked."""
    return [byte >> place & 1 for byte in data for place in range(7, -1, -1)]


def test_model():
    """A reply goes with each byte, then zeros; what is cut off is sent again."""
    come, going, left = exchange([bits_of(b"ab"), bits_of(b"c")[:5], bits_of(b"de")], b"XYZ")
    assert bytes(come) == b"abde" and not left
    assert going == bits_of(b"XY") + bits_of(b"Z")[:5] + bits_of(b"Z\0")
    assert exchange([], b"X") == ([], [], list(b"X"))
    data = random.Random(1).randbytes(50)
    assert exchange([bits_of(data)], data) == (list(data), bits_of(data), [])


@pytest.mark.slow
@pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
@pytest.mark.parametrize("name, ratio", [
    ("compact", LEAST_RATIO), ("compact", 27), ("fast", LEAST_RATIO)])
def test_accelerator(name, ratio):
    """The host's runtime as it is, through four wires, without a reply that had to be repeated."""
    design = DESIGNS[name]
    data = random.Random(ratio).randbytes(99)
    with SpiLink(verilog(design, SPI), top=SPI.module, ratio=ratio) as link:
        accelerator = RemoteAccelerator(link)
        assert accelerator.identify(design.fingerprint) == design.fingerprint
        retries = accelerator.client.retries
        accelerator.write_activations(3, data)
        assert accelerator.read_activations(3, len(data)) == data
        accelerator.write_activations(3, bytes(len(data)))
        assert accelerator.read_activations(0, 120) == bytes(120)
        with pytest.raises(NoMemory):
            accelerator.read_memory(Space.REGISTERS, 32, 4)
        with pytest.raises(AcceleratorError) as stopped:
            accelerator.run(2, 1, budget=10_000)
        assert (stopped.value.code, stopped.value.step) == (1, 2)
        assert accelerator.client.retries == retries
