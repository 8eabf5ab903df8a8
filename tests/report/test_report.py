"""The page that shows Designs and networks in a browser."""

import json
import re

import pytest

from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, total_cycles
from hwgen.network.reader import read_network
from hwgen.report.designs import described_alone
from hwgen.tune import search as searching
from hwgen.tune.space import space

from ..networks import path

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
    """Nothing is loaded: no address but the name of SVG, and no file."""
    text, _ = one
    assert re.findall(r"https?://[^\"' ]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<link|<img|<iframe|src=|@import|url\(|fetch\(|XMLHttp|import\(", text)
    assert "prefers-color-scheme: dark" in text
    assert len(text) < 5 << 20


def test_one_design(one):
    """Cycles by layer, work and tensors are those of the Program."""
    _, data = one
    design = Design.load("ulx3s-85f")
    program = compile_network(read_network(KWS), design)
    [described] = data["designs"]
    assert sum(described["layers"][0]) == total_cycles(program.steps, Array.of(design)) == 22193
    assert data["networks"][0]["layers"] == [layer.name for layer in program.layers]
    [memory] = data["memory"]
    assert {tensor["name"] for tensor in memory["tensors"]} == set(program.tensors)
    for tensor in memory["tensors"]:
        assert -1 <= tensor["begin"] <= tensor["end"] < memory["layers"]
        assert 0 <= tensor["address"] <= memory["bytes"] - tensor["bytes"]


def test_tensors_do_not_meet(one):
    """No two tensors that are alive at once share a byte, but in a sum over its input."""
    _, data = one
    tensors = data["memory"][0]["tensors"]
    for a in tensors:
        for b in tensors:
            if a["name"] < b["name"] and a["begin"] < b["end"] and b["begin"] < a["end"]:
                assert (a["address"] + a["bytes"] <= b["address"]
                        or b["address"] + b["bytes"] <= a["address"]), (a, b)


def test_roof_is_over_all(one):
    """No layer does more than the roof allows."""
    _, data = one
    roof = data["roof"]
    for layer in roof["networks"][0]:
        if layer["cycles"]:
            assert layer["products"] <= layer["cycles"] * roof["multipliers"]
            assert layer["bytes"] <= layer["cycles"] * roof["bytes"]


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


@pytest.mark.parametrize(("preset", "known"), [
    ("ulx3s-85f", True), ("icebreaker", True), ("tang-nano-9k", True),
    ("icebreaker:serial", True), ("ice40-hx8k", True), ("ice40-hx8k:binary", True),
    ("ulx3s-85f:serial", True), ("orangecrab-25f:sparse", False)])
def test_what_a_design_takes(preset, known):
    """It is told of the kinds that were fitted to, and of no other."""
    used = described_alone("a", Design.load(preset), [])["used"]
    assert set(used) == ({"luts", "registers", "dsps", "block_rams"} if known else set())
