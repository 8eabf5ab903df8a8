import dataclasses

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import Mode
from hwgen.compiler import Program, compile_network
from hwgen.cost.cycles import Array, total_cycles
from hwgen.errors import UserError
from hwgen.network.graph import Logistic, Softmax
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite

from ..cases import some
from ..compiler_bench import (
    AveragePool,
    Builder,
    Concatenate,
    MaxPool,
    Mean,
    Pad,
    Reshape,
    Window,
    design,
    least_memory,
    random_network,
    random_window,
    verify,
)
from ..networks import NETWORKS, arrays, path

SAME = Window((3, 3), before=(1, 1), after=(1, 1))
SHAPES = [(9, 16, 3, 512), (8, 8, 0, 256), (4, 4, 0, 512), (5, 8, 3, 100), (16, 16, 3, 64),
          (32, 32, 5, 512), (7, 13, 2, 77)]
BARS = {"ic_resnet8": 105_000, "kws_dscnn": 27_000, "vww_mobilenet": 45_000,
        "ad_autoencoder": 20_000}


def any_design(rng, **fields):
    rows, columns = rng.choice([4, 5, 7, 8, 9, 13, 16], 2).tolist()
    return design(rows, columns, lines=int(rng.integers(0, 5)), sums=int(rng.choice([8, 40, 500])),
                  pixels=int(rng.choice([6, 9, 64])), **fields)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rows, columns, lines, sums", some(SHAPES, 3))
def test_networks(name, rows, columns, lines, sums):
    net = tflite.read(path(name))
    image = arrays(name)["input"][:1].reshape(net.tensors[net.inputs[0]].shape)
    verify(net, design(rows, columns, lines, sums), {net.inputs[0]: image})


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_fit_ulx3s(name):
    of = Design.load("ulx3s-85f")
    program = compile_network(tflite.read(path(name)), of)
    assert total_cycles(program.steps, Array.of(of)) <= BARS[name]


@pytest.mark.parametrize("rounding", ["tflm", "single"])
@pytest.mark.parametrize("dead", [0, 0.4])
@pytest.mark.parametrize("seed", range(12))
def test_convolution(seed, dead, rounding):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 14, 2).tolist()
    build = Builder(seed, height, width, int(rng.choice([1, 3, 4, 17, 33])))
    build.convolution(int(rng.choice([1, 5, 17, 40])), random_window(rng, height, width), dead=dead)
    verify(build.network(rounding=rounding), any_design(rng, rounding=rounding))


@pytest.mark.parametrize("multiple", [1, 2, 3, 8])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("seed", range(8))
def test_depthwise(seed, dilation, multiple):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 14, 2).tolist()
    build = Builder(seed, height, width, int(rng.choice([1, 3, 16, 17, 33])))
    build.depthwise(random_window(rng, height, width, dilation=dilation), multiple)
    verify(build.network(), any_design(rng))


@pytest.mark.parametrize("rounding", ["tflm", "single"])
@pytest.mark.parametrize("first", some(range(0, 200, 10), 7))
def test_random_networks(first, rounding):
    rng = np.random.default_rng(first)
    for seed in range(first, first + 10):
        verify(random_network(seed, rounding), any_design(rng, rounding=rounding))


@pytest.mark.parametrize("kernel", [(1, 1), (1, 3), (3, 1), (3, 3), (5, 5), (2, 7), (7, 2)])
@pytest.mark.parametrize("rows, lines", [(9, 3), (8, 3), (16, 2), (5, 1), (7, 7)])
def test_depthwise_on_lines(kernel, rows, lines):
    before, after = ((kernel[0] - 1) // 2, kernel[1] // 2), (kernel[0] // 2, (kernel[1] - 1) // 2)
    for stride in (1, 2):
        build = Builder(3, 9, 20, 19)
        build.depthwise(Window(kernel, (stride, stride), before=before, after=after))
        verify(build.network(), design(rows, 8, lines, 100, 12))


@pytest.mark.parametrize("shift", [-31, 1, 3, 10, [0, 2, -4, 1, 3] * 2])
@pytest.mark.parametrize("lines", some([0, 3], 1))
def test_shift_to_the_left(shift, lines):
    build = Builder(1, 6, 7, 10)
    build.convolution(10, SAME, shift=shift)
    build.depthwise(SAME, shift=shift)
    verify(build.network(), design(9, 8, lines))


def test_shift_beyond_ten():
    build = Builder(1, 6, 7, 1)
    build.convolution(4, Window((1, 1)), shift=14)
    verify(build.network(), design())
    build = Builder(1, 6, 7, 10)
    build.convolution(4, SAME, shift=30)
    with pytest.raises(UserError, match="layer 'l0': it multiplies its sums by 2\\*\\*29 or more"):
        compile_network(build.network(), design())


@pytest.mark.parametrize("outputs", [1, 8, 70])
def test_fully_connected(outputs):
    build = Builder(outputs, 3, 50)
    build.fully_connected(outputs)
    verify(build.network(), design(7, 13))


@pytest.mark.parametrize("operator", ["sum", "maximum"])
@pytest.mark.parametrize("channels", [1, 8, 13])
@pytest.mark.parametrize("sums", [4, 40])
def test_of_two_tensors(operator, channels, sums):
    build = Builder(2, 5, 7, channels)
    getattr(build, operator)(build.inputs[0], build.input(5, 7, channels))
    verify(build.network(), design(8, 8, 0, sums))


def test_maximum_of_all_pairs():
    build = Builder(2, 256, 256, 1)
    a, b = build.inputs[0], build.input(256, 256, 1)
    build.maximum(a, b)
    values = np.meshgrid(*2 * [np.arange(-128, 128, dtype=np.int8)])
    verify(build.network(), design(7, 13, 0, 500), {
        name: each[None, :, :, None] for name, each in zip((a, b), values, strict=True)})


def test_maximum_of_one_tensor():
    """Twice, and once in another shape: two sources in one buffer."""
    build = Builder(2, 5, 7, 3)
    a = build.convolution(5, SAME)
    build.maximum(a, a)
    build.add(Reshape, (7, 5, 5), a, zero_point=build.tensors[a].zero_point)
    build.add(Reshape, (5, 7, 5), zero_point=build.tensors[a].zero_point)
    build.maximum(build.last, a)
    verify(build.network("t2", build.last), design())


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("channels", some([11, 3, 8], 1))
def test_maximum_and_concatenation(axis, channels):
    """Its output is written where it is concatenated; what it reads is copied there."""
    build = Builder(7, 5, 6, channels)
    a = build.convolution(channels, SAME, build.inputs[0])
    b = build.depthwise(SAME, 1, build.inputs[0])
    c = build.maximum(a, b)
    shape = [5, 6, channels]
    shape[axis - 1] *= 3
    d = build.add(Concatenate, tuple(shape), (a, c, b), axis=axis)
    build.maximum(d, d)
    verify(build.network(), design())
    build.maximum(d, build.input(*shape))
    build.convolution(4, SAME)
    verify(build.network(), least_memory(build.network(), design(5, 7)))


@pytest.mark.parametrize("kind", [AveragePool, MaxPool])
@pytest.mark.parametrize("window", [
    Window((2, 2), (2, 2)), Window((9, 10)), SAME, Window((1, 1)),
    Window((5, 4), (2, 3), (1, 1), (2, 1), (3, 2)), Window((2, 3), (1, 1), (2, 1))])
@pytest.mark.parametrize("channels", [3, 16])
def test_pool(kind, window, channels):
    build = Builder(4, 9, 10, channels)
    build.pool(kind, window)
    verify(build.network(), design())


@pytest.mark.parametrize("shift", [-6, 0, 2])
@pytest.mark.parametrize("channels", [3, 16])
def test_mean(channels, shift):
    build = Builder(5, 6, 7, channels)
    build.add(Mean, (channels,), requantisation=lambda out: build.requantisation(1, out, 1, shift))
    verify(build.network(), design())


@pytest.mark.parametrize("channels", [1, 3, 16])
def test_pad(channels):
    build = Builder(6, 5, 6, channels)
    build.add(Pad, (8, 9, channels), before=(1, 3), after=(2, 0), value=-7)
    verify(build.network(), design())


def test_pad_before_convolution_is_not_run():
    build = Builder(6, 5, 6, 3, zero_point=4)
    build.add(Pad, (8, 9, 3), zero_point=4, before=(1, 3), after=(2, 0), value=4)
    build.convolution(5, Window((3, 3)))
    assert len(verify(build.network(), design()).layers) == 1


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("pointwise", [True, False])
def test_concatenation(axis, pointwise):
    build = Builder(7, 5, 6, 5)
    a = build.convolution(5, SAME, build.inputs[0])
    b = build.sum(a, build.depthwise(SAME, 1, build.inputs[0]))
    shape = [5, 6, 5]
    shape[axis - 1] *= 4
    build.add(Concatenate, tuple(shape), (a, b, build.inputs[0], b), axis=axis)
    build.convolution(9, Window((1, 1)) if pointwise else SAME)
    verify(build.network(build.last, a), design())


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("dead", [(1, 0.5), (0.5, 1), (1, 1)])
def test_concatenation_of_constants(axis, dead):
    """Of a part whose channels are all constant nobody reads anything."""
    build = Builder(3, 5, 6, 4)
    a, b = (build.convolution(4, SAME, build.inputs[0], dead=each) for each in dead)
    for parts in ((a, b), (None, a)):  # once more, around the first
        parts = [part or build.last for part in parts]
        shape = list(build.shape(parts[0]))
        shape[axis - 1] += build.shape(parts[1])[axis - 1]
        build.add(Concatenate, tuple(shape), tuple(parts), axis=axis)
    build.convolution(9, Window((1, 1)))
    verify(build.network(), design())


def test_reshape_and_several_outputs():
    build = Builder(8, 4, 3, 6)
    a = build.convolution(11, SAME, dead=0.5)
    build.add(Reshape, (4 * 3 * 11,), zero_point=build.tensors[a].zero_point)
    b = build.last
    c = build.fully_connected(5)
    verify(build.network(a, c), design())
    verify(build.network(b, c), design())
    verify(build.network(c), design())


@pytest.mark.parametrize("seed", range(20))
def test_dead_channels(seed):
    rng = np.random.default_rng(seed)
    build = Builder(seed, 7, 7, 3)
    build.convolution(int(rng.integers(2, 30)), SAME, dead=0.6, zero_point=-128)
    for _ in range(3):
        dead = float(rng.choice([0.2, 0.6, 1]))
        before = build.last
        build.depthwise(SAME, dead=dead)
        after = build.convolution(build.shape(before)[-1], Window((1, 1)), dead=dead)
        if rng.random() < 0.3:
            build.sum(before, after)
    build.pool(AveragePool, Window((7, 7)))
    build.convolution(3, Window((1, 1)))
    verify(build.network(), any_design(rng))


def test_dead_channels_are_not_stored():
    net = tflite.read(path("vww_mobilenet"))
    program = compile_network(net, Design.load("ulx3s-85f"))
    convolutions = [program.tensors[layer.output] for layer in program.layers
                    if "CONV" in layer.operator]
    assert sum(len(place.constants) - len(place.channels) for place in convolutions) > 1700


def test_host_layers():
    build = Builder(9, 4, 4, 3)
    a = build.convolution(4, SAME)
    build.add(Softmax, (4, 4, 4), a, beta=2.0)
    program = verify(build.network(), design())
    assert program.outputs == (a,) and program.results == (build.last,)
    assert [(h.operator, h.inputs, h.beta) for h in program.host_layers] == [("SOFTMAX", (a,), 2.0)]
    build.convolution(4, SAME)
    with pytest.raises(UserError, match="layer 'l2' reads what the host computes after"):
        compile_network(build.network(), design())
    build = Builder(9, 4, 4, 3)
    build.add(Logistic, (4, 4, 3))
    assert verify(build.network(), design()).steps == ()


def test_does_not_fit():
    build = Builder(4, 20, 11, 8)
    build.convolution(24, SAME)
    build.depthwise(SAME)
    build.convolution(9, Window((1, 1)))
    net, of = build.network(), design(9, 16, 3, activation_memory=4096)
    with pytest.raises(UserError) as error:
        compile_network(net, of)
    needed = int(str(error.value).split()[3])
    assert str(error.value) == (
        f"the tensors need {needed} bytes, {needed - 4096} more than the activation memory has: "
        f"activation_memory must be {-(-needed // 16) * 16} or more")
    of = least_memory(net, of)
    with pytest.raises(UserError, match="the steps and weights need .* bytes, .* more than the "
                                        "program memory has: program_memory must be ") as error:
        compile_network(net, of.replace(program_memory=1600))
    needed = int(str(error.value).split()[5])
    verify(net, of.replace(program_memory=needed))
    with pytest.raises(UserError, match="activation_memory must be .*; the steps and weights "
                                        f"need {needed} bytes, .*program_memory must be {needed}"):
        compile_network(net, of.replace(program_memory=1600, activation_memory=4096))
    with pytest.raises(UserError, match="rounding of the Design must be 'tflm', not 'single'"):
        compile_network(net, of.replace(rounding="single"))
    with pytest.raises(UserError, match="the Design is of an array alone"):
        compile_network(net, Design())


def test_tensors_of_keywords_take_little():
    of = least_memory(tflite.read(path("kws_dscnn")), design(9, 16, 3))
    assert 8000 < of.activation_memory < 8500


def test_file(tmp_path):
    program = compile_network(tflite.read(path("kws_dscnn")), Design.load("ulx3s-85f"))
    program.save(tmp_path / "kws.npz")
    again = Program.load(tmp_path / "kws.npz")
    assert again.fingerprint == program.fingerprint
    names = [field.name for field in dataclasses.fields(program)]
    assert [getattr(again, name) for name in names] == [getattr(program, name) for name in names]
    same = compile_network(tflite.read(path("kws_dscnn")), Design.load("ulx3s-85f"))
    assert same.fingerprint == program.fingerprint


def test_file_wrong(tmp_path):
    program = compile_network(tflite.read(path("kws_dscnn")), Design.load("ulx3s-85f"))
    program.save(tmp_path / "kws.npz")
    data = (tmp_path / "kws.npz").read_bytes()
    wrong = tmp_path / "wrong.npz"
    with pytest.raises(UserError, match="cannot be read"):
        Program.load(wrong)
    rng = np.random.default_rng(0)
    for size in (0, 1, 100, len(data) // 2, len(data) - 1):
        wrong.write_bytes(data[:size])
        with pytest.raises(UserError, match="wrong.npz"):
            Program.load(wrong)
    for place in rng.integers(0, len(data), 60).tolist():
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        wrong.write_bytes(damaged)
        try:
            found = Program.load(wrong)
        except UserError:
            continue
        assert found.fingerprint == program.fingerprint
    np.savez(wrong, facts=np.zeros(3))
    with pytest.raises(UserError, match="is not a Program of hwgen"):
        Program.load(wrong)


def test_steps_that_overlap():
    """All steps with weights of a layer follow one another at once, and the first ones of some."""
    design = Design.load("ulx3s-85f").replace(partial_sums=40)
    program = compile_network(read_network(path("kws_dscnn")), design)
    firsts = {layer.first for layer in program.layers}
    found = {index for index, step in enumerate(program.steps) if step.overlaps}
    assert found - firsts == {index for index, step in enumerate(program.steps)
                              if index not in firsts and step.mode in (Mode.MATRIX, Mode.DEPTHWISE)}
    assert len(found & firsts) > 5
