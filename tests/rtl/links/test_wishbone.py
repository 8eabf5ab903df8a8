"""Wishbone: golden words and errors, whatever a master asks for and however the bus waits."""

import pytest

from hwgen.golden.links.host import BusAccess
from hwgen.golden.links.system_bus import serve
from hwgen.rtl.links.wishbone import Wishbone
from hwgen.rtl.tops.catalogue import WISHBONE

from ...formal import prove
from ..tops.top_designs import DESIGNS, run_top
from .spec_wishbone import WishboneSpec


@pytest.mark.parametrize("access, expected", [
    (BusAccess(False, 0x08, 15), (False, 0x0000_0008, 15)),
    (BusAccess(False, 0x0B, 1), (False, 0x0000_0008, 15)),
    (BusAccess(True, 0x44, 5, 7), (True, 0x0100_0004, 5)),
    (BusAccess(True, 0xBC, 15, 7), (True, 0x0200_003C, 15)),
    (BusAccess(False, 0xC0, 15), (False, 0x0300_0000, 15)),
    (BusAccess(True, 0xBC, 7), None), (BusAccess(True, 0x04, 14), None),
    (BusAccess(True, 0xC4, 0), None),
])
def test_model(access, expected):
    """Spaces of 64 bytes; bytes of their own have only activations."""
    seen = []

    def bus(asked):
        seen.append((asked.write, asked.address, asked.mask))
        return 0x1234

    assert serve(bus, 6, access) == (None if expected is None else 0x1234)
    assert seen == ([] if expected is None else [expected])


def test_model_error():
    assert serve(lambda access: None, 6, BusAccess(False, 0, 15)) is None


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name == "compact" else pytest.mark.slow) for name in DESIGNS])
def test_top(name, tmp_path):
    """Whole accelerators: all of the window, and a run with its interrupt."""
    runner = pytest.importorskip("sim.runner")
    pytest.importorskip("cocotbext.wishbone")
    run_top(runner, DESIGNS[name], WISHBONE, "sim.tops.wishbone_top", tmp_path)


@pytest.mark.formal
def test_contract(tmp_path):
    """Each request has one answer, in time, and the bus's: always, whatever comes in."""
    prove(WishboneSpec(Wishbone(6)), tmp_path, depth=14, always=True)
