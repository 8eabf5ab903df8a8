"""The tuner: the space, the search, the choice, and the command."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.boards import board
from hwgen.arch.design import Design
from hwgen.arch.designs import Designs
from hwgen.area.area import count_dsps
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.compiler.distinct import distinct_weights
from hwgen.cost.cycles import Array, total_cycles
from hwgen.errors import UserError
from hwgen.predict.energy import energy
from hwgen.predict.layers import predictions
from hwgen.tune import search as searching
from hwgen.tune.candidates import Limits, pareto, share_of_chip
from hwgen.tune.choice import Goal, choose, wants
from hwgen.tune.search import search, with_memories
from hwgen.tune.space import space
from hwgen.tune.survey import Survey
from hwgen.tune.topology import read_topology
from hwgen.tune.workload import read_workload

from ..networks import NETWORKS, path

ULX3S = board("ulx3s-85f")
ENGINES = ["systolic", "bitserial"]
WHOLE = Limits.of(ULX3S, 1, [np.inf])
CSV = """Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Filters, Strides,
first, 12, 12, 3, 3, 4, 16, 1,
second, 10, 10, 1, 1, 16, 40, 2,
"""


def no_energy(front):
    """Say that nobody asked."""
    raise AssertionError


@pytest.fixture
def topology(tmp_path):
    """A small topology."""
    file = tmp_path / "small.csv"
    file.write_text(CSV)
    return str(file)


@pytest.fixture
def some_columns(monkeypatch):
    """A space of two numbers of columns only, so that a search is short."""
    monkeypatch.setattr(searching, "space", lambda at, engine, workloads: (
        each for each in space(at, engine, workloads) if each.columns[0] in (4, 16)))


def test_pareto():
    """Nothing on the front is beaten, and all that is off it is."""
    rng = np.random.default_rng(0)
    cost, area = rng.integers(0, 30, (2, 200)).astype(float)
    front = pareto(cost, area)
    beaten = [any((cost <= cost[i]) & (area <= area[i]) & ((cost < cost[i]) | (area < area[i])))
              for i in range(len(cost))]
    assert not any(beaten[i] for i in front)
    assert {(cost[i], area[i]) for i in range(len(cost)) if not beaten[i]} == \
        {(cost[i], area[i]) for i in front}
    assert list(cost[front]) == sorted(cost[front])


def test_space_is_made_of_designs():
    """Every candidate is a Design that is allowed."""
    rng = np.random.default_rng(1)
    kws = read_workload(str(path("kws_dscnn")))
    for designs in [*space(ULX3S, "systolic", [kws]), *space(ULX3S, "bitserial", [kws])][::7]:
        whole = with_memories(designs, np.full(len(designs), 20000), np.full(len(designs), 30000))
        for index in rng.integers(0, len(designs), 3):
            design = whole.design(int(index))
            assert design.activation_memory >= 20000
            assert design.program_words * design.columns >= 30000


def test_search_by_hand(topology, some_columns):
    """What is found for a Design is what compiling for it gives, and it fits its memories."""
    workload = read_workload(topology)
    found = search(ULX3S, [workload], WHOLE, ENGINES)
    for index in np.random.default_rng(2).integers(0, len(found), 4):
        design = found.designs.design(int(index))
        taken = [total_cycles(compile_network(network, design).steps, Array.of(design))
                 for network in workload.networks]
        assert sum(taken) == found.cycles[0, index]


def test_choice_is_the_best(topology, some_columns):
    """No Design within the limits is quicker than the one that is chosen."""
    found = search(ULX3S, [read_workload(topology)], WHOLE, ENGINES)
    limits = Limits.of(ULX3S, 0.1, [np.inf])
    choice = choose(found, ULX3S, limits, Goal("latency", False, (1.0,)), no_energy)
    inside = found.within(limits)
    assert choice.front.cycles[0, choice.chosen] == found.cycles[0, inside].min()
    assert found.cycles[0].min() < found.cycles[0, inside].min()
    assert any(reason.startswith("limited by") for reason in choice.reasons)
    small = choose(found, ULX3S, Limits.of(ULX3S, 1, [found.cycles[0].min() * 2]),
                   Goal("area", False, (1.0,)), no_energy)
    assert small.front.cycles[0, small.chosen] <= found.cycles[0].min() * 2
    areas = share_of_chip(small.front.resources, ULX3S)
    assert areas[small.chosen] == areas.min()


def test_several_workloads():
    """The worst counts where that is asked for, else the weighted mean."""
    cycles = np.array([[100, 150, 120], [100, 50, 90]])
    assert Goal("latency", True, (1, 1)).slowness(cycles).tolist() == [2, 1.5, 1.8]
    assert Goal("latency", False, (3, 1)).slowness(cycles) == pytest.approx([1.25, 1.375, 1.35])
    assert Goal("throughput", False, (3, 1)).slowness(cycles).tolist() == [1, 1.25, 1.125]


def test_wants():
    """What a layer is said to want is what helps it most."""
    workload = read_workload(str(path("ic_resnet8")))
    design = Designs.of([Design.load("ulx3s-85f")])
    first = wants(workload, design)[0]
    before = workload.evaluate(design, by_layer=True).layers[:, 0]
    index = workload.layers.index(first.layer)
    assert before[index] == before.max()
    twice = {"rows": replace(design, rows=2 * design.rows),
             "columns": replace(design, columns=2 * design.columns, lanes=2 * design.lanes)}
    after = workload.evaluate(twice[first.want], by_layer=True).layers[index, 0]
    assert first.saved == pytest.approx(1 - after / before[index])
    assert first.saved > 0.3
    assert f"for want of {first.want}" in str(first)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_no_slower_than_the_preset(capsys, name):
    """The tuner's Design for ULX3S-85F is at least as fast as the preset; a minute is enough."""
    assert main(["tune", str(path(name)), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cycles"][0] <= facts["preset_cycles"][0]
    assert facts["whole"]


def test_command(topology, some_columns, tmp_path, capsys):
    """The Design that is written is the one that is chosen, and runs what it was chosen for."""
    file = tmp_path / "design.toml"
    assert main(["tune", topology, "-o", str(file)]) == 0
    text = capsys.readouterr().out
    assert "chosen" in text and "Designs searched" in text and "for want of" in text
    assert "clock: about" in text
    design = Design.from_dict(tomllib.loads(file.read_text()))
    assert main(["tune", topology, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["design"]["rows"] == design.rows and facts["design"]["columns"] == design.columns
    assert facts["file"] is None
    assert facts["clock"]["low"] < facts["clock"]["mhz"] < facts["clock"]["high"]
    assert [row["cycles"] for row in facts["front"]] == sorted(row["cycles"]
                                                               for row in facts["front"])


def test_energy(topology, some_columns, capsys):
    """No Design of the front spends less than the one that is chosen for its energy."""
    assert main(["tune", topology, "--objective", "energy", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    workload = read_workload(topology)
    chosen = [row["cycles"] == facts["cycles"] for row in facts["front"]].index(True)
    assert chosen not in (0, len(facts["front"]) - 1)  # neither the fastest nor the smallest
    for row in facts["front"]:
        fields = {name: row[name] for name in (
            "rows", "columns", "packed_rows", "lines", "line_pixels", "lanes", "hard_lanes",
            "partial_sums", "activation_memory", "program_memory")}
        design = Design.load("ulx3s-85f").replace(**fields, dsps=row["hard_multipliers"])
        spent = sum(energy(work, design).total for network in workload.networks
                    for work in predictions(network, compile_network(network, design)))
        assert spent >= facts["energy_model_uj"][0] * 1e6 * (1 - 1e-9)


def test_packed_rows(topology):
    """Cells share DSP blocks where those are too few, and no more of them than must."""
    at = ULX3S
    workloads = [read_workload(topology)]
    seen = 0
    for designs in space(at, "systolic", workloads):
        blocks = count_dsps(designs)
        fabric = designs.rows * designs.columns - designs.hard_multipliers
        packed = designs.packed_rows > 0
        assert np.all(blocks <= at.multipliers)
        assert np.all(blocks[packed] > at.multipliers - designs.columns[packed] // 2)
        full = designs.packed_rows == designs.rows - designs.lines * workloads[0].longest_kernel
        scarce = blocks > at.multipliers - designs.columns // 2
        assert np.all((fabric == 0) | full | scarce)
        for index in np.flatnonzero(packed)[:3].tolist():
            roomy = replace(designs, activation_memory=1 << 16, program_memory=1 << 16)
            seen += roomy.design(index).packed_rows
    assert seen


def test_interrupted(topology, monkeypatch, capsys):
    """Ctrl-C keeps what was found until then."""
    def interrupted(at, engine, workloads):
        each = space(at, engine, workloads)
        yield next(each)
        raise KeyboardInterrupt
    monkeypatch.setattr(searching, "space", interrupted)
    assert main(["tune", topology]) == 130
    assert "and then stopped" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "text"), [
    ("--board ice40-hx8k --engine systolic",
     "no compact Design will do: the least takes more than there is"),
    ("--fill 0", "--fill must be"),
    ("--weights 1 2", "--weights must be 1 numbers"),
    ("--within 0", "--within must be"),
    ("--objective area", "needs --within"),
    ("--within 0.0001", "no Design is quick enough"),
    ("--fill 1", "no Design fits"),
    ("--block-rams 3", "no Design fits"),
    ("--engine binary", "--engine: none of them will do; binary: not searched, as it is not"),
    ("--engine binary --board ice40-hx8k", "computes fully connected layers of one vector"),
    ("--board icebreaker --fill 1", "no compact Design will do"),
    ("--fill nan", "--fill must be"), ("--weights nan", "--weights must be 1 numbers"),
    ("--weights inf", "--weights must be"), ("--weights 1e300", "--weights must be"),
    ("--within nan", "--within must be"), ("--within inf", "--within must be"),
    ("--dsps -1", "--dsps must be 0 or more"), ("--block-rams -1", "--block-rams must be 0 or"),
    (f"--place {10**30}", "--place must be 0 or more"), ("--seeds -1", "--seeds takes an integer"),
    (f"--seeds {10**30}", "--seeds takes an integer from 0 to 2147483647"),
    ("--engine bitserial --objective energy", "the model of energy is of products of bytes"),
])
def test_command_wrong(topology, some_columns, capsys, options, text):
    """A mistake is one sentence."""
    assert main(["tune", topology, *options.split()]) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


def test_topology(tmp_path):
    """Both forms are read: convolutions, and matrix products."""
    file = tmp_path / "a.csv"
    file.write_text(CSV)
    first, second = read_topology(str(file))
    assert first.layers[0].weights.shape == (16, 3, 3, 4)
    assert first.tensors["y"].shape == (1, 10, 10, 16)
    assert second.tensors["y"].shape == (1, 6, 6, 40)  # as SCALE-Sim counts, which rounds up
    file.write_text("L\ta\tb\tc\td\te\tf\tg\nTITLE\t\nDP1\t9\t9\t3\t3\t6\t2\t1\n")
    [each] = read_topology(str(file))
    assert each.layers[0].operator == "DEPTHWISE_CONV_2D"
    assert each.tensors["y"].shape == (1, 7, 7, 12)
    file.write_text("Layer, M, N, K,\ngemm, 30, 20, 10,\n")
    [product] = read_topology(str(file))
    assert product.tensors["x"].shape == (1, 1, 30, 10)
    assert product.tensors["y"].shape == (1, 1, 30, 20)
    design = Design.load("ulx3s-85f")
    program = compile_network(product, design)
    surveyed = read_workload(str(file)).evaluate(Designs.of([design]))
    assert total_cycles(program.steps, Array.of(design)) == surveyed.cycles[0]


@pytest.mark.parametrize(("text", "message"), [
    ("", "has no layers"), ("Layer, M, N, K,\n", "has no layers"),
    ("Layer, M, N, K,\na, 1, x, 3,\n", "line 2: N must be a whole number"),
    ("Layer, M, N, K,\na, 1\n", "line 2: N must be a whole number from 1 on, not ''"),
    ("L, a, b, c, d, e, f, g\nx, 2, 2, 3, 3, 1, 1, 1\n", "must not be larger than its image"),
    ("Layer, M, N, K,\na, 1, 1, 2.5,\n", "line 2: K must be a whole number"),
    ("Layer, M, N, K,\na, 1, 1, \u0663,\n", "line 2: K must be a whole number"),
    (f"L, a, b, c, d, e, f, g\nx, {'9' * 5000}, 1, 1, 1, 1, 1, 1\n",
     "line 2: the image's height must be at most 16,777,216, not .* of 5,000 characters"),
    (f"L, a, b, c, d, e, f, g\nx, 1, 1, 1, 1, 1, 1, 1, {'9' * 5000}\n",
     "the second stride must be at most"),
    ("Layer, M, N, K,\na, 1, 1, 1,\nb, 1, 1048577, 1,\n", "line 3: N must be at most 1,048,576"),
    ("L, a, b, c, d, e, f, g\nx, 9999999, 9999999, 1, 1, 1000, 1000, 1\n",
     "line 2: .* at most 9,007,199,254,740,992 values in an input"),
    ("L, a, b, c, d, e, f, g\nx, 9999999, 9999999, 1, 1, 10, 10000, 1\n",
     "line 2: .* 9,007,199,254,740,992 products, and with layer 'x' it has 9,999,998,000,000,100"),
    ("L, a, b, c, d, e, f, g\nDP, 9, 9, 3, 3, 60000, 100, 1\n",
     "at most 1,048,576 channels in its output, not 60,000 times 100"),
    ("Layer, M, N, K,\n" + "a, 1, 1000000, 1000000,\n" * 3,
     "line 4: .* 4,194,304 channels in all inputs and outputs, .* layer 'a' it has 6,000,000"),
    ("Layer, M, N, K,\n" + "a, 1, 1, 1,\n" * 2001, "line 2002: .* at most 2,000 layers"),
])
def test_topology_wrong(tmp_path, text, message):
    """What is wrong in a topology is told with its line."""
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        read_topology(str(file))


LARGE = """L, a, b, c, d, e, f, g
c, 9, 9, 3, 3, 3, 20, 2, 1
wide, 5, 3, 5, 3, 6, 9, 1
whole, 5, 3, 1, 3, 6, 9, 1
one, 1, 1, 1, 1, 1, 1, 1
DP, 9, 9, 3, 3, 13, 1, 1
DP whole, 6, 3, 2, 3, 5, 3, 2
"""


def test_topology_is_counted_by_shape(tmp_path):
    """Weights that are one number for all take what weights with values take, on every Design."""
    file = tmp_path / "a.csv"
    file.write_text(LARGE)
    workload = read_workload(str(file))
    rng = np.random.default_rng(2)
    serial = np.arange(40) % 2 == 1
    rows, columns = rng.integers(4, 33, 40), rng.choice([4, 6, 32], 40)
    lines = np.minimum(rng.integers(0, 4, 40), np.sqrt(rows).astype(int))
    designs = Designs(rows, columns, columns, lines, 512 * (lines > 1), rng.choice([16, 512], 40),
                      engine=np.where(serial, "bitserial", "systolic"))
    roomy = Design.load("ulx3s-85f").replace(activation_memory=1 << 20, program_memory=1 << 20)
    filled = list(workload.networks_for(roomy))
    assert [distinct_weights(network.layers[0].weights).size
            for network in workload.networks] == [1] * 6
    for network, other in zip(workload.networks, filled, strict=True):
        weights = other.layers[0].weights
        assert weights.min() > 0
        assert weights.strides != network.layers[0].weights.strides or weights.size == 1
        by_shape, by_value = (Survey(each).evaluate(designs) for each in (network, other))
        for name, values in vars(by_shape).items():
            assert values.tolist() == getattr(by_value, name).tolist(), name


ENORMOUS = """L, a, b, c, d, e, f, g
fc, 1, 1, 1, 1, 1000000, 1000000, 1
whole, 2, 7000, 2, 7000, 70000, 200, 1
DP, 7, 16, 1, 16, 1000, 1000, 70000
high, 1000000, 1, 1000000, 1, 1, 50, 1
DP high, 1000000, 1, 1000000, 1, 1, 1, 1
"""


def test_topology_takes_no_memory(tmp_path):
    """Layers of a million millions of weights are counted in less than 1 GB, and none is made up.

    A Program needs their values: that they do not fit is told before they are there.
    """
    file = tmp_path / "a.csv"
    file.write_text(ENORMOUS)
    run = subprocess.run([sys.executable, "-c", f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
import numpy as np
from hwgen.area.area import count_dsps
from hwgen.cli import main
from hwgen.arch.designs import Designs
from hwgen.tune.workload import read_workload
twice = [np.array(each) for each in ([9, 8], [8, 8], [8, 8], [3, 2], [512, 512], [512, 512])]
designs = Designs(*twice, engine=np.array(["systolic", "bitserial"]))
taken = read_workload({str(file)!r}).evaluate(designs)
print(*taken.cycles, *taken.program)
raise SystemExit(main(["report", {str(file)!r}]))
"""], capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, timeout=120)
    assert run.stderr == ("hwgen: layer 'fc': weights takes 875,000,000,000 bytes or more, and the "
                          "program memory has 294,912\n")
    assert run.returncode == 2
    weights = 10**12 + 2 * 7_000 * 70_000 * 200
    cycles, program = np.split(np.array(run.stdout.split(), float), 2)
    assert np.all(cycles > weights / 72)
    assert np.all(program >= weights * 7 / 8)
    assert not list(tmp_path.glob("*.html"))


def test_topology_too_large_for_a_small_chip(tmp_path, capsys):
    """What no memory of the chip holds is told before a Design is compiled for."""
    file = tmp_path / "a.csv"
    file.write_text("Layer, M, N, K,\na, 16777216, 1, 1,\n")
    assert main(["tune", str(file), "--board", "icebreaker"]) == 2
    assert "layer 'a': x takes 16,777,216 bytes, and all memories of the chip have 146,432" in \
        capsys.readouterr().err
