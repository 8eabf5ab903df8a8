# amaranth: UnusedElaboratable=no
import random

import pytest
from amaranth import signed, unsigned

from hwgen.arch.design import Design
from hwgen.rtl.compact.broadcast import Broadcast
from sim.systolic.tiles import Workload

from ...formal import prove
from ..systolic.spec_systolic import WeightStationarySpec
from ..systolic.test_systolic import play


def broadcast(design):
    """Return the array that a compact accelerator of that Design has."""
    return Broadcast(design.rows, design.columns, signed(8), signed(8), depth=design.rows,
                     lines=design.lines)


@pytest.mark.parametrize("lines", [0, 1])
@pytest.mark.parametrize("rows, columns", [(4, 4), (5, 3), (9, 2)])
def test_matches_model(rows, columns, lines):
    """The sums of the array with waves, each exactly ``latency`` cycles after its transfer."""
    random.seed(rows)
    work = Workload(Design(rows=rows, columns=columns, lines=lines))
    work.dut = broadcast(work.design)
    tiles = [work.matrix_tile(2, "low", "low"), work.matrix_tile(1, "low", "high")]
    tiles += [work.matrix_tile(length) for length in (1, 12)]
    tiles += [work.depthwise_tile(length) for length in (9, 3) if lines] + [work.matrix_tile(1)]
    work.check(play(work, tiles, gap=0.3), tiles)


@pytest.mark.formal
@pytest.mark.parametrize("dut", [
    pytest.param(Broadcast(2, 2, signed(2), signed(2), depth=2), id="2x2", marks=pytest.mark.slow),
    pytest.param(Broadcast(3, 1, signed(2), unsigned(2), depth=3, lines=1), id="3x1-line")])
def test_contract(dut, tmp_path):
    """Ready, valid and every sum are as of the array with waves, whatever comes in."""
    prove(WeightStationarySpec(dut), tmp_path, depth=dut.latency + 2 * dut.rows + 3)
