# amaranth: UnusedElaboratable=no
"""Inputs whose rows are stored together, as the first layer reads them."""

import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.compiler import Program, compile_network
from hwgen.compiler.check import check_program
from hwgen.compiler.compile import place_and_lower
from hwgen.compiler.prepare.padding import simplify
from hwgen.compiler.prepare.stacking import stackable
from hwgen.compiler.program import FORMAT, Stack
from hwgen.cost.cycles import Array, total_cycles
from hwgen.errors import UserError
from hwgen.network.graph import Network
from hwgen.network.precision import Precision
from hwgen.network.reader import read_network
from hwgen.runtime.compiled import compile_images
from hwgen.runtime.inference import load, run, simulated_board

from ..cases import some
from ..compiler_bench import (
    Builder,
    Concatenate,
    Pad,
    Reshape,
    Window,
    design,
    inputs_of,
    least_memory,
    random_window,
    run_program,
    verify,
)
from ..networks import path
from ..rtl.bitserial.test_bitserial_engine import DESIGN as BIT_SERIAL
from ..rtl.compact.test_compact import SMALL as COMPACT

SAME = Window((3, 3), before=(1, 1), after=(1, 1))
FAST = Design(rows=16, columns=16, lanes=16, activation_memory=1 << 16, program_memory=1 << 19,
              partial_sums=1024)
KINDS = {
    "systolic": {}, "compact": {"compact": True, "lanes": 1, "lines": 0},
    "bitserial": {"engine": "bitserial", "lines": 0},
    "compact bitserial": {"engine": "bitserial", "compact": True, "lanes": 1, "lines": 0}}
LAYERS = {"kws_dscnn": (Stack(10, -4, 2, 1), (25, 10, 10), 5_124, 1_624),
          "ic_resnet8": (Stack(3, -1, 1, 1), (32, 32, 9), 3_196, 2_172)}


def stacks(program):
    """Return how the inputs of a Program are stored."""
    return [program.tensors[name].stack for name in program.inputs]


def cycles(program):
    return total_cycles(program.steps, Array.of(program.design))


def lowered(network, of, stacked):
    """Return the Program of a network, its inputs stacked or not, be it quicker or not."""
    network = simplify(network)
    program = place_and_lower(network, stackable(network) if stacked else {}, of, None)
    check_program(program)
    return program


def first_layer(name):
    """Return the network of the first layer of one of the four."""
    network = read_network(path(name))
    layer = network.layers[0]
    return Network(name, network.tensors, (layer,), network.inputs, (layer.output,))


def any_network(seed, few_bits=False):
    """Return a network that begins with a convolution of several rows, whatever its window."""
    rng = np.random.default_rng([seed, 11])
    height, width = rng.integers(1, 15, 2).tolist()
    build = Builder(seed, height, width, int(rng.choice([1, 1, 2, 3, 4, 7, 17])))
    while (window := random_window(rng, height, width, 8)).kernel[0] == 1:
        pass
    build.convolution(int(rng.integers(1, 24)), window, dead=rng.choice([0, 0.3]),
                      shift=rng.choice([None, None, None, 2]))
    if rng.random() < 0.5:
        build.convolution(int(rng.integers(1, 9)), SAME)
    network = build.network()
    if not few_bits:
        return network, inputs_of(network, seed)
    held = Precision(int(rng.integers(1, 8)), "unsigned")
    tensors = network.tensors | {"t0": replace(network.tensors["t0"], precision=held)}
    x = rng.integers(held.low, held.high + 1, tensors["t0"].shape).astype(np.int8)
    return replace(network, tensors=tensors), {"t0": x}


def any_design(rng, **fields):
    rows, columns = rng.choice([4, 5, 8, 9, 13, 16, 24, 32], 2).tolist()
    return design(rows, columns, sums=int(rng.choice([8, 40, 500])), **fields)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", some(range(0, 60, 15), 1))
def test_random(kind, first):
    """Any window over any image: every tensor is that of the reference, quicker or not."""
    rng, quicker = np.random.default_rng(first), 0
    for seed in range(first, first + 15):
        network, x = any_network(seed, "bitserial" in kind)
        of = any_design(rng, **KINDS[kind])
        plain, stacked = (lowered(network, of, each) for each in (False, True))
        assert stacks(plain) == [Stack()] != stacks(stacked)
        run_program(network, stacked, x)
        chosen = compile_network(network, of)
        assert cycles(chosen) == min(cycles(plain), cycles(stacked))
        assert stacks(chosen) == stacks(min(plain, stacked, key=cycles))
        quicker += stacks(chosen) != [Stack()]
    assert 0 < quicker < 15


@pytest.mark.parametrize("first", some(range(0, 40, 5), 1))
def test_little_memory(first):
    """In the least memory that will do, and a little more, what is quicker and fits is taken."""
    rng = np.random.default_rng(first)
    for seed in range(first, first + 5):
        network, x = any_network(seed)
        of = least_memory(network, any_design(rng))
        for memory in (1, 1.3, 2, 4):
            tight = of.replace(activation_memory=int(of.activation_memory * memory)
                               // of.banks * of.banks)
            program = verify(network, tight, x)
            assert cycles(program) <= cycles(lowered(network, tight, False))


@pytest.mark.parametrize("name", LAYERS)
def test_first_layers(name):
    """Those of the keyword network and of ResNet-8, and what is said of them."""
    network = first_layer(name)
    stack, shape, before, after = LAYERS[name]
    program = verify(network, FAST)
    place = program.tensors[network.inputs[0]]
    assert place.stack == stack
    assert (place.height, place.width, len(place.channels)) == shape
    assert place.shape == network.tensors[network.inputs[0]].shape
    found, = compile_images(network, FAST).layers
    plain, = compile_images(replace(network, host_inputs=False), FAST).layers
    assert (plain.cycles, found.cycles) == (before, after)
    for fact in ("products", "computed", "least"):
        assert getattr(found, fact) == getattr(plain, fact)
    assert found.multipliers_busy == plain.multipliers_busy * before / after
    assert found.traffic.written == plain.traffic.written
    assert found.traffic.program < plain.traffic.program


def test_layout():
    """Byte by byte: rows that an output row reads, those outside the zero point."""
    build = Builder(0, 5, 2, 1, zero_point=9)
    build.convolution(3, Window((3, 1), (2, 1), (2, 1), (2, 0), (3, 0)))
    network = build.network()
    program = lowered(network, design(4, 4), True)
    place = program.tensors["t0"]
    values = np.arange(10, 20, dtype=np.int8).reshape(1, 5, 2, 1)
    assert place.stack == Stack(3, -2, 2, 2)
    assert place.stored_part(values).reshape(place.height, -1).tolist() == [
        [9, 10, 14, 9, 11, 15], [10, 14, 18, 11, 15, 19], [14, 18, 9, 15, 19, 9]]


def test_left_as_they_are():
    """Inputs that others read, too, or that are not read by a convolution of several rows."""
    of = design(16, 16)

    def plain(build, *outputs):
        return stacks(verify(build.network(*outputs), of)) == [Stack()] * len(build.inputs)

    build = Builder(1, 9, 9, 1)
    build.convolution(5, Window((3, 3)))
    assert not plain(build)
    assert plain(build, "t0", "t1")
    build.convolution(5, Window((3, 3)), "t0")
    assert plain(build, "t1", "t2")
    for window in (Window((1, 5)), Window((1, 1))):
        build = Builder(1, 9, 9, 1)
        build.convolution(5, window)
        assert plain(build)
    build = Builder(1, 9, 9, 2)
    build.depthwise(Window((3, 3)))
    assert plain(build)
    build = Builder(1, 9, 9, 1)
    build.add(Reshape, (9, 9, 1), zero_point=build.tensors["t0"].zero_point)
    build.convolution(5, Window((3, 3)))
    assert plain(build)


def test_padding_before():
    """Padding that the convolution does is part of what is stored."""
    build = Builder(6, 9, 6, 1, zero_point=4)
    build.add(Pad, (14, 9, 1), zero_point=4, before=(4, 3), after=(1, 0), value=4)
    build.convolution(5, Window((3, 3)))
    assert stacks(verify(build.network(), design(16, 16))) == [Stack(3, -4, 1, 1)]


def test_several_inputs():
    """Each is stored as its own layer reads it."""
    build = Builder(2, 9, 9, 1)
    a = build.convolution(5, Window((3, 3), (2, 2)))
    b = build.convolution(5, Window((5, 2), (1, 2), before=(0, 1)), build.input(8, 6, 2))
    build.add(Concatenate, (4, 7, 5), (a, b), axis=2)
    network = build.network()
    assert stacks(verify(network, design(16, 16))) == [Stack(3, 0, 2, 1), Stack(5, 0, 1, 1)]


def test_too_large():
    """Where there is room for the input only as it is, it is stored so; as it is said of less."""
    build = Builder(3, 40, 8, 1)
    build.convolution(1, Window((9, 3)))
    network = build.network()
    of = design(16, 16, activation_memory=1 << 12)
    assert stacks(compile_network(network, of)) == [Stack(9, 0, 1, 1)]
    least = least_memory(network, of)
    assert least.activation_memory < 32 * 8 * 9
    assert stacks(verify(network, least)) == [Stack()]


@pytest.mark.parametrize("of", [
    pytest.param(FAST, marks=pytest.mark.slow),
    pytest.param(COMPACT, marks=pytest.mark.xdist_group("small accelerator")),
    pytest.param(BIT_SERIAL, marks=pytest.mark.slow)],
    ids=["fast", "compact", "bitserial"])
def test_verilog(of):
    """Values and cycles of the hardware."""
    cases = [any_network(seed, of.engine == "bitserial") for seed in range(100, 112)]
    cases += [(network, inputs_of(network)) for network in map(first_layer, LAYERS)] * (of is FAST)
    board, quicker = simulated_board(of), 0
    with board.link:
        for network, x in cases:
            program = compile_network(network, of)
            quicker += stacks(program) != [Stack()]
            load(board, program)
            result = run(board, program, network, x, check=True)
            for layer in result.layers:
                assert layer.difference is None, layer
                assert layer.cycles == layer.predicted_cycles, layer
    assert quicker >= 4


@pytest.fixture
def stacked():
    """A Program with a stacked input and an output."""
    program = lowered(first_layer("kws_dscnn"), FAST, True)
    assert stacks(program) == [LAYERS["kws_dscnn"][0]]
    return program


def test_file(stacked, tmp_path):
    stacked.save(tmp_path / "a.program")
    again = Program.load(tmp_path / "a.program")
    for field in fields(stacked):
        assert getattr(again, field.name) == getattr(stacked, field.name)


@pytest.mark.parametrize("fields", [
    {"stack": {"rows": 0}}, {"stack": {"rows": -1}}, {"stack": {"rows": 3}},
    {"stack": {"rows": 11}}, {"stack": {"rows": 1 << 40}}, {"stack": {"stride": 0}},
    {"stack": {"step": -1}}, {"stack": {"stride": 1 << 62}}, {"stack": {"first": -1 << 62}},
    {"stack": {"first": 1 << 80}}, {"stack": {"first": 0.5}}, {"stack": {"rows": None}},
    {"stack": {"lines": 1}}, {"stack": {"rows": 1, "first": 0, "stride": 1, "step": 1}},
    {"stack": 1}, {"height": 0}, {"height": 1 << 40}, {"height": 10_000}, {"width": 0},
    {"width": 3}, {"width": 1 << 40}, {"shape": [1, 49, 10]}, {"shape": [1, 1 << 40, 10, 1]},
    {"shape": [1, 0, 10, 1]}, {"shape": [-1, -49, 10, 1]}, {"row": 0}, {"row": 1 << 40},
    {"pitch": 0}, {"pitch": -1}, {"address": -4}, {"address": 1 << 16}, {"zero_point": 128},
    {"channels": []}, {"channels": [0, 99]}, {"constants": []}, {"shape": []}], ids=json.dumps)
def test_hostile_file(stacked, tmp_path, fields, monkeypatch):
    """What cannot be is one sentence, and takes no memory, though its fingerprint is right."""
    name, = stacked.inputs
    place = asdict(stacked.tensors[name])
    wrong = place | {field: place[field] | value if isinstance(value, dict) else value
                     for field, value in fields.items()}
    with monkeypatch.context() as patch:
        patch.setattr(Program, "_facts", facts_with(name, wrong))
        stacked.save(tmp_path / "a.program")
    with pytest.raises(UserError) as error:
        Program.load(tmp_path / "a.program")
    assert str(error.value).startswith(str(tmp_path / "a.program"))
    assert "\n" not in str(error.value)


def facts_with(name, place):
    """Return a Program's method that describes it, with another place for a tensor."""
    honest = Program._facts

    def facts(self, **others):
        told = json.loads(honest(self, **others))
        told["tensors"][name] = place
        return json.dumps(told).encode()

    return facts


def test_output_that_is_stacked(stacked):
    """Only what a host writes can be."""
    name, = stacked.outputs
    place = stacked.tensors[name]
    with pytest.raises(UserError, match="cannot lie in 65536 bytes as it says"):
        replace(stacked, tensors=stacked.tensors | {name: replace(place, stack=Stack(2, 0, 1, 1))})


def test_old_file(stacked, tmp_path, monkeypatch):
    """A file of the format before is refused."""
    monkeypatch.setattr("hwgen.compiler.program.FORMAT", 3)
    stacked.save(tmp_path / "a.program")
    monkeypatch.undo()
    message = f"its format is 3, not {FORMAT}: compile the network again"
    with pytest.raises(UserError, match=message):
        Program.load(tmp_path / "a.program")
