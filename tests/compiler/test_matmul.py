"""BATCH_MATMUL of two tensors, on the golden model of the accelerator."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import Matmul, Softmax
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite

from ..cases import some
from ..compiler_bench import Builder, Window, design, inputs_of, least_memory, verify, with_step
from ..networks import SHARED
from ..tflite_writer import Graph, random_layer


def single(seed):
    """Return a BATCH_MATMUL of a random file, and inputs with extreme bytes."""
    rng = np.random.default_rng([seed, 3])
    network = tflite.read(random_layer(rng, "BATCH_MATMUL"))
    x = inputs_of(network, seed)
    return network, {name: np.where(rng.random(values.shape) < 0.2, np.int8(-128), values)
                     for name, values in x.items()}


def attention(seed):
    """Return a network with softmax(q k) v between other layers, and inputs."""
    rng = np.random.default_rng([seed, 8])
    height, width, channels = int(rng.integers(1, 4)), *rng.integers(1, 24, 2).tolist()
    build = Builder(seed, height, width, channels)

    def ending(inner):
        return lambda zero: build.requantisation(1, zero, 75 * 75 * np.sqrt(inner))

    inner = int(rng.integers(1, 30))
    q, k, v = (build.convolution(count, Window((1, 1)), "t0") for count in (inner, inner, 9))
    scores = build.add(Matmul, (height, width, width), (q, k), transposed=True,
                       requantisation=ending(inner))
    build.tensors[scores] = replace(build.tensors[scores], scale=0.03)
    build.add(Softmax, (height, width, width), within=True, zero_point=-128)
    build.add(Matmul, (height, width, 9), (build.last, v), requantisation=ending(width))
    build.fully_connected(3)
    return build.network(), inputs_of(build.network(), seed)


def any_design(seed):
    """Return a Design with both parts."""
    rng = np.random.default_rng([seed, 12])
    return design(*rng.integers(4, 20, 2).tolist(), softmax=True, matmul=True,
                  sums=int(rng.choice([4, 23, 500])), tables=seed % 2)


@pytest.mark.parametrize("seed", [*range(25), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(25, 200))])
def test_single(seed):
    """In much memory and in little."""
    (network, x), of = single(seed), any_design(seed)
    program = verify(network, of, x)
    assert any(step.mode == Mode.LOAD for step in program.steps)
    verify(network, least_memory(network, of), x)


@pytest.mark.parametrize("seed", some(range(100), 6))
def test_attention(seed):
    (network, x), of = attention(seed), any_design(seed)
    verify(network, of, x)
    verify(network, least_memory(network, of), x)


def test_one_tensor_twice():
    """A product of a tensor with itself; both ways have words of their own, or the same."""
    build = Builder(2, 2, 7, 7)
    for transposed in (True, False):
        build.add(Matmul, (2, 7, 7), (build.last, build.last), transposed=transposed,
                  requantisation=lambda zero: build.requantisation(1, zero, 75 * 75 * 7))
    verify(build.network(), design(matmul=True))


def whole_network():
    """Return a network with attention, its inputs, and what TensorFlow Lite Micro gives."""
    path = SHARED / "modern" / "made_attention_1x16x32"
    if not path.with_suffix(".tflite").is_file():
        pytest.skip(f"no {path}, where this network is")
    network, stored = read_network(path.with_suffix(".tflite")), np.load(path.with_suffix(".npz"))
    return network, stored["input"][:, 0], stored["output"][:, 0]


def test_a_network_with_attention():
    network, x, y = whole_network()
    np.testing.assert_array_equal(run(network, x)[network.outputs[0]], y)
    verify(network, design(16, 8, matmul=True, softmax=True, tables=1),
           {network.inputs[0]: x[:1]})


def test_without_the_part():
    network, _ = single(1)
    with pytest.raises(UserError, match="^layer '0_batch_matmul': BATCH_MATMUL of two tensors needs"
                       " a Design with matmul = true, the part that loads weights from "
                       "activations$"):
        compile_network(network, design())


def plain(*, transposed=False):
    """Return a Program of one product."""
    graph = Graph(np.random.default_rng(4))
    network = tflite.read(graph.write(graph.matmul(adjoint=(False, transposed))))
    return compile_network(network, design(matmul=True))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("fields, message", [
    ({"height": 0}, "there is no such step on this Design"),
    ({"taps_x": 2}, "there is no such step on this Design"),
    ({"height": 9999}, "it does not load the words of a matrix"),
    ({"program": 1 << 20}, "it does not load the words of a matrix"),
    ({"base": -4}, "an input is read outside the activation memory"),
    ({"base": 1 << 17}, "an input is read at byte .*, which nobody wrote last"),
])
def test_checker(fields, message, transposed):
    program = plain(transposed=transposed)
    with pytest.raises(Unsound, match=message):
        check_program(with_step(program, 0, **fields))
