# amaranth: UnusedElaboratable=no
"""What is said of a design whose host's side has a clock of its own."""

import json

import pytest

from hwgen.arch.design import Design
from hwgen.build.attempt import hopeless
from hwgen.generate.design import component
from hwgen.measure.place_and_route import GivenUp, figures, own_clock
from hwgen.measure.synthesis import HOST_CLOCK, Harness, board_of, flow_of, source_of

TINY = Design(rows=4, columns=4, activation_memory=512, program_memory=512, partial_sums=8, lanes=1,
              steps=4, family="ecp5", device="LFE5U-25F")
OWN, HOST = "$glbnet$clocks.clock", "$glbnet$clk$TRELLIS_IO_IN"
LOG = "Info:         Total LUT4s:    10/24288     0%\n"


def path_of(name, delay=0.5):
    """Return a path of one step, as nextpnr reports it."""
    cell = {"cell": f"serial.{name}_TRELLIS_FF_Q"}
    return [{"type": "clk-to-q", "delay": delay, "from": cell, "to": cell}]


def figures_of(folder, fmax, critical):
    """Return what is read of a report."""
    (folder / "route.json").write_text(json.dumps({
        "fmax": {net: {"achieved": achieved, "constraint": constraint}
                 for net, (achieved, constraint) in fmax.items()},
        "critical_paths": [{"from": f"posedge {start}", "to": f"posedge {end}",
                            "path": path_of(name)} for start, end, name in critical],
        "utilization": {"TRELLIS_FF": {"used": 7, "available": 24288}}}))
    (folder / "route.log").write_text(LOG)
    return figures("ecp5", folder, "route", within="serial.")


@pytest.mark.parametrize("host", [40.0, 300.0])
def test_own_clock(host, tmp_path):
    """Fmax and its path are the accelerator's, whichever clock is the faster one."""
    found = figures_of(tmp_path, {HOST: (host, 25), OWN: (120.5, 150)}, [
        (HOST, HOST, "host"), (HOST, OWN, "there"), (OWN, HOST, "back"), (OWN, OWN, "fetch")])
    assert (found.fmax_mhz, found.path) == (120.5, ["clk-to-q 0.50 ns fetch"])


def test_host_too_slow(tmp_path):
    with pytest.raises(GivenUp, match="side meets 24.5 MHz, and not the 25 of its clock"):
        figures_of(tmp_path, {HOST: (24.5, 25), OWN: (120.5, 150)}, [])


@pytest.mark.parametrize("nets, own", [
    ([HOST, OWN], OWN), ([OWN, "$glbnet$host_clocks.clock"], OWN), ([HOST], HOST),
    (["$glbnet$host_clk$TRELLIS_IO_IN", HOST], HOST), (["clk$SB_IO_IN_$glb_clk"],) * 2])
def test_nets(nets, own):
    """Behind a PLL, without one, and in a harness."""
    assert own_clock(dict.fromkeys(nets)) == (own if isinstance(own, str) else own[0])


@pytest.mark.parametrize("own, host, gives_up", [(120, 30, False), (80, 200, True)])
def test_hopeless(own, host, gives_up, tmp_path):
    """Only the accelerator's clock says whether a router may stop."""
    (tmp_path / "log").write_text("".join(
        f"Info: Max frequency for clock '{net}': {mhz} MHz (PASS at 25.00 MHz)\n"
        for net, mhz in ((HOST, host), (OWN, own))))
    assert hopeless(tmp_path / "log", 100) == gives_up


def test_harness():
    """What is around an accelerator of two clocks has the host's, whose frequency is told."""
    flow = flow_of(board_of(TINY, "ulx3s-85f"), source_of(TINY))
    assert flow.pins == HOST_CLOCK and flow.options[-2:] == ["--lpf", "top.lpf"]
    assert "--lpf-allow-unconstrained" in flow.options
    assert 'FREQUENCY PORT "host_clk" 50 MHZ' in HOST_CLOCK
    assert Harness(component(TINY)).domain == "host"
    assert Harness(component(TINY.replace(family="generic", device=None))).domain == "sync"
