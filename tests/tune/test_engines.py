"""The tuner over engines: which are searched, one front of all, and that what it finds runs."""

import dataclasses
import json
import math
import tomllib

import numpy as np
import pytest

from hwgen.arch.boards import board
from hwgen.arch.design import Design
from hwgen.area.area import design_resources
from hwgen.area.clock import median_clock
from hwgen.cli import main
from hwgen.tune import search as searching
from hwgen.tune.candidates import Limits, pareto, share_of_chip
from hwgen.tune.choice import Goal, choose
from hwgen.tune.compiling import fitting_designs, needs_of, with_memories
from hwgen.tune.engines import engines_for
from hwgen.tune.place_best import clocks_of
from hwgen.tune.placing import PlacedDesign
from hwgen.tune.search import search
from hwgen.tune.space import space
from hwgen.tune.workload import read_workload

from ..networks import FOLDER, path

HX8K, UP5K, ULX3S = board("ice40-hx8k"), board("icebreaker"), board("ulx3s-85f")
"""Boards without and with multipliers, and a large one."""
LARGE = ["systolic", "bitserial"]
WHOLE = Limits.of(ULX3S, 1, [math.inf])


def onnx(name):
    """Return the path of a network of few bits."""
    return str(FOLDER / f"{name}.onnx")


@pytest.fixture
def topology(tmp_path):
    """A layer of int8."""
    file = tmp_path / "a.csv"
    file.write_text("L, a, b, c, d, e, f, g\none, 14, 14, 3, 3, 4, 6, 1,\n")
    return str(file)


@pytest.fixture
def eight_columns(monkeypatch):
    """A space of one number of columns."""
    monkeypatch.setattr(searching, "space", lambda at, engine, workloads: (
        each for each in space(at, engine, workloads) if each.columns[0] == 8))


def tuned(capsys, *arguments):
    """Return the facts that the command tells."""
    assert main(["tune", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("at", "name", "engines"), [
    (HX8K, "tfc_1w1a", ["systolic", "bitserial", "binary"]),
    (HX8K, "tfc_2w2a", ["systolic", "bitserial"]), (ULX3S, "tfc_1w1a", ["systolic", "bitserial"])])
def test_which(at, name, engines):
    """An engine that cannot run a network, or of which too little is known, is told with why."""
    workloads = [read_workload(onnx(name))]
    found, out = engines_for(at, workloads, "latency", None)
    assert found == engines
    assert [sentence.split(":")[0] for sentence in out] == \
        [name for name in ("systolic", "bitserial", "binary") if name not in engines] + ["sparse"]
    assert engines_for(at, workloads, "energy", None)[0] == ["systolic"]
    assert engines_for(at, workloads, "latency", ["bitserial"]) == (["bitserial"], [])


def test_why_not_binary():
    """The layer is named, and what of it is in the way."""
    _, out = engines_for(HX8K, [read_workload(onnx("tfc_2w2a"))], "latency", None)
    assert out[0].startswith("binary: not searched, as layer '")
    assert "must be of -1 and 1 for the engine 'binary', not signed of 2 bits" in out[0]


def test_one_front(eight_columns, capsys):
    """Engines compete: a network of 2 bits is quicker bit-serial, and what is told is true."""
    facts = tuned(capsys, onnx("tfc_2w2a"))
    alone = {engine: tuned(capsys, onnx("tfc_2w2a"), "--engine", engine)
             for engine in ("systolic", "bitserial")}
    assert facts["engine"] == facts["design"]["engine"] == "bitserial"
    assert facts["cycles"] == min(each["cycles"] for each in alone.values())
    assert alone["systolic"]["cycles"] > 2 * facts["cycles"][0:1]
    assert facts["searched"] == sum(each["searched"] for each in alone.values())
    assert {row["engine"] for row in alone["systolic"]["front"]} == {"systolic"}
    both = sum((each["front"] for each in alone.values()), [])
    order = pareto(np.array([row["cycles"][0] for row in both], float),
                   np.array([row["area"] for row in both]))
    assert facts["front"] == [both[index] for index in order]
    assert facts["energy_model_uj"] == [] and facts["reasons"][-1].startswith("sparse:")


def test_engine_is_in_the_table(eight_columns, topology, capsys):
    """It is a column where it is not systolic alone."""
    assert main(["tune", onnx("tfc_2w2a")]) == 0
    assert "engine" in capsys.readouterr().out.splitlines()[0]
    assert main(["tune", topology, "--engine", "systolic"]) == 0
    assert "engine" not in capsys.readouterr().out.splitlines()[0]


def test_fields_of_all_engines(eight_columns, topology):
    """Every candidate is a Design that takes what is told."""
    found = search(ULX3S, [read_workload(topology)], WHOLE, LARGE)
    assert found.engines == ["bitserial", "systolic"]
    for index in np.random.default_rng(0).integers(0, len(found), 20):
        design = found.designs.design(int(index))
        assert design.engine == found.designs.engine[index]
        assert found.label(int(index)) == f"{design.rows}x{design.columns}" + (
            " bitserial" if design.engine == "bitserial" else "")


@pytest.mark.parametrize("at", [HX8K, UP5K], ids=lambda at: at.name)
def test_bounds(at, tmp_path):
    """What a bit-serial one takes at least is not more than what it does take."""
    (tmp_path / "a.csv").write_text("L, a, b, c, d, e, f, g\none, 6, 6, 1, 1, 8, 6, 1,\n")
    workload, limits = read_workload(str(tmp_path / "a.csv")), Limits.of(at, 0.96, [np.inf])
    searched = fitting_designs(space(at, "bitserial", [workload]), at, limits)
    made = [with_memories(searched.design(index), [workload], limits)
            for index in range(len(searched))]
    assert len(made) > 3
    assert all(need.cycles[0] <= cycles[0] and need.program <= design.program_memory
               for need, (design, cycles) in zip(needs_of(searched, [workload]), made, strict=True))
    found = search(at, [workload], limits, ["bitserial"])
    assert found.without == () and found.searched == len(searched) >= len(found)

    def front(cycles, designs):
        luts = [design_resources(each)["luts"] for each in designs]
        return [(cycles[index], luts[index])
                for index in pareto(np.array(cycles, float), np.array(luts))]

    assert front([cycles[0] for _, cycles in made], [design for design, _ in made]) == \
        front(found.cycles[0].tolist(), [found.designs.design(index)
                                         for index in range(len(found))])


def test_area_without_dsp_blocks():
    """Where there are none, they are no part of it."""
    half = {"luts": HX8K.luts / 2, "dsps": 0, "block_rams": HX8K.block_rams}
    assert share_of_chip(half, HX8K) == 0.75


def test_program_too_large(capsys):
    """What no memory holds is told without trying."""
    assert main(["tune", str(path("kws_dscnn")), "--board", "ice40-hx8k"]) == 2
    error = capsys.readouterr().err
    assert "systolic: no compact Design will do" in error and error.count("\n") == 1
    assert "bytes, and all memories of the chip have 16,384" in error


def test_chosen_by_time(eight_columns):
    """With clocks, who takes more cycles at a better one is before who takes fewer."""
    workload = read_workload(onnx("tfc_2w2a"))
    found, goal = search(ULX3S, [workload], WHOLE, LARGE), Goal("latency", False, (1.0,))
    limits = Limits.of(ULX3S, 0.5, [math.inf])
    clocks = np.where(found.designs.engine == "systolic", 200.0, 20.0)
    by_cycles, by_time = (choose(found, ULX3S, limits, goal, None, each)
                          for each in (None, clocks))
    assert by_cycles.front.designs.engine[0] == "bitserial"
    assert by_time.front.designs.engine[0] == "systolic"
    assert by_time.front.cycles[0, 0] > by_cycles.front.cycles[0, 0]
    one = choose(found, ULX3S, limits, goal, None, np.full(len(found), 60.0))
    assert one.front.cycles.tolist() == by_cycles.front.cycles.tolist()


def test_median_clocks(eight_columns, topology):
    """They are those of the kind of each Design, and unknown of what was never placed."""
    found = search(ULX3S, [read_workload(topology)], WHOLE, LARGE)
    clocks = clocks_of(found, ULX3S)
    known = median_clock(Design.load("ulx3s-85f"), ULX3S.speed_grade)
    assert known and [clock == known for clock in clocks] == \
        (found.designs.engine == "systolic").tolist()


def test_placed_by_expected_time(monkeypatch, capsys):
    """What is placed is told beside the clock that was expected, and what else may be quicker."""
    monkeypatch.setattr("hwgen.tune.place_best.place_designs", lambda designs, *_: [
        PlacedDesign(20.0, {1: 20.0}, 5000, 2400, 4, 27) for _ in designs])
    command = ["tune", onnx("tfc_2w2a"), "--board", "icebreaker", "--engine", "bitserial",
               "--place", "1"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert str(median_clock(Design.load("icebreaker:serial"), "")) in text
    assert "of 1 Designs that were placed and routed it is the best: 20 MHz, 0.977 ms" in text
    assert " more of the front may be quicker, as far apart as clocks are" in text
    assert "by cycles" not in text
    monkeypatch.setattr("hwgen.area.clock.CLOCKS", {})
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "not known" in text
    assert "chosen by cycles, as no bitserial Design of its kind has been placed" in text


def runs(tmp_path, capsys, at, name, *options):
    """Tune, and run what comes out: all equal, in the cycles that were told; return the Design."""
    network = onnx(name) if name.startswith("tfc") else str(path(name))
    inputs = {"tfc": "tfc_mnist", "kws": name}[name[:3]]
    file, one = tmp_path / "design.toml", tmp_path / "one.npz"
    with np.load(FOLDER / f"{inputs}.npz") as arrays:
        np.savez(one, input=arrays["input"][:1])
    facts = tuned(capsys, network, "--board", at, "-o", str(file), *options)
    assert main(["run", network, "--design", str(file), "--board", "sim", "--input",
                 f"{one}:input", "--check", "--json"]) == 0
    ran = json.loads(capsys.readouterr().out)
    assert all(layer["difference"] is None and layer["cycles"] == layer["predicted_cycles"]
               for layer in ran["layers"])
    assert sum(layer["cycles"] for layer in ran["layers"]) == facts["cycles"][0]
    return Design.from_dict(tomllib.loads(file.read_text()))


@pytest.mark.slow
def test_runs(tmp_path, capsys):
    """A network of -1 and 1 is for the binary engine, and runs there: the preset's Design."""
    found = runs(tmp_path, capsys, "ice40-hx8k", "tfc_1w1a", "--engine", "binary")
    assert dataclasses.asdict(found) == dataclasses.asdict(Design.load("ice40-hx8k:binary"))


@pytest.mark.slow
@pytest.mark.parametrize(("at", "name", "engine", "options"), [
    ("ice40-hx8k", "tfc_1w1a", "binary", []),
    ("ice40-hx8k", "tfc_1w1a", "bitserial", ["--engine", "bitserial"]),
    ("icebreaker", "tfc_1w1a", "binary", []),
    ("icebreaker", "tfc_2w2a", "bitserial", []),
    ("tang-nano-9k", "tfc_2w2a", "bitserial", []),
    ("icebreaker", "kws_dscnn", "systolic", []),
    ("icebreaker", "kws_dscnn", "bitserial", ["--engine", "bitserial"]),
])
def test_all_run(tmp_path, capsys, at, name, engine, options):
    """What is found for each board and network runs on the Verilog, and is of the best engine."""
    assert runs(tmp_path, capsys, at, name, *options).engine == engine


def test_does_not_fit(capsys):
    """A network of 2 bits has no room on an HX8K, whatever the engine."""
    assert main(["tune", onnx("tfc_2w2a"), "--board", "ice40-hx8k"]) == 2
    error = capsys.readouterr().err
    assert "systolic: no compact Design" in error and "bitserial: no compact Design" in error
