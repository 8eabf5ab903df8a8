"""The page that shows Designs and networks in a browser."""

import datetime
import json
import posixpath
import re
import sys

import pytest

from hwgen import __version__
from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, total_cycles
from hwgen.cost.traffic import Traffic
from hwgen.network.reader import read_network
from hwgen.predict.efficiency import Work
from hwgen.report import charts
from hwgen.report.designs import described_alone
from hwgen.report.page import limit_of
from hwgen.tune import search as searching
from hwgen.tune.space import space

from ..networks import path

pytest.importorskip("altair")
pytest.importorskip("vl_convert")
KWS = str(path("kws_dscnn"))


def data_of(file):
    """Return the text of a page, and the data in it."""
    text = file.read_text()
    return text, json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])


@pytest.fixture
def one(tmp_path, capsys):
    """A page of one Design."""
    file = tmp_path / "one.html"
    assert main(["report", KWS, "--output", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == file.stat().st_size
    return data_of(file)


def test_stands_alone(one):
    """Nothing is loaded: the page itself forbids it, and has addresses in Vega's script alone."""
    text, data = one
    assert "content=\"default-src 'none'; script-src 'unsafe-inline'" in text
    own = text.replace(charts.vega(), "")
    assert len(own) < 100_000
    addresses = re.findall(r"https?://[^\"' ]*", own)
    assert len(addresses) == 4 and {*map(posixpath.dirname, addresses)} == {
        "https://vega.github.io/schema/vega-lite"}  # names of a format
    assert not re.search(r"<link|<img|<iframe|src=|@import|url\(|fetch\(|XMLHttp|import\(", own)
    assert "prefers-color-scheme: dark" in text
    assert len(text) < 5 << 20
    assert {*data["charts"]} == {"pareto", "layers", "roof", "memory"}


def test_says_of_when_and_what(one):
    _, data = one
    assert data["about"] == [
        f"Design: {Design.load('ulx3s-85f').name}",
        ("kws_dscnn: 22,193 cycles, 0.20 ms at 110 MHz, which its recorded build for ulx3s-85f "
         "has met"),
        f"hwgen {__version__}, {datetime.date.today()}"]


def test_without_charts(monkeypatch, tmp_path):
    """The tables are there, and a sentence says what brings the charts."""
    monkeypatch.setitem(sys.modules, "altair", None)
    file = tmp_path / "one.html"
    assert main(["report", KWS, "--output", str(file)]) == 0
    text, data = data_of(file)
    assert data["charts"] == {} and len(text) < 100_000
    assert re.search(r"charts need Altair: `pip install .*\[charts\]'?` brings it",
                     data["about"][-1])
    assert len(data["networks"][0]["layers"]) == 12


def test_one_design(one):
    """Cycles by layer, work and tensors are those of the Program."""
    _, data = one
    design = Design.load("ulx3s-85f")
    program = compile_network(read_network(KWS), design)
    [described] = data["designs"]
    assert sum(described["layers"][0]) == total_cycles(program.steps, Array.of(design)) == 22193
    [network] = data["networks"]
    assert [(layer["name"], layer["operator"]) for layer in network["layers"]] == [
        (layer.name, layer.operator) for layer in program.layers]
    assert network["layers"][0]["shape"] == "25 x 5 x 64"
    assert {tensor["name"] for tensor in network["memory"]} == set(program.tensors)
    for tensor in network["memory"]:
        assert -1 <= tensor["begin"] < tensor["end"] <= len(program.layers)
        assert 0 <= tensor["address"] < tensor["top"] <= design.activation_memory
        assert tensor["top"] == tensor["address"] + tensor["bytes"]


def test_what_limits_layers(one):
    """Where multipliers are busy they do, and where there are no products none of them."""
    _, data = one
    limits = {layer["name"]: layer["limit"] for layer in data["networks"][0]["layers"]}
    assert limits["0_conv_2d"] == "multipliers: they are busy"
    assert limits["9_average_pool_2d"] == "it has no products: bytes are moved, added or compared"
    assert limits["10_reshape"] == "it takes no steps"
    assert limits["11_fully_connected"] == "its shape: it fills a part of the array"
    design = Design.load("ulx3s-85f")
    waits = Work(multipliers=144, cycles=100, computed=100, stalls=40)
    reads = Work(multipliers=144, cycles=100, computed=100, traffic=Traffic(read=4000))
    assert limit_of(waits, design) == "external memory: 40 cycles wait for it"
    assert limit_of(reads, design) == "memories: their ports are busy"


def test_tensors_do_not_meet(one):
    """No two tensors that are alive at once share a byte, but in a sum over its input."""
    _, data = one
    tensors = data["networks"][0]["memory"]
    for a in tensors:
        for b in tensors:
            if a["name"] < b["name"] and a["begin"] < b["end"] - 1 \
                    and b["begin"] < a["end"] - 1:
                assert (a["address"] + a["bytes"] <= b["address"]
                        or b["address"] + b["bytes"] <= a["address"]), (a, b)


def test_roof_is_over_all(one):
    """No layer does more than the roof allows, and each is named once."""
    _, data = one
    design, rows = Design.load("ulx3s-85f"), data["networks"][0]["roof"]
    layers, line, labels = ([row for row in rows if kind(row)] for kind in (
        lambda row: "layer" in row, lambda row: len(row) == 2, lambda row: "label" in row))
    multipliers, width = design.rows * design.columns, 16 + 2 * 16
    for layer in layers:
        assert layer["rate"] <= min(multipliers, layer["intensity"] * width)
    assert [row["rate"] for row in line] == [
        min(multipliers, row["intensity"] * width) for row in line]
    assert line[1]["intensity"] == multipliers / width and line[2]["rate"] == multipliers
    names = [name for row in layers for name in row["layer"].split(", ")]
    assert names == [layer["name"] for layer in data["networks"][0]["layers"]
                     if layer["products"]] or len(names) == len({*names}) == 10
    assert sum(len(row["label"].split(", ")) for row in labels) == 10


def test_front(tmp_path, monkeypatch):
    """The page of the tuner has the whole front, and the preset to compare with."""
    monkeypatch.setattr(searching, "space", lambda at, engine, workloads: (
        each for each in space(at, engine, workloads) if each.columns[0] in (4, 16)))
    file = tmp_path / "front.html"
    assert main(["tune", KWS, "--report", str(file)]) == 0
    _, data = data_of(file)
    *front, preset = data["designs"]
    assert preset["name"] == "preset ulx3s-85f" and sum(preset["layers"][0]) == 22193
    totals = [sum(each["layers"][0]) for each in front]
    assert totals == sorted(totals) and len(front) > 2
    assert [each["area"] for each in front] == sorted((each["area"] for each in front),
                                                      reverse=True)
    assert sum(front[data["chosen"]]["layers"][0]) == min(totals)
    assert preset["mhz"] == 110 and all(each["mhz"] > 20 for each in front)


@pytest.mark.parametrize(("preset", "known"), [
    ("ulx3s-85f", True), ("icebreaker", True), ("tang-nano-9k", True),
    ("icebreaker:serial", True), ("ice40-hx8k", True), ("ice40-hx8k:binary", True),
    ("ulx3s-85f:serial", True), ("orangecrab-25f:sparse", False)])
def test_what_a_design_takes(preset, known):
    """It is told of the kinds that were fitted to, and of no other."""
    used = described_alone("a", Design.load(preset), [], None)["used"]
    assert set(used) == ({"luts", "registers", "dsps", "block_rams"} if known else set())
