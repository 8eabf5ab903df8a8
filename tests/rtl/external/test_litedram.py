"""The checker of another project, LiteDRAM, on the commands that our controller gives.

It is no dependency: ``pip install litedram==2024.12`` beside the others lets these tests run. Its
rule for the interval of refreshes is left out: it takes refreshes that come early for late ones
(``ref_ps_diff > 0``), and our model of a chip has that rule.
"""

import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hwgen.tools.verilator import PROGRAM, build

from .test_sdram import any_operations

pages = pytest.importorskip("sim.external.pages")
model = pytest.importorskip("litedram.phy.model")
modules = pytest.importorskip("litedram.modules")
dfi = pytest.importorskip("litedram.phy.dfi")
migen = pytest.importorskip("migen")
verilog = pytest.importorskip("migen.fhdl.verilog")

pytestmark = pytest.mark.slow
LEFT_OUT = ("synthesis translate", "dummy", "64ms period")
"""In lines of its Verilog: what hides the messages, and the rule that is wrong."""


def checker(chip, clock_mhz, monkeypatch):
    """Return the checker of a chip as LiteDRAM knows it, as Verilog; a WRITE has eight words."""
    monkeypatch.setitem(model.burst_lengths, "SDR", 8)
    facts = getattr(modules, chip)(clock_mhz * 1e6, "1:1")
    timings = {name: facts.get(name)
               for name in (*modules._speedgrade_timings, *modules._technology_timings)}
    bus = dfi.Interface(13, 2, 1, 16, 1)
    top = migen.Module()
    top.submodules.checker = model.DFITimingsChecker(
        bus, nbanks=4, nphases=1, timings={"tCK": 1000 / clock_mhz, **timings}, refresh_mode=None,
        memtype="SDR")
    ports = {getattr(bus.p0, name)
             for name in ("address", "bank", "ras_n", "cas_n", "we_n", "cs_n")}
    lines = str(verilog.convert(top, ports, name="timings")).splitlines()
    return "\n".join(line for line in lines if not any(part in line for part in LEFT_OUT))


def messages(chip, clock_mhz, count, folder, monkeypatch, **wrong):
    """Return what it says of pages that are written and read back; last, how many commands."""
    operations = any_operations(random.Random(f"{chip} {clock_mhz}"), chip, count, restarts=20)
    played = pages.play(chip, clock_mhz, operations, trace=True, wrong=wrong)
    np.array(played.commands, "<u4").tofile(folder / "trace")
    built, _ = build(checker(chip, clock_mhz, monkeypatch),
                     Path(__file__).with_name("litedram.cpp").read_text(), top="timings")
    return subprocess.run([built / PROGRAM, folder / "trace"], capture_output=True, text=True,
                          check=True).stdout.splitlines()


@pytest.mark.parametrize("clock_mhz", [100, 110, 133])
@pytest.mark.parametrize("chip", ["IS42S16160", "MT48LC16M16", "AS4C32M16"])
def test_10_000_pages(chip, clock_mhz, tmp_path, monkeypatch):
    *wrong, commands = messages(chip, clock_mhz, 10_000, tmp_path, monkeypatch)
    assert wrong == [] and int(commands.split()[0]) > 1_300_000


@pytest.mark.parametrize("wrong, rule", [
    ({"recovery": 2}, "WR->PRE"), ({"activate": 2}, "ACT->"), ({"precharge": 2}, "PRE->")])
def test_finds_times_too_small(wrong, rule, tmp_path, monkeypatch):
    found = messages("IS42S16160", 110, 30, tmp_path, monkeypatch, **wrong)
    assert any(rule in line for line in found)
