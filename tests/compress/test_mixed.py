"""Bits for each layer: the search, what it writes, and the command."""

import json
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.compress.mixed import FEWEST, MOST, Mixed, Variable, bit_serial
from hwgen.compress.quantize import Calibrated, errors
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
test_quantize = pytest.importorskip("tests.compress.test_quantize")
writer = pytest.importorskip("tests.onnx_writer")

COST = bit_serial(4, 4, 16)


def small(seed=0):
    """Return a float network of four products, one tensor of which is read twice, and inputs."""
    w = writer.Writer(seed)
    r = w.random

    def conv(x, outputs, inputs, kernel, **attributes):
        weights = r.normal(0, (inputs * kernel**2)**-0.5, (outputs, inputs, kernel, kernel))
        return w.node("Relu", w.node("Conv", x, weights.astype("f4"), r.normal(
            0, 0.1, outputs).astype("f4"), **attributes))

    y = conv(w.input([1, 2, 8, 8], name="x"), 6, 2, 3)
    y = w.node("Concat", conv(y, 4, 6, 3), conv(y, 4, 6, 3), axis=1)
    y = w.node("Flatten", w.node("GlobalAveragePool", y))
    model = w.model(w.node("Gemm", y, r.normal(0, 1, (8, 5)).astype("f4")))
    return model, r.normal(0, 1, (40, 2, 8, 8)).astype("f4")


@pytest.fixture(scope="module")
def searched():
    """Return a search that is done; the float network's answers are the labels."""
    model, x = small()
    calibrated = Calibrated(model, x)
    answers = Mixed(calibrated, np.zeros(len(x), int), COST).exact.argmax(axis=1)
    search = Mixed(calibrated, answers, COST)
    return search, search.search(0.05)


def test_within_bound(searched):
    search, chosen = searched
    assert search.base.top_1 - chosen.top_1 <= 0.05 + 1e-9
    assert search.base.cycles > 1.5 * chosen.cycles
    assert chosen.cycles == min(p.cycles for p in search.path if search.within(p, 0.05))
    assert any(not search.within(point, 0.05) for point in search.path)


def test_path_descends(searched):
    """No bits at all are below the line from one network of the path to the next."""
    search, _ = searched
    path = list(search.descend())
    assert [dict(point.bits) for point in search.path[1:]] == path[:len(search.path) - 1]
    corners = [search.cycles_and_noise(bits) for bits in path]
    assert [cycles for cycles, _ in corners] == [
        search.point(bits).cycles for bits in path] == sorted(
        {cycles for cycles, _ in corners}, reverse=True)
    variables = list(search.variables())
    random = np.random.default_rng(0).integers(FEWEST, MOST, (2000, len(variables)), endpoint=True)
    others = [search.cycles_and_noise(dict(zip(variables, row, strict=True)))
              for row in random.tolist()]
    for (many, less), (few, more) in pairwise(corners):
        line = many * (more - less) + less * (many - few)
        assert min(cycles * (more - less) + noise * (many - few)
                   for cycles, noise in [*others, *corners]) >= line * (1 - 1e-9)


def test_table(searched):
    """Fewer bits never add less noise; 2 bits of anything are worse than 8."""
    search, _ = searched
    assert len(search.table) == 7  # of 4 products the weights, and what they read: 2 read the same
    for row in search.table.values():
        assert sorted(row, reverse=True) == list(range(8, FEWEST - 1, -1))
        assert list(row.values()) == sorted(row.values())
        assert row[2] > row[8] == 0


def test_network_has_the_bits(searched):
    """The file that is written has them when it is read, and so the cycles that were promised."""
    search, _ = searched
    bits = {variable: 2 + index % 6 for index, variable in enumerate(search.variables())}
    network = search.network(bits)
    assert sum(COST(network).values()) == search.cycles_and_noise(bits)[0]
    layers = {layer.output: layer for layer in network.layers}
    assert len(network.inputs) == 1 and "MAX_POOL_2D" not in {
        layer.operator for layer in network.layers}
    for product, (output, leader) in search.products.items():
        layer = layers[output]
        assert layer.weight_precision.bits == bits[Variable("weights", product)]
        precision = network.tensors[layer.inputs[0]].precision
        assert precision.bits == bits[Variable("tensor", leader)]
    values = run(network, network.feed(search.calibrated.inputs), keep=True)
    for name, found in values.items():
        precision = network.tensors[name].precision
        assert precision.low <= found.min() and found.max() <= precision.high


def test_runtime_runs_it(searched):
    """ONNX Runtime makes the same of the file, but for ties of a step."""
    search, chosen = searched
    model = search.model(chosen.bits)
    network = read(model)
    x = search.calibrated.inputs["x"]
    (found,) = network.fetch(run(network, network.feed(x)), real=True).values()
    expected = np.concatenate([next(iter(writer.runtime(model, {"x": one[None]}).values()))
                               for one in x])
    scale = network.tensors[network.outputs[0]].scale
    assert np.mean(np.abs(found - expected) > 1.5 * scale) < 0.02
    assert {error.tensor for error in errors(
        search.calibrated.source, network, x)} >= {"x", *search.calibrated.graph.outputs}


def test_eight_bits_are_int8():
    """Bits of 8 change nothing about the file."""
    model, x = small()
    calibrated = Calibrated(model, x)
    search = Mixed(calibrated, np.zeros(len(x), int), COST)
    assert search.model(dict.fromkeys(search.variables(), 8)) == calibrated.model()


def test_cost():
    """The cost model by hand: 6 x 6 pixels, 6 channels, 18 taps on 4 x 4 products of 16 lanes."""
    model, x = small()
    search = Mixed(Calibrated(model, x), np.zeros(len(x), int), COST)
    image, weights, *_ = search.variables()
    first, *_, last = COST(search.network({image: 5, weights: 3})).values()
    assert first == 9 * 2 * 2 * 3 * 5
    assert last == 1 * 2 * 1 * 64


def test_command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, x = small(1)
    x = x[:20]
    (tmp_path / "net.onnx").write_bytes(model)
    answers = Mixed(Calibrated(model, x), np.zeros(len(x), int), COST).exact.argmax(axis=1)
    np.savez(tmp_path / "x.npz", input=x, label=answers)
    words = ["quantize", "net.onnx", "--data", "x.npz", "--labels", "x.npz", "--mixed", "--loss",
             "5", "--plot", "plot.svg"]
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["file"] == "net_mixed.onnx" and facts["images"] == 20
    assert facts["chosen"]["top_1"] >= facts["int8"]["top_1"] - 0.05 - 1e-9
    assert facts["chosen"]["speed"] == facts["int8"]["cycles"] / facts["chosen"]["cycles"] > 1
    network = read(tmp_path / "net_mixed.onnx")
    assert sum(bit_serial(8, 8, 32)(network).values()) == facts["chosen"]["cycles"]
    circles = [each for each in ElementTree.parse(tmp_path / "plot.svg").iter()
               if each.get("aria-roledescription") == "circle"]
    assert len(circles) == len(facts["path"]) + 2
    assert main(["golden", "net_mixed.onnx", "--input", "x.npz", "--labels", "x.npz"]) == 0
    right = round(20 * facts["chosen"]["top_1"])
    assert f"top-1: {right} of 20 are right" in capsys.readouterr().out


@pytest.mark.slow
def test_command_with_a_design(capsys, tmp_path, monkeypatch):
    """Every cycle count is the one that `hwgen cycles` gives for the network and the Design."""
    monkeypatch.chdir(tmp_path)
    model, x = small(2)
    x = x[:10]
    (tmp_path / "net.onnx").write_bytes(model)
    answers = Mixed(Calibrated(model, x), np.zeros(len(x), int), COST).exact.argmax(axis=1)
    np.savez(tmp_path / "x.npz", input=x, label=answers)
    words = ["--design", "icebreaker:serial", "--json"]
    assert main(["quantize", "net.onnx", "--data", "x.npz"]) == 0
    capsys.readouterr()
    assert main(["quantize", "net.onnx", "--data", "x.npz", "--labels", "x.npz", "--mixed",
                 "--loss", "10", "--plot", "plot.svg", "--rows", "9", *words]) == 0
    facts = json.loads(capsys.readouterr().out)
    for name in ("int8", "mixed"):
        assert main(["cycles", f"net_{name}.onnx", "--rows", "9", *words]) == 0
        taken = json.loads(capsys.readouterr().out)
        assert taken["design"] == facts["engine"]["design"]
        assert taken["predicted_cycles"] == facts["chosen" if name == "mixed" else name]["cycles"]
    assert facts["int8"]["cycles"] > 1.2 * facts["chosen"]["cycles"]
    cycles = [point["cycles"] for point in facts["path"]]
    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize("words, text", [
    ([], "--mixed needs --labels"),
    (["--labels", "few.npz"], "must be 40 integers, one for each input"),
    (["--labels", "x.npz"], "has no array 'label'"),
    (["--labels", "labels.npz", "--loss", "-1"], "--loss must be from 0 to 100"),
    (["--labels", "labels.npz", "--loss", "nan"], "--loss must be from 0 to 100"),
    (["--labels", "labels.npz", "--design", "icebreaker"], "engine must be 'bitserial' for"),
    (["--labels", "labels.npz", "--design", "icebreaker:serial", "--activation-memory", "64"],
     "activation_memory must be"),
    (["--labels", "far.npz"], "a label must be from 0 to"),
    (["--labels", "labels.npz", "--plot", "none/plot.svg"], "none/plot.svg cannot be written"),
    (["--labels", "labels.npz", "-o", "none/net.onnx"], "none/net.onnx cannot be written"),
    (["--labels", "labels.npz", "-o", "net.onnx"], "--output must be another file"),
])
def test_command_wrong(words, text, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, x = small()
    (tmp_path / "net.onnx").write_bytes(model)
    np.savez(tmp_path / "x.npz", input=x)
    np.savez(tmp_path / "few.npz", label=np.zeros(3, int))
    np.savez(tmp_path / "labels.npz", label=np.zeros(40, int))
    np.savez(tmp_path / "far.npz", label=np.full(40, -1))
    before = set(tmp_path.iterdir())
    assert main(["quantize", "net.onnx", "--data", "x.npz", "--mixed", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and text in err
    assert set(tmp_path.iterdir()) == before


def test_wrong():
    model, x = small()
    with pytest.raises(UserError, match="a label for each of the 40 inputs, not 3"):
        Mixed(Calibrated(model, x), np.zeros(3, int), COST)
    w = writer.Writer(0)
    relu = w.model(w.node("Relu", w.input([1, 2, 8, 8])))
    with pytest.raises(UserError, match="mixed precision needs|no Conv, Gemm or MatMul"):
        Mixed(Calibrated(relu, x), np.zeros(40, int), COST)


@pytest.mark.slow
def test_keyword_spotting():
    """A trained network, without training again: 1.5 times as fast as int8 within 2 points."""
    path, x, label = test_quantize.keyword_spotting()
    search = Mixed(Calibrated(path, x), label, bit_serial(8, 8, 32))
    chosen = search.search(0.02)
    assert search.base.top_1 >= 0.9
    assert search.base.top_1 - chosen.top_1 <= 0.02 + 1e-9
    assert search.base.cycles >= 1.5 * chosen.cycles
