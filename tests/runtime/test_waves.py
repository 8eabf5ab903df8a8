"""Which part of a run is written as a waveform."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.errors import UserError
from hwgen.runtime.waves import Recorder, Waves

from ..networks import path

PROGRAM = SimpleNamespace(layers=[SimpleNamespace(name=name) for name in ("a", "b", "c", "d")])


class Board:
    """What counts cycles, and remembers which of them were to be recorded."""

    def __init__(self):
        self.cycles, self.until, self.recorded = 0, 0, []

    def record(self, cycles):
        self.until = self.cycles + cycles

    def run(self, cycles):
        self.recorded += range(self.cycles, min(self.until, self.cycles + cycles))
        self.cycles += cycles


@pytest.mark.parametrize("first, last, limit, ran, cut", [
    ("b", "c", 100, [*range(10, 30)], False),
    ("b", "c", 20, [*range(10, 30)], False),
    ("b", "c", 15, [*range(10, 25)], True),
    ("b", "c", 5, [*range(10, 15)], True),
    ("c", None, 100, [*range(20, 40)], False),
    (None, "a", 100, [*range(10)], False),
    (None, None, 100, [*range(40)], False),
    (None, None, 33, [*range(33)], True)])
def test_between_two_layers(first, last, limit, ran, cut, tmp_path):
    waves = Waves(path=tmp_path / "x.vcd", first=first, last=last, cycles=limit)
    board = Board()
    recorder = Recorder(board, waves, waves.layers_of(PROGRAM))
    for layer in PROGRAM.layers:
        with recorder.during(layer.name):
            board.run(10)
    board.run(10)
    assert board.recorded == ran
    assert (recorder.cycles, recorder.cut) == (len(ran), cut)


@pytest.mark.parametrize("options, text", [
    ({"first": "z"}, "there is no layer 'z'"),
    ({"first": "c", "last": "a"}, "layer 'a' runs before layer 'c'"),
    ({"cycles": 0}, "a waveform must have 1 cycle or more, not 0")])
def test_waves_wrong(options, text, tmp_path):
    with pytest.raises(UserError, match=text):
        Waves(path=tmp_path / "x.vcd", **options).layers_of(PROGRAM)


@pytest.mark.parametrize("words, text", [
    ("--waves x.fst", "a waveform must be a .vcd file, not 'x.fst'"),
    ("--waves nowhere/x.vcd", "nowhere/x.vcd cannot be written: there is no folder nowhere"),
    ("--waves x.vcd --board icebreaker --port /dev/null", "--waves is of the simulated board"),
    ("--waves x.vcd --waves-from nothing", "there is no layer 'nothing'"),
    ("--waves-to nothing", "--waves-to needs a file for the waveform: --waves run.vcd")])
def test_command_wrong(words, text, capsys, tmp_path, monkeypatch):
    """It is said before anything is built."""
    monkeypatch.chdir(tmp_path)
    source = f"{path('ad_autoencoder').with_suffix('.npz')}:input"
    assert main(["run", str(path("ad_autoencoder")), "--input", source, *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and text in err and err.count("\n") == 1
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_command(capsys, tmp_path):
    """The layer that is wanted runs in the waveform, from its first cycle to its last."""
    np.save(tmp_path / "x.npy", np.zeros((1, 1), np.int8))
    words = ["run", path("hello_world"), "--input", tmp_path / "x.npy", "--design", "icebreaker",
             "--waves", tmp_path / "x.vcd", "--waves-from", "1_fully_connected", "--waves-to",
             "1_fully_connected", "--json"]
    assert main([*map(str, words)]) == 0
    facts = json.loads(capsys.readouterr().out)
    text = (tmp_path / "x.vcd").read_text()
    code, = {*re.findall(r"\$var wire +1 (\S+) busy \$end", text)}
    times = {"0": [], "1": []}
    for moment, changes in re.findall(r"^#(\d+)\n([^#]*)", text, re.MULTILINE):
        for value in re.findall(rf"^([01]){re.escape(code)}$", changes, re.MULTILINE):
            times[value].append(int(moment))
    begin, end = times["1"][0], times["0"][-1]
    layer = facts["layers"][1]
    # It is busy for a cycle more than its step takes.
    assert (end - begin) // 10 - 1 == layer["cycles"] == layer["predicted_cycles"]
    assert facts["waves"]["cycles"] == text.count("\n#") // 2 and not facts["waves"]["cut"]
