"""What holds for each command: JSON is alone, nothing is said twice, and it says what it does."""

import json

import numpy as np
import pytest

from hwgen.build import bitstream
from hwgen.cli import main
from hwgen.cli.command_line import COMMANDS
from hwgen.text import PROGRESS
from hwgen.tools.doctor import Finding
from hwgen.tools.find import compiler, verilator

from ..fake_tools import FakeTools
from ..networks import path
from ..tflite_writer import Graph, write_network

INPUT = "--input x.npy"
HELLO = path("hello_world")
simulates = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
SLOW = {"build", "completion", "faults", "program", "prune", "quantize", "run", "sim", "tune",
        "unroll"}
"""What takes seconds, or a simulator."""

RIGHT = {
    "boards": "boards ulx3s-85f",
    "generate": "generate --rows 1 --columns 1 -o made",
    "unroll": f"unroll {HELLO} -o made",
    "run": f"run {HELLO} --input zero.npy --design icebreaker",
    "faults": f"faults {HELLO} --input zero.npy --design icebreaker --kinds weights --flips 2",
    "cycles": "cycles net.tflite",
    "golden": f"golden net.tflite {INPUT}",
    "tune": "tune net.tflite --board icebreaker --report page.html",
    "report": "report net.tflite -o page.html",
    "compile": "compile net.tflite",
    "quantize": "quantize float.onnx --data images.npz",
    "prune": "prune net.tflite --calibration x.npy",
    "sim": "sim csc --rows 2 --seed 1",
    "synth": "synth --design ice40-hx8k:array --rows 1 --columns 1",
    "build": "build net.tflite --board ulx3s-85f",
    "program": "program built",
    "doctor": "doctor",
    "completion": "completion bash",
    "help": "help design",
}
"""A command that does something small, of each."""

WRONG = {
    "boards": "boards nothing", "generate": "generate --rows 0", "unroll": "unroll nothing.tflite",
    "run": f"run net.tflite {INPUT} --board icebreaker", "faults": f"faults no.onnx {INPUT}",
    "cycles": "cycles nothing.tflite", "golden": "golden net.tflite --input nothing.npy",
    "tune": "tune net.tflite --within -1", "report": "report net.tflite --design nothing",
    "compile": "compile net.tflite -o nowhere/x.program", "sim": "sim nothing",
    "quantize": "quantize net.tflite --data x.npy", "program": "program nothing",
    "prune": "prune net.tflite --calibration x.npy --density 2", "synth": "synth --clock 0",
    "build": "build --board nothing", "doctor": "doctor --all", "completion": "completion tcsh",
    "help": "help everything",
}
"""A mistake, of each."""

AT_ONCE = {"boards", "help"}
"""What is done before anybody could be told."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Let every test begin in a folder with a small network and inputs for it."""
    monkeypatch.chdir(tmp_path)
    graph = Graph(np.random.default_rng(1))
    x = graph.activation(1, 4, 4, 2)
    (tmp_path / "net.tflite").write_bytes(
        write_network(graph.tensors, graph.operators, [x], [graph.convolution(x)]))
    np.save("x.npy", np.random.default_rng(2).integers(-128, 128, (4, 1, 4, 4, 2), np.int8))
    np.save("zero.npy", np.zeros((1, 1), np.int8))
    monkeypatch.setattr("hwgen.tools.doctor.examine", lambda: iter(
        [Finding("yosys", "ok", "0.70", True, "synthesis", "", 0.1)]))


@pytest.fixture
def said(monkeypatch):
    """Return all that a command says it does."""
    texts = []

    class Recorded(type(PROGRESS)):
        text = property(lambda self: texts[-1], lambda self, text: texts.append(text))

    monkeypatch.setattr(PROGRESS, "__class__", Recorded)
    return texts


def prepare(command, tmp_path, monkeypatch):
    """Make what only some commands need."""
    if command in ("build", "program"):
        pytest.importorskip("amaranth_boards")
        monkeypatch.setattr(bitstream, "source", lambda *_: "verilog")
        tools = FakeTools(tmp_path / "tools", monkeypatch)
        if command == "program":
            assert main(["build", "--board", "ulx3s-85f", "-o", "built", "--quiet"]) == 0
            loader = tools.folder / "openFPGALoader"
            loader.write_text("#!/bin/sh\necho loaded\n")
            loader.chmod(0o755)
    if command == "quantize":
        pytest.importorskip("onnx")
        test_quantize = pytest.importorskip("tests.compress.test_quantize")
        (tmp_path / "float.onnx").write_bytes(test_quantize.float_model())
        np.savez(tmp_path / "images.npz", input=test_quantize.images())


def marked(commands):
    """Return parameters of a test, of which those that take long are marked so."""
    marks = {"synth": [pytest.mark.synth], **dict.fromkeys(SLOW, [pytest.mark.slow, simulates])}
    return [pytest.param(each, marks=marks.get(each, [])) for each in commands]


def test_every_command_is_here():
    assert {*RIGHT} == {*WRONG} == {*COMMANDS}


@pytest.mark.parametrize("command", marked(COMMANDS))
def test_says_what_it_does_once(command, said, capfd, tmp_path, monkeypatch):
    prepare(command, tmp_path, monkeypatch)
    capfd.readouterr(), said.clear()
    assert main(RIGHT[command].split()) == 0
    out, err = capfd.readouterr()
    sentences = [line for line in f"{out}{err}".splitlines() if line.count(" ") > 5]
    assert out and (command == "completion" or len({*sentences}) == len(sentences))
    assert command in AT_ONCE or any(said)
    assert all(line.startswith("hwgen: ") for line in err.splitlines())


@pytest.mark.parametrize("command", marked(COMMANDS))
def test_json_is_alone(command, capfd, tmp_path, monkeypatch):
    prepare(command, tmp_path, monkeypatch)
    capfd.readouterr()
    assert main([*RIGHT[command].split(), "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)
    assert all(line.startswith("hwgen: ") for line in err.splitlines())


@pytest.mark.parametrize("words", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS)
def test_mistakes_are_one_sentence(command, words, capfd):
    assert main([*WRONG[command].split(), *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("hwgen: ") and err.count("\n") == 1
