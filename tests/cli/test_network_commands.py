"""The commands that take a network, from the command line to what they print."""

import contextlib
import json
import re

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.cli.arrays import answers_in, read_inputs, top_1
from hwgen.compiler import Program
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.reader import read_network
from hwgen.predict.efficiency import Work
from hwgen.runtime.inference import Inference, LayerRun
from hwgen.runtime.simulate import work_table
from hwgen.tools.find import compiler, verilator

from ..networks import arrays, path

simulates = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
LAYER = {"name", "predicted_cycles", "multipliers_busy", "performance_efficiency", "bytes_read",
         "bytes_written", "program_bytes", "least_bytes", "memory_access_efficiency"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def printed(capsys, *arguments):
    """Run a command that must do, and return what it prints."""
    assert main([str(argument) for argument in arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def sentence(capsys, *arguments):
    """Run a command that must fail, and return the one sentence that it prints."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hwgen: ") and err.endswith("\n") and err.count("\n") == 1
    return err


def test_cycles(capsys):
    facts = json.loads(printed(capsys, "cycles", path("kws_dscnn"), "--json"))
    layers = facts["layers"]
    assert all(LAYER <= set(layer) for layer in layers)
    for name in ("predicted_cycles", "bytes_read", "bytes_written", "program_bytes", "least_bytes",
                 "products", "computed_products"):
        assert facts[name] == sum(layer[name] for layer in layers) > 0
    moved = facts["bytes_read"] + facts["bytes_written"] + facts["program_bytes"]
    assert facts["memory_access_efficiency"] == facts["least_bytes"] / moved
    done = facts["predicted_cycles"] * 144
    assert facts["performance_efficiency"] == facts["products"] / done
    reshape = next(layer for layer in layers if layer["operator"] == "RESHAPE")
    assert reshape["memory_access_efficiency"] is None

    table = printed(capsys, "cycles", path("kws_dscnn")).splitlines()
    assert table[0].split() == ["layer", "cycles", "busy", "read", "written", "program", "memory",
                                "eff.", "performance", "eff."]
    busy = f"{100 * facts['multipliers_busy']:.1f}"
    whole = next(line for line in table if line.startswith("all layers")).split()
    assert whole[2:6] == [f"{facts['predicted_cycles']:,}", busy, "%", f"{facts['bytes_read']:,}"]


def test_joined_layers_are_told(capsys):
    """And where they are compared."""
    words = ["cycles", path("ic_resnet8"), "--design", "ulx3s-85f", "--kept-vectors", 1024]
    facts = json.loads(printed(capsys, *words, "--json"))
    assert facts["joined"] == {"2_conv_2d": "3_add", "6_conv_2d": "7_add", "10_conv_2d": "11_add"}
    assert ("\n2_conv_2d is joined with 3_add: its output is never stored, and compared there\n"
            in printed(capsys, *words))
    work = Work(multipliers=9)
    layers = [LayerRun("a", "CONV_2D", work, 5, joined="b"), LayerRun("b", "ADD", work, 7),
              LayerRun("c", "CONV_2D", work, 9, "other")]
    rows = str(work_table(Inference({}, tuple(layers)), True)).splitlines()[2:]
    assert [line.split()[-1] for line in rows] == ["b", "equal", "other", "differ"]
    assert rows[0].endswith("see b")


@simulates
@pytest.mark.xdist_group("reference accelerator")
def test_run(capsys, tmp_path):
    np.save(tmp_path / "x.npy", arrays("ad_autoencoder")["input"][:1])
    facts = json.loads(printed(capsys, "run", path("ad_autoencoder"), "--design", "ulx3s-85f",
                               "--input", tmp_path / "x.npy", "--json"))
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    assert all({"cycles", *LAYER} <= set(layer) for layer in facts["layers"])
    predicted = json.loads(printed(capsys, "cycles", path("ad_autoencoder"), "--json"))
    for name in LAYER - {"name", "predicted_cycles", "multipliers_busy", "performance_efficiency"}:
        assert facts[name] == predicted[name]
    # Each layer is a run of its own, in which nothing of it has been read ahead.
    assert facts["predicted_cycles"] > predicted["predicted_cycles"]
    assert facts["multipliers_busy"] < predicted["multipliers_busy"]
    np.save(tmp_path / "x.npy", np.zeros((1, 1), np.int8))
    words = ["run", path("hello_world"), "--design", "ulx3s-85f", "--input", tmp_path / "x.npy"]
    table = printed(capsys, *words).splitlines()
    assert table[0].split()[:4] == ["layer", "cycles", "predicted", "busy"]
    assert "equal" not in table[2]
    assert printed(capsys, *words, "--check").splitlines()[2].endswith("equal")


WAKE_WORD = [path("wake_word"), "--input", f"{path('wake_word').with_suffix('.npz')}:input"]


def test_frames(capsys, tmp_path):
    """One after another, or in parts, or each from the initial state on."""
    stored = arrays("wake_word")
    np.save(tmp_path / "x.npy", stored["input"][[0, 1, 0]])
    short = [path("wake_word"), "--input", tmp_path / "x.npy"]
    [whole], [moved], [parts], [alone] = (
        json.loads(printed(capsys, "golden", *words, "--json"))["outputs"].values()
        for words in ([*WAKE_WORD, "--stream"], [*short, "--stream"],
                      [*short, "--stream", "--reset-every", 2], short))
    assert whole == (stored["output"].astype(int) - 128).tolist()
    first, second = whole[:2]
    assert first != second and moved[2] != first
    assert (moved[:2], parts, alone[::2]) == ([first, second], [first, second, first],
                                              [first, first])


@simulates
@pytest.mark.xdist_group("reference accelerator")
def test_run_frames(capsys, tmp_path):
    np.save(tmp_path / "x.npy", arrays("wake_word")["input"][:4])
    words = ["run", path("wake_word"), "--input", tmp_path / "x.npy", "--design", "ulx3s-85f",
             "--stream", "--reset-every", 3]
    facts = json.loads(printed(capsys, *words, "--json"))
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    [outputs] = facts["outputs"].values()
    assert outputs == (arrays("wake_word")["output"][[0, 1, 2, 0]].astype(int) - 128).tolist()


@pytest.mark.parametrize("words, text", [
    ([path("kws_dscnn"), "--input", "x.npy", "--stream"], "--stream is for networks with state"),
    ([*WAKE_WORD, "--reset-every", "2"], "--reset-every is for frames: it needs --stream"),
    ([*WAKE_WORD, "--stream", "--reset-every", "0"], "--reset-every must be at least 1, not 0")])
@pytest.mark.parametrize("command", ["golden", "run"])
def test_frames_wrong(command, words, text, capsys):
    assert text in sentence(capsys, command, *words)


@pytest.mark.parametrize("words, text", [
    (["none.tflite", "--input", "x.npy"], "there is no file 'none.tflite'"),
    (["net.txt", "--input", "x.npy"], "'net.txt' must end in .tflite or .onnx"),
    (["KWS", "--input", "none.npy"], "none.npy cannot be read: No such file"),
    (["KWS", "--input", "."], ". cannot be read: Is a directory"),
    (["KWS", "--input", "net.txt"], "net.txt is not a .npy or .npz file"),
    (["KWS", "--input", "short.npy"], "short.npy is damaged"),
    (["KWS", "--input", "short.npz"], "short.npz is damaged"),
    (["KWS", "--input", "pickle.npy"], "pickle.npy holds object, not plain numbers"),
    (["KWS", "--input", "pickle.npz:x"], "'x' of pickle.npz holds object, not plain numbers"),
    (["KWS", "--input", "x.npz:y"], "x.npz has no array 'y'; it has a, b"),
    (["KWS", "--input", "x.npz"], "x.npz has the arrays a, b: name the one to take, as in --input"),
    (["KWS", "--input", "empty.npz"], "empty.npz has no arrays"),
    (["KWS", "--input", "x.npz:a"], "must be of shape (1, 49, 10, 1), or with several images"),
    (["KWS", "--input", "float.npy"], "must be int8, not float32"),
    (["KWS", "--input", "none_at_all.npy"], "not (0, 49, 10, 1)"),
    (["KWS"], "the following arguments are required: --input"),
])
@pytest.mark.parametrize("command", ["golden", "run"])
def test_input_wrong(command, words, text, capsys, tmp_path, monkeypatch):
    """One sentence, before anything is built."""
    monkeypatch.setattr("hwgen.runtime.run.simulated_board", None)
    x = np.zeros((1, 49, 10, 1), np.int8)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "float.npy", x.astype("f4"))
    np.save(tmp_path / "none_at_all.npy", x[:0])
    np.savez(tmp_path / "x.npz", a=np.zeros(3, np.int8), b=x)
    np.savez(tmp_path / "empty.npz")
    np.save(tmp_path / "pickle.npy", np.array([{}]), allow_pickle=True)
    np.savez(tmp_path / "pickle.npz", x=np.array([{}]))
    (tmp_path / "net.txt").write_text("not a network, and no array")
    for name in ("x.npy", "x.npz"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name.replace("x.", "short.")).write_bytes(whole[:len(whole) // 2])
    words = [str(path("kws_dscnn")) if word == "KWS" else word for word in words]
    assert text in sentence(capsys, command, *words)


def test_labels_wrong(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("hwgen.runtime.run.simulated_board", None)
    np.save(tmp_path / "x.npy", np.zeros((49, 10, 1), np.int8))
    words = ["run", str(path("kws_dscnn")), "--input", "x.npy", "--labels"]
    assert "none.npz cannot be read" in sentence(capsys, *words, "none.npz")
    assert "has none called 'labels'" in sentence(capsys, *words, "x.npy")


@pytest.mark.parametrize("label, there", [
    (np.array([2, 0], "u1"), True), (np.array([2, 0]), True), (np.array([2, 0, 1]), False),
    (np.array([2.0, 0.0]), False), (None, False)])
def test_answers_to_these_inputs(label, there, tmp_path):
    """Right answers that a file of labels has to other inputs, or to none, are left alone."""
    named = {} if label is None else {"label": label}
    np.savez(tmp_path / "labels.npz", labels=np.array(["a", "b", "c"]), **named)
    found = answers_in(str(tmp_path / "labels.npz"), {"x": np.zeros((2, 4), np.int8)})
    assert (found is not None) == there


def test_top_1():
    outputs = {"y": np.array([[[0, 1, 5]], [[3, 2, -9]], [[0, 1, -1]]], np.int8)}
    share, line = top_1(outputs, np.array([2, 1, 1]))
    assert (share, line) == (2 / 3, "top-1: 2 of 3 are right, 66.7%")


@pytest.mark.parametrize("shape", [(49, 10, 1), (1, 49, 10, 1), (5, 49, 10, 1), (5, 1, 49, 10, 1)])
def test_one_image_or_several(shape, capsys, tmp_path):
    """The batch's axis may be missing, or each image may have its own."""
    x = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    np.save(tmp_path / "x.npy", x)
    facts = json.loads(printed(capsys, "golden", path("kws_dscnn"), "--input", "x.npy", "--json"))
    network = read_network(path("kws_dscnn"))
    expected = run(network, {network.inputs[0]: x.reshape(-1, 49, 10, 1)})
    assert facts["outputs"] == {name: values.tolist() for name, values in expected.items()}


@pytest.mark.parametrize("seed", range(200))
def test_arrays_fuzz(seed, tmp_path):
    """Whatever was done to a file, it is read or refused in a sentence."""
    rng = np.random.default_rng(seed)
    file = tmp_path / "x.npz"
    x = rng.integers(-128, 128, (2, 49, 10, 1)).astype(np.int8)
    kinds = [lambda: np.save(file.open("wb"), x), lambda: np.savez(file, input=x),
             lambda: np.savez_compressed(file, input=x)]
    kinds[seed % 3]()
    data = bytearray(file.read_bytes())
    for _ in range(rng.integers(1, 8)):
        place = int(rng.integers(min(len(data), 200))) - (len(data) if rng.random() < 0.3 else 0)
        if rng.random() < 0.2:
            del data[place:place + int(rng.integers(1, 50))]
        else:
            data[place] = rng.choice([0, 40, 57, 79, 255, rng.integers(256)])
    file.write_bytes(data)
    network = read_network(path("kws_dscnn"))
    with contextlib.suppress(UserError):
        assert read_inputs(str(file), network)[network.inputs[0]].shape[1:] == (49, 10, 1)


def test_compile(capsys, tmp_path):
    facts = json.loads(printed(capsys, "compile", path("kws_dscnn"), "--json"))
    assert facts["file"] == "kws_dscnn.program"
    program = Program.load(tmp_path / "kws_dscnn.program")
    assert len(program.steps) == facts["steps"]
    printed(capsys, "compile", path("kws_dscnn"), "-o", "mine")
    assert (tmp_path / "mine").read_bytes() == (tmp_path / "kws_dscnn.program").read_bytes()


@pytest.mark.parametrize("error, code", [(OSError(28, "No space left on device"), 2),
                                         (KeyboardInterrupt(), 130)])
def test_compile_half_way(error, code, capsys, tmp_path, monkeypatch):
    """What was there before stays, and nothing else is left."""
    def save(self, file):
        file.write_bytes(b"half a Program")
        raise error
    monkeypatch.setattr(Program, "save", save)
    (tmp_path / "mine").write_text("before")
    assert main(["compile", str(path("kws_dscnn")), "-o", "mine"]) == code
    assert capsys.readouterr().err in (
        "hwgen: mine cannot be written: No space left on device\n", "hwgen: interrupted\n")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("mine", "before")]


@pytest.mark.parametrize("words, text", [
    (["-o", "."], ". cannot be written: it is there, and no file"),
    (["-o", "no/where"], "no/where cannot be written: No such file"),
    (["--rows", "40"], "rows must be from 4 to 32"),
    (["--program-memory", "1024"], "program_memory must be"),
    (["--activation-memory", "1024"], "activation_memory must be"),
    (["--design", "array.toml"], "activation_memory must not be 0"),
    (["--rounding", "single"], "rounding must be 'tflm'"),
])
def test_compile_wrong(words, text, capsys, tmp_path):
    (tmp_path / "array.toml").write_text("rows = 4")
    assert text in sentence(capsys, "compile", path("kws_dscnn"), *words)
    assert [file.name for file in tmp_path.iterdir()] == ["array.toml"]


def test_readme_has_the_cycles(capsys):
    """What stands beside each command in README.md is what the command says."""
    readme = (path("kws_dscnn").parents[1] / "README.md").read_text()
    rows = re.findall(r"\| ([\d,]+) \| `hwgen (cycles) networks/(\w+)\.tflite` \|", readme)
    assert len(rows) == 4
    for cycles, command, name in rows:
        counted = json.loads(printed(capsys, command, path(name), "--json"))["predicted_cycles"]
        assert f"{counted:,}" == cycles, name
