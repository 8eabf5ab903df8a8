"""Names in files that would rewrite a terminal, a page or a source: nothing obeys them."""

import json
import re
import shutil
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.build import bitstream
from hwgen.cli import main
from hwgen.compiler.compile import compile_network
from hwgen.integration.c_program import c_program
from hwgen.network.reader import read_network
from hwgen.text import markdown, table
from hwgen.tools.find import compiler, verilator

from ..fake_tools import FakeTools
from ..tflite_writer import Graph, write_network

LIE = "every name lies"
HOSTILE = (f"\x1b[2J\x1b]0;x\x07\r\n{LIE}\n\v\f\x08\x7f\x85\x9b2J\u2028{LIE}\u2029\u202e\u2066"
           f"\ufeff\U000e0041*/ </script><b>&\\\"'|`$(:>{LIE}")
FILE = HOSTILE.replace("/", "")[:60]


def hostile_network():
    """Return a network every name of which is hostile."""
    graph = Graph(np.random.default_rng(1))
    x = graph.activation(1, 4, 4, 2)
    y = graph.convolution(graph.convolution(x))
    for index, tensor in enumerate(graph.tensors):
        tensor.name = f"{HOSTILE}{index}"
    return write_network(graph.tensors, graph.operators, [x], [y])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test begin in a folder with files of hostile names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{FILE}.tflite").write_bytes(hostile_network())
    images = np.random.default_rng(2).integers(-128, 128, (4, 1, 4, 4, 2), np.int8)
    np.savez(tmp_path / f"{FILE}.npz", input=images, label=np.zeros(4, int),
             labels=np.array([HOSTILE] * 2000))


def assert_tame(text):
    """Check that a text has nothing that a terminal obeys, and no line of a name's."""
    wrong = {character for character in text if character not in "\n\t"
             and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    assert not wrong
    assert not re.search(f"^ *{LIE}", text, re.M)


NET, DATA = f"{FILE}.tflite", f"{FILE}.npz"
TEXTS = {".h", ".html", ".svg", ".toml", ".json", ".md", ".v", ".pcf", ".lpf", ".log"}
COMMANDS = {
    "golden": ["golden", NET, "--input", f"{DATA}:input"],
    "cycles": ["cycles", NET],
    "sparse": ["cycles", NET, "--design", "orangecrab-25f:sparse"],
    "compile": ["compile", NET],
    "c": ["compile", NET, "-o", f"{FILE}.h"],
    "report": ["report", NET, "-o", f"{FILE}.html"],
    "tune": ["tune", NET, "--board", "icebreaker", "-o", "x.toml", "--report", "x.html"],
    "prune": ["prune", NET, "--calibration", f"{DATA}:input", "--plot", "x.svg"],
    "generate": ["generate", "--rows", "1", "--columns", "1", "-o", f"{FILE}.d"],
}


def written_texts(folder):
    """Return the texts that a command wrote."""
    return [path.read_text(encoding="utf-8") for path in folder.rglob("*")
            if path.is_file() and path.suffix in TEXTS]


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_commands(words, as_json, capfd, tmp_path):
    """No command lets a control character through: not to the terminal, and not into a file."""
    assert main([*words, *as_json]) == 0
    out, err = capfd.readouterr()
    for text in (out, err, *written_texts(tmp_path)):
        assert_tame(text)
    assert not as_json or isinstance(json.loads(out), dict)


@pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
def test_run(capfd):
    words = ["run", NET, "--input", f"{DATA}:input", "--labels", DATA, "--check"]
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert_tame(out)
    assert_tame(err)
    assert "every layer equals the golden model" in out and "\\u001b[2J" in out
    assert main([*words, "--json"]) == 0
    name, = json.loads(capfd.readouterr().out)["outputs"]
    assert name.startswith(HOSTILE)  # JSON has it as the file does


def test_onnx(capfd, tmp_path):
    """Nodes and edges have names of their own there; ONNX Runtime is quiet about them, too."""
    onnx = pytest.importorskip("onnx")
    test_quantize = pytest.importorskip("tests.compress.test_quantize")
    model = onnx.ModelProto.FromString(test_quantize.float_model())
    graph = model.graph
    for node in graph.node:
        node.name = HOSTILE + node.name
        node.input[:] = [HOSTILE + name for name in node.input]
        node.output[:] = [HOSTILE + name for name in node.output]
    for each in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        each.name = HOSTILE + each.name
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    np.savez(tmp_path / "images.npz", input=test_quantize.images())
    assert main(["quantize", "net.onnx", "--data", "images.npz", "-o", f"{FILE}.onnx"]) == 0
    for words in (["cycles"], ["cycles", "--json"], ["cycles", "--design", "orangecrab-25f:sparse"],
                  ["golden", "--input", "images.npz:input"],
                  ["prune", "--calibration", "images.npz", "-o", "pruned.onnx"],
                  ["report", "-o", "page.html"]):
        assert main([words[0], f"{FILE}.onnx", *words[1:]]) == 0
    out, err = capfd.readouterr()
    for text in (out, err, *written_texts(tmp_path)):
        assert_tame(text)
    assert "\\u001b[2J" in out


def test_build(capfd, tmp_path, monkeypatch):
    """Neither what is printed nor the record; a name is no part of a command."""
    pytest.importorskip("amaranth_boards")
    monkeypatch.setattr(bitstream, "source", lambda *_: "verilog")
    tools = FakeTools(tmp_path / "tools", monkeypatch)
    assert main(["build", NET, "--board", "ulx3s-85f", "-o", "out"]) == 0
    shutil.rmtree(tools.folder)
    out, err = capfd.readouterr()
    for text in (out, err, *written_texts(tmp_path)):
        assert_tame(text)
    assert json.loads((tmp_path / "out" / "build.json").read_text())["network"]["name"] == FILE
    loader = tools.folder / "openFPGALoader"
    loader.parent.mkdir()
    loader.write_text("#!/bin/sh\n"
                      "printf 'loads\\r\\033[32m10%%\\r100%%\\033[0m\\033]0;x\\007\\n'\n")
    loader.chmod(0o755)
    assert main(["program", "out"]) == 0
    out, _ = capfd.readouterr()
    assert_tame(out)
    assert out.splitlines()[-2:] == ["10%", "100%\\u001b]0;x\\u0007"]


@pytest.mark.parametrize("words", [
    ["generate", "--rows", "1", "--name", FILE], ["cycles", f"{FILE}.none"],
    ["cycles", f"missing{FILE}.tflite"],
    ["golden", NET, "--input", f"{DATA}:{HOSTILE}"], ["golden", NET, "--input", HOSTILE],
    ["boards", HOSTILE], [HOSTILE], ["generate", f"--{HOSTILE}"], ["generate", "--rows", HOSTILE],
    ["generate", "--family", HOSTILE], ["cycles", NET, "--design", HOSTILE],
    ["program", HOSTILE.replace("/", "")], ["sim", HOSTILE], ["golden", "\udcff\udc9b.tflite",
                                                              "--input", "\udcff"],
], ids=range(14))
def test_errors(words, capfd):
    """One sentence, in one line, whatever it quotes."""
    assert main(words) == 2
    out, err = capfd.readouterr()
    assert_tame(err)
    assert out == "" and err.count("\n") == 1 and err.startswith("hwgen: ")


def test_tables():
    assert_tame(table(["name"], [[HOSTILE]]))
    assert table(["name"], [["Größe 日本"]]).splitlines()[-1] == "Größe 日本"
    lines = markdown(["name"], [[HOSTILE]])
    assert_tame("\n".join(lines))
    assert len(re.findall(r"(?<!\\)\|", lines[-1])) == 2


def test_c_comment():
    """The name in a C header's comment does not end it."""
    program = compile_network(read_network(NET), Design.load("ulx3s-85f"))
    program = replace(program, name=HOSTILE)
    text = c_program(program, "net")
    assert text.partition("*/")[0].count("\n") == 0
    assert text.partition("*/")[2].startswith("\n#ifndef HWGEN_PROGRAM_NET_H\n")
    assert_tame(text)
