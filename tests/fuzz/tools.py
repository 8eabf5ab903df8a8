"""Readers of what others' tools write: reports, logs and cells of nextpnr, topologies."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from hwgen.build.attempt import hopeless
from hwgen.build.placement import picture, places
from hwgen.measure.fullness import excess
from hwgen.measure.place_and_route import figures
from hwgen.tune.topology import read_topology

from .damage_text import text
from .damage_tree import json_file
from .reader import Reader

__all__ = ["READERS"]

LOG = b"""\
Info: Device utilisation:
Info: \t          TRELLIS_IO:       4/    365     1%
Info: \t                DCCA:       1/     56     1%
Info: \t              DP16KD:      10/    208     4%
Info: \t        TRELLIS_COMB:   99999/  83640   119%
Info: Max frequency for clock '$glbnet$clk': 96.20 MHz (PASS at 25.00 MHz)
Info: Total LUT4s:       123/ 83640     0%
Info:     iter=12 wires=100 overused=0 overuse=0 tmgfail=3
"""


def report() -> Mapping[str, bytes]:
    """Return a report of nextpnr."""
    cell = {"cell": "a_LUT4", "loc": [1, 2], "port": "Z"}
    path = [{"type": "clk-to-q", "delay": 0.5, "from": cell, "to": cell},
            {"type": "routing", "delay": 1.25, "from": cell, "to": cell, "net": "n"},
            {"type": "setup", "delay": 0.1, "from": cell, "to": cell}]
    return {"route.json": json.dumps({
        "utilization": {"TRELLIS_FF": {"used": 9, "available": 100},
                        "DP16KD": {"used": 1, "available": 208}},
        "fmax": {"clk": {"achieved": 120.5, "constraint": 25.0}},
        "critical_paths": [{"from": "posedge clk", "to": "posedge clk", "path": path}]}).encode()}


def read_report(path: Path) -> None:
    """Read a report, beside a log that is sound."""
    path.with_suffix(".log").write_bytes(LOG)
    figures("ecp5", path.parent, path.stem)


def read_log(path: Path) -> None:
    """Read a log, beside a report that is sound."""
    excess(path.read_text(errors="replace"))
    hopeless(path, 100.0)
    path.with_suffix(".json").write_bytes(report()["route.json"])
    figures("ecp5", path.parent, path.stem)


@cache
def cells() -> Mapping[str, bytes]:
    """Return cells as nextpnr writes them."""
    lines = ["{", '  "modules": {', '    "top": {', '      "cells": {']
    for index in range(20):
        lines += [f'        "serial.accelerator.array.cell_{index}": {{',
                  '          "hide_name": 0,', '          "attributes": {',
                  f'            "NEXTPNR_BEL": "X{index}/Y{index % 7}/SLICEA.LUT0"',
                  "          }", "        },"]
    return {"cells.json": "\n".join([*lines, "      }", "    }", "  }", "}"]).encode()}


def read_cells(path: Path) -> None:
    """Read cells, and draw them."""
    assert picture(places(path), "title").endswith("</svg>\n")


def topologies() -> Mapping[str, bytes]:
    """Return topologies of both forms."""
    return {"conv.csv": b"Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                        b"Channels, Num Filter, Strides,\nConv1, 12, 12, 3, 3, 3, 8, 2,\n"
                        b"DP2, 6, 6, 3, 3, 8, 1, 1,\n",
            "gemm.csv": b"Layer, M, N, K,\nGEMM0, 16, 8, 32,\nGEMM1, 1, 10, 64,\n"}


READERS = (
    Reader(name="topology", what="topologies of SCALE-Sim (`.csv`)", seeds=topologies, damage=text,
           read=lambda path: read_topology(str(path))),
    Reader(name="report", what="reports of nextpnr", seeds=report, damage=json_file,
           read=read_report),
    Reader(name="log", what="logs of nextpnr", seeds=lambda: {"route.log": LOG}, damage=text,
           read=read_log),
    Reader(name="cells", what="placed cells of nextpnr", seeds=cells, damage=text,
           read=read_cells),
)
