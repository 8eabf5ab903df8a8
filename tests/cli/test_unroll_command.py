"""`hwgen unroll`: what it writes, what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest

from hwgen.cli import main
from hwgen.tools.find import compiler, verilator

from ..networks import FOLDER, path

HELLO = str(path("hello_world"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def test_files(capsys):
    """The same bytes each time; the module has the name that is given."""
    texts = []
    for folder in ("one", "two"):
        assert main(["unroll", HELLO, "--name", "sine", "-o", folder, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        texts.append([Path(file).read_text() for file in facts["files"]])
    assert texts[0] == texts[1]
    assert [Path(file).name for file in facts["files"]] == \
        ["sine.v", "ports.md", "lint.vlt", "unrolled.json"]
    assert "module sine(" in texts[0][0]
    assert json.loads(texts[0][3])["latency"] == facts["latency"]
    assert facts["luts"] > 4000 and facts["interval"] == 1


@pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
def test_check(capsys):
    assert main(["unroll", HELLO, "--check", "300", "--clock", "60"]) == 0
    assert "300 inputs on the Verilog: every output equals NumPy, " in capsys.readouterr().out


@pytest.mark.parametrize("words, sentence", [
    ([str(path("kws_dscnn"))], "layer '0_conv_2d' is CONV_2D; an unrolled network has"),
    ([str(path("ad_autoencoder"))], "ad_autoencoder would take about 2,"),
    ([HELLO, "--board", "icestick"], "board must be one that `hwgen boards` lists"),
    ([HELLO, "--board", "icebreaker", "--clock", "500"], "--clock takes MHz from 10 to 400"),
    ([HELLO, "--check", "-1"], "--check must be 0 or more, not -1"),
    ([HELLO, "--name", "9"], "--name must be letters and digits"),
    ([str(FOLDER / "wake_word.tflite")], "an unrolled network must have one input and no state")])
def test_refusals(words, sentence, capsys, tmp_path):
    """One sentence, and nothing is written."""
    assert main(["unroll", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("hwgen: ") and err.count("\n") == 1
    assert sentence in err
    assert not [*tmp_path.iterdir()]
