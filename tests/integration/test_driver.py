"""The driver in C on the host, against the Verilog of a Wishbone top level."""

import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

import hwgen
from hwgen.arch.design import Design
from hwgen.arch.steps import Mode
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.compiler.program import Stack
from hwgen.golden.network import network as golden
from hwgen.golden.network.stream import GoldenStream
from hwgen.integration import files
from hwgen.integration.c_program import c_name, c_program
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite
from hwgen.predict.layers import predictions
from hwgen.rtl.tops.catalogue import WISHBONE
from hwgen.runtime.inference import portable
from sim.boards.wishbone import simulator

from ..compiler_bench import Builder, Window, inputs_of
from ..networks import arrays, path
from ..rtl.sparse.test_sparse_engine import DESIGN as SPARSE
from ..rtl.sparse.test_sparse_engine import case as sparse_case
from ..rtl.unpack.test_decompress import case as packed_case
from ..rtl.unpack.test_decompress import tight, unpacking
from ..stream_writer import StreamGraph

STRICT = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic"]

gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


def compile_c(folder, *words):
    """Compile, and raise with what the compiler says."""
    run = subprocess.run(["gcc", *STRICT, *words], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def infer(design, program, images, folder, *flags):
    """Run images through the driver on the simulated system: outputs, cycles, sum of counters."""
    hwgen.write(design, folder, WISHBONE)
    (folder / "network.h").write_text(c_program(program, "network"))
    (folder / "inputs").write_bytes(b"".join(
        np.asarray(image[name], np.int8).tobytes() for image in images for name in program.inputs))
    program_c = Path(__file__).with_name("driver.c")
    compile_c(folder, "-O1", "-I.", "-DNETWORK=network", *flags, "-o", "driver", program_c,
              "hwgen.c")
    system = subprocess.Popen([simulator((folder / f"{WISHBONE.module}.v").read_text(),
                                         WISHBONE.module)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    run = subprocess.run([folder / "driver", "inputs", "outputs", str(len(program.steps))],
                         cwd=folder, stdin=system.stdout, stdout=system.stdin,
                         stderr=subprocess.PIPE, text=True, timeout=900)
    system.stdin.close()
    system.stdout.close()
    assert (system.wait(10), run.returncode, run.stderr) == (0, 0, "")
    data, found = (folder / "outputs").read_bytes(), []
    for _ in images:
        values = {}
        for name in program.outputs:
            place = program.tensors[name]
            size = place.height * place.width * len(place.constants)
            values[name] = np.frombuffer(data[:size], np.int8).reshape(place.shape)
            data = data[size:]
        found.append((values, *struct.unpack("=II", data[:8])))
        data = data[8:]
    assert not data
    return found


def check(design, network, images, folder):
    """Hold every output against the golden model, and cycles against the cost model."""
    program = compile_network(network, design)
    cycles = int(c_program(program, "x").split(".cycles = ")[1].split(",")[0])
    for image, (values, *counted) in zip(images, infer(design, program, images, folder),
                                         strict=True):
        expected = golden.run(network, image, keep=True)
        for name in program.outputs:
            np.testing.assert_array_equal(values[name], expected[name])
        assert counted == [cycles, cycles]


@gcc
def test_keywords(tmp_path):
    """Spoken words, every output equal."""
    keywords(tmp_path, 2)


@gcc
@pytest.mark.slow
def test_all_keywords(tmp_path):
    keywords(tmp_path, None)


def keywords(folder, count):
    network = read_network(path("kws_dscnn"))
    design = portable(Design.load("icebreaker")).replace(steps=64)
    shape = network.tensors[network.inputs[0]].shape
    images = [{network.inputs[0]: image.reshape(shape)}
              for image in arrays("kws_dscnn")["input"][:count]]
    check(design, network, images, folder)


@gcc
@pytest.mark.slow
def test_stacked_inputs(tmp_path):
    """Rows of inputs that are stored together, some of them outside the image."""
    design = Design(rows=9, columns=4, lanes=1, compact=True, activation_memory=1024,
                    program_memory=4096, partial_sums=16)
    build = Builder(1, 7, 3, 2)
    window = Window((3, 2), (2, 1), before=(1, 0), after=(1, 1))
    a = build.convolution(3, window)
    build.sum(a, build.convolution(3, window, build.input(7, 3, 2)))
    network = build.network()
    program = compile_network(network, design)
    assert [program.tensors[name].stack for name in program.inputs] == 2 * [Stack(3, -1, 2, 1)]
    check(design, network, [inputs_of(network, seed) for seed in range(3)], tmp_path)


@gcc
def test_frames(tmp_path):
    """A network with state: each frame goes on from the one before, and after a reset anew."""
    design = Design(rows=4, columns=4, lanes=1, lines=1, compact=True, activation_memory=1024,
                    program_memory=4096, partial_sums=16, steps=32)
    graph = StreamGraph(np.random.default_rng(3))
    x = graph.streamed(graph.activation(1, 1, 1, 5), 3, "after")
    x = graph.svdf(graph.reshape(graph.depthwise(x)))
    network = tflite.read(graph.write(x))
    program = compile_network(network, design)
    assert len(program.states) == 2
    frames, [output] = [inputs_of(network, seed) for seed in range(6)], network.outputs
    stream, expected = GoldenStream(network), []
    for number, frame in enumerate(frames):
        if number in (1, 5):  # the driver has loaded the Program, and resets before every fourth
            stream.reset()
        expected.append(stream.run(frame)[output].tolist())
    assert len({str(each) for each in expected}) > 3
    found = infer(design, program, frames, tmp_path, "-DRESET_EVERY=4")
    assert [values[output].tolist() for values, *_ in found] == expected


@gcc
@pytest.mark.slow
@pytest.mark.parametrize("columns", [5, 6])
def test_odd_places(columns, tmp_path):
    """Channels that do not fill words, columns that are no power of two, the fast accelerator."""
    design = Design(rows=4, columns=columns, lanes=2, activation_memory=1024, program_memory=2000,
                    partial_sums=16)
    build = Builder(1, 5, 3, 3)
    build.convolution(5, Window((2, 2)))
    network = build.network()
    check(design, network, [inputs_of(network, seed) for seed in range(3)], tmp_path)


@gcc
@pytest.mark.slow
def test_sparse_engine(tmp_path):
    """Layers on the sparse engine, whose compressed weights are in a space of their own."""
    network, x = sparse_case(7)
    inputs = [x, inputs_of(network, 1)]
    program = compile_network(network, SPARSE, x)
    assert {step.mode for step in program.steps} == {Mode.SPARSE, Mode.SUMS}
    text = c_program(program, "x")
    most = int(text.split(".cycles = ")[1].split(",")[0])
    for image, (values, *counted) in zip(inputs, infer(SPARSE, program, inputs, tmp_path),
                                         strict=True):
        name, = program.outputs
        np.testing.assert_array_equal(values[name], golden.run(network, image)[name])
        cycles = sum(work.cycles for work in predictions(network, program, image))
        assert counted == [cycles, cycles] and cycles <= most


@gcc
@pytest.mark.slow
def test_packed_weights(tmp_path):
    """Weights that are unpacked before they are used, in a memory too small for them."""
    for seed in (0, 1):
        network = packed_case(seed)
        program = tight(network)
        assert any(unpacking(program))
        check(program.design, network, [inputs_of(network, seed) for seed in range(2)],
              tmp_path / str(seed))


@gcc
def test_cplusplus_and_assembly(tmp_path):
    """The headers are of use to others, too."""
    design = Design(rows=4, columns=4, lanes=1, activation_memory=64, program_memory=64,
                    partial_sums=4)
    for name, text in files(design, WISHBONE).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "a.cc").write_text('#include "hwgen.h"\nint main() { return HWGEN_OK; }\n')
    (tmp_path / "b.S").write_text('#include "hwgen_registers.h"\n.long HWGEN_STATUS\n')
    for name in ("a.cc", "b.S"):
        subprocess.run(["g++", "-Wall", "-Werror", "-c", name], cwd=tmp_path, check=True)


@gcc
@pytest.mark.slow
def test_documented_example(tmp_path, monkeypatch):
    """That of docs/integration.md compiles, with the Program that its command writes."""
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "integration.md").read_text()
    example, = re.findall(r"```c\n(.*?)```", page, re.S)
    assert "hwgen compile networks/kws_dscnn.tflite --design icebreaker -o kws.h" in example
    (tmp_path / "example.c").write_text(example)
    for name, text in files(Design.load("icebreaker"), WISHBONE).items():
        (tmp_path / name).write_text(text)
    assert main(["compile", str(path("kws_dscnn")), "--design", "icebreaker", "-o", "kws.h"]) == 0
    compile_c(tmp_path, "-c", "example.c", "hwgen.c")


@pytest.mark.parametrize("text, name", [
    ("net", "net"), ("my net-2", "my_net_2"), ("2net", "network_2net"), ("", "network_"),
    ("Ünet", "network__net")])
def test_names(text, name):
    assert c_name(text) == name
