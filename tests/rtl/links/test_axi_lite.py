"""AXI4-Lite: golden words and errors (test_wishbone.py tests the model), and whole tops."""

import pytest

from hwgen.rtl.links.axi_lite import AxiLite
from hwgen.rtl.tops.catalogue import AXI

from ...formal import prove
from ..tops.top_designs import DESIGNS, run_top
from .spec_axi_lite import AxiLiteSpec


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name == "compact" else pytest.mark.slow) for name in DESIGNS])
def test_top(name, tmp_path):
    """Whole accelerators: all of the window, a run with its interrupt, and the streams."""
    runner = pytest.importorskip("sim.runner")
    pytest.importorskip("cocotbext.axi")
    run_top(runner, DESIGNS[name], AXI, "sim.tops.axi_top", tmp_path)


@pytest.mark.formal
def test_contract(tmp_path):
    """Each read and write has one response, in time, and the bus's: always, whatever comes in."""
    prove(AxiLiteSpec(AxiLite(6)), tmp_path, depth=14, always=True)
