# amaranth: UnusedElaboratable=no
"""Whole networks on the Verilog of an accelerator, in values and in cycles."""

import re
from dataclasses import replace

import pytest

from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design
from hwgen.compiler.compile import compile_network
from hwgen.errors import UserError
from hwgen.generate.design import module, verilog
from hwgen.network.reader import read_network
from hwgen.runtime.accelerator import AcceleratorError, Register, RemoteAccelerator
from hwgen.runtime.inference import first_difference, load, portable, run, simulated_board
from hwgen.runtime.simulation import SimulatedLink
from sim.cells import models_of_cells

from ...cases import some
from ...compiler_bench import Builder, Window, inputs_of
from ...networks import NETWORKS, arrays, path, stored_tensors

BARS = {"kws_dscnn": 27_000, "ic_resnet8": 105_000, "vww_mobilenet": 45_000,
        "ad_autoencoder": 20_000}
"""Cycles that an inference may take on the Design of ulx3s-85f."""

MEMORIES = {"activation_memory": 65536, "program_memory": 1 << 19}
SMALL = Design(rows=8, columns=8, lines=2, lanes=4, partial_sums=256, line_pixels=128, **MEMORIES)
ODD = Design(rows=5, columns=7, lines=1, lanes=3, partial_sums=128, **MEMORIES)
DESIGNS = {
    "8x8": SMALL,
    "5x7": ODD,
    "4x4": Design(rows=4, columns=4, lanes=1, partial_sums=64, **MEMORIES),
    "12x7": Design(rows=12, columns=7, lines=2, lanes=3, partial_sums=100, line_pixels=33,
                   **MEMORIES),
    "31x5": Design(rows=31, columns=5, lines=4, lanes=5, partial_sums=77, line_pixels=20,
                   **MEMORIES),
    "7x29": Design(rows=7, columns=29, lines=7, lanes=10, partial_sums=37, line_pixels=4,
                   **MEMORIES),
    "16x16": Design(rows=16, columns=16, lines=3, lanes=8, partial_sums=300, line_pixels=49,
                    **MEMORIES),
    "32x32": Design(rows=32, columns=32, lines=5, lanes=32, partial_sums=1024, line_pixels=100,
                    **MEMORIES),
    "24x6-packed": Design(rows=24, columns=6, lines=3, packed_rows=15, lanes=3, partial_sums=100,
                          line_pixels=49, **MEMORIES),
    "single": portable(Design.load("ulx3s-85f")).replace(rounding="single"),
}


def read(name, rounding="tflm"):
    """Return a network and what is stored beside it, the inputs one by one."""
    network, stored = read_network(path(name)), arrays(name)
    stored["input"] = stored["input"].reshape(-1, *network.tensors[network.inputs[0]].shape)
    return replace(network, rounding=rounding), stored


def check(board, design, name, count=None):
    """Run inferences, and hold every layer against the golden model and the cost model."""
    network, stored = read(name, design.rounding)
    program = compile_network(network, design)
    load(board, program)
    results = []
    for image in stored["input"][:count]:
        result = run(board, program, network, {network.inputs[0]: image}, check=True)
        assert [layer.difference for layer in result.layers] == [None] * len(result.layers)
        assert [layer.cycles for layer in result.layers] \
            == [layer.predicted_cycles for layer in result.layers]
        results.append(result)
    return results


def least(name, design, field):
    """Return the least memory for a network, after what is said of one that is too small."""
    network, _ = read(name, design.rounding)
    given = {"activation_memory": design.banks, "program_memory": design.columns}[field]
    with pytest.raises(UserError, match=f": {field} must be") as error:
        compile_network(network, design.replace(**{field: given}))
    needed, more, least = map(int, re.search(
        rf" need (\d+) bytes, (\d+) more than the .* memory has: {field} must be (\d+) or more$",
        str(error.value)).groups())
    assert needed == given + more and 0 <= least - needed < design.banks
    compile_network(network, design.replace(**{field: least}))
    return least


@pytest.fixture(scope="module")
def reference():
    design = portable(Design.load("ulx3s-85f"))
    board = simulated_board(design)
    with board.link:
        yield board, design


@pytest.mark.xdist_group("reference accelerator")
@pytest.mark.parametrize("name", NETWORKS)
def test_network(name, reference):
    """RTL = golden in every tensor, and the cycles are those predicted, within the bar."""
    result, = check(*reference, name, 1)
    assert result.cycles <= BARS[name]


@pytest.mark.slow
@pytest.mark.xdist_group("reference accelerator")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_input(name, reference):
    results = check(*reference, name)
    _, stored = read(name)
    for result, expected in zip(results, stored["output"], strict=True):
        output, = result.outputs.values()
        assert output.ravel().tolist() == expected.tolist()


@pytest.mark.slow
@pytest.mark.xdist_group("reference accelerator")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_stored_tensor(name, reference):
    """Against what TensorFlow Lite Micro made of each layer, without our golden model."""
    board, design = reference
    network, stored = read(name)
    program = compile_network(network, design)
    load(board, program)
    expected = dict(zip((layer.output for layer in network.layers), stored_tensors(stored),
                        strict=True))
    place = program.tensors[network.inputs[0]]
    for index in range(len(expected[network.outputs[0]])):
        board.write_activations(place.address,
                                place.stored_part(stored["input"][index]).tobytes())
        for layer in program.layers:
            if layer.count:
                board.run(layer.first, layer.count, budget=1 << 24, watchdog=1 << 24)
            assert first_difference(board, program, layer.output,
                                    expected[layer.output][index]) is None, layer


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_other_designs(name):
    """All networks, in no more memory than they need."""
    design = DESIGNS[name]
    design = design.replace(**{field: max(least(network, design, field) for network in NETWORKS)
                               for field in MEMORIES})
    board = simulated_board(design)
    with board.link:
        for network in NETWORKS:
            check(board, design, network, 1)


@pytest.mark.xdist_group("reference accelerator")
def test_errors_stop(reference):
    """A missing descriptor and a watchdog stop the accelerator, and the next run is right."""
    board, design = reference
    board.load_program(bytes(80))
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=10_000, watchdog=1000)
    assert (stopped.value.code, stopped.value.step) == (1, 0)
    network, _ = read("kws_dscnn")
    load(board, compile_network(network, design))
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 2, budget=100_000, watchdog=500)
    assert (stopped.value.code, stopped.value.step) == (6, 0)
    board.write_register(Register.WATCHDOG, 2**32 - 1)
    check(board, design, "kws_dscnn", 1)


KINDS = {name: Design(rows=4, columns=5, activation_memory=16384, program_memory=2000,
                      partial_sums=2048, **fields)
         for name, fields in (("fast", {"lanes": 2}),
                              ("compact", {"lanes": 1, "lines": 1, "compact": True}))}
"""Small ones, whose runs are stopped."""


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 7])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_of_a_stopped_step(kind, every):
    """Wherever a step is stopped, the next one is right, also with several groups of lanes."""
    design = KINDS[kind]
    build = Builder(1, 4, 4, 5)
    build.convolution(5, Window((1, 2)))
    network = build.network()
    program = compile_network(network, design)
    board = simulated_board(design)
    with board.link:
        load(board, program)
        for watchdog in range(20, 110, every):
            board.write_activations(0, bytes(1024))
            with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
                board.run(0, 1, budget=10_000, watchdog=watchdog)
            result = run(board, program, network, inputs_of(network, watchdog), check=True)
            assert result.equal and result.cycles == result.predicted_cycles


@pytest.mark.parametrize("pauses", some([range(first, 600, 51) for first in (0, 17, 34)], 1))
@pytest.mark.parametrize("kind", KINDS)
def test_stop(kind, pauses):
    """The host stops what it likes, whenever it likes, and the next run is right."""
    design = KINDS[kind]
    side = 12 if design.compact else 36  # still more cycles than the longest pause
    build = Builder(1, side, side, 5)
    build.convolution(5, Window((1, 2)))
    network = build.network()
    program = compile_network(network, design)
    board = simulated_board(design)
    with board.link:
        load(board, program)
        board.stop()  # nothing runs: nothing happens
        for pause in pauses:
            result = run(board, program, network, inputs_of(network, pause), check=True)
            assert result.equal and result.cycles == result.predicted_cycles
            board.start(0, 1, watchdog=2**32 - 1)
            board.link.wait(pause)
            board.write_register(Register.COUNT, 7)  # not while a step runs
            board.stop()
            with pytest.raises(AcceleratorError, match="step 0: the host told it to"):
                board.wait(1000)
            assert board.read_register(Register.COUNT) == 1


@pytest.mark.slow
@pytest.mark.parametrize("family", [
    pytest.param({}, id="portable"),
    pytest.param({"family": "ecp5", "device": "LFE5U-85F", "dsps": 61}, id="ecp5")])
def test_packed_rows(family, tmp_path):
    """A whole network on an array whose cells share multipliers, but for nine taps of a column."""
    design = Design(rows=13, columns=7, lines=3, packed_rows=4, lanes=4, partial_sums=128,
                    line_pixels=49, **MEMORIES, **family)
    text = verilog(design)
    models = models_of_cells(text, design.family, tmp_path)
    with SimulatedLink(text, top=module(design), extra_sources=models) as link:
        check(RemoteAccelerator(link), design, "kws_dscnn", 1)


@pytest.mark.slow
@pytest.mark.parametrize("preset", [name for name, board in BOARDS.items()
                                    if "activation_memory" in board.design
                                    and board.design.get("engine") != "bitserial"])
def test_cells_of_the_chip(preset, tmp_path):
    """What a board gets, with models of its chip's multipliers, memories and carry chains."""
    design = Design.load(preset)
    text = verilog(design)
    link = SimulatedLink(text, top=module(design),
                         extra_sources=models_of_cells(text, design.family, tmp_path))
    with link:
        check(RemoteAccelerator(link), design, "kws_dscnn", 1)
