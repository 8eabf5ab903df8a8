import time

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.golden.network import fixed_point, layers
from hwgen.golden.network.arithmetic import divide, scale, wrap
from hwgen.golden.network.network import run
from hwgen.network.graph import Network, Window
from hwgen.network.reader import read_network
from hwgen.network.scales import activation_range, mean_multiplier, multiplier_and_shift
from hwgen.network.tflite import reading as tflite

from ..cases import quick
from ..networks import NETWORKS, SHARED, arrays, path, stored_tensors
from ..tflite_writer import (
    CURVES,
    KINDS,
    MATMULS,
    MORE_LAYERS,
    PAIRS,
    Graph,
    random_chain,
    random_layer,
    random_network,
)


def random_inputs(rng, network, images=1):
    return {name: rng.integers(-128, 128, (images, *network.tensors[name].shape[1:]), np.int8)
            for name in network.inputs}


def compare_tensors(network, stored):
    """Compare every tensor with what is stored of it, and every output."""
    results = run(network, stored["input"], keep=True)
    expected = stored_tensors(stored)
    assert len(expected) == len(network.layers)
    for layer, tensor in zip(network.layers, expected, strict=True):
        np.testing.assert_array_equal(results[layer.output][:len(tensor)], tensor, layer.name)
    np.testing.assert_array_equal(results[network.outputs[0]], stored["output"])


@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor(name):
    compare_tensors(read_network(path(name)), arrays(name))


@pytest.mark.parametrize("name", ["ic_resnet8", "kws_dscnn", "vww_mobilenet"])
def test_labels(name):
    network, stored = read_network(path(name)), arrays(name)
    answers = run(network, stored["input"])[network.outputs[0]].argmax(axis=-1)
    np.testing.assert_array_equal(answers, stored["label"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_of_all_inputs(name):
    if not SHARED.is_dir():
        pytest.skip(f"no {SHARED}, where more inputs are")
    compare_tensors(read_network(path(name)), arrays(name, SHARED / "golden"))


@pytest.mark.slow
@pytest.mark.parametrize("name, inputs, right", [
    ("kws_dscnn", "kws_eembc100", 95), ("ic_resnet8", "ic_cifar100", 74)])
def test_accuracy(name, inputs, right):
    if not SHARED.is_dir():
        pytest.skip(f"no {SHARED}, where more inputs are")
    network, stored = read_network(path(name)), arrays(inputs, SHARED / "inputs")
    answers = run(network, stored["input"])[network.outputs[0]].argmax(axis=-1)
    assert (answers == stored["label"]).sum() == right


@pytest.mark.parametrize("name", ["emza_ssd_slim_face", "tinymaix_mbnet96"])
def test_public_networks(name):
    if not (SHARED / "modern").is_dir():
        pytest.skip(f"no {SHARED / 'modern'}, where these networks are")
    network, stored = read_network(SHARED / "modern" / f"{name}.tflite"), arrays(
        name, SHARED / "modern")
    found = run(network, stored["input0"][:, 0])
    for number, output in enumerate(network.outputs):
        np.testing.assert_array_equal(found[output], stored[f"output{number}"][:, 0])


@pytest.mark.parametrize("name", ["made_mnv3_hswish_64"])
def test_networks_of_products(name):
    """Squeeze and excite: images times a number for each channel."""
    if not (SHARED / "modern").is_dir():
        pytest.skip(f"no {SHARED / 'modern'}, where these networks are")
    network, stored = read_network(SHARED / "modern" / f"{name}.tflite"), arrays(
        name, SHARED / "modern")
    [found] = run(network, stored["input"][:, 0]).values()
    np.testing.assert_array_equal(found, stored["output"][:, 0])


def test_time():
    network, stored = read_network(path("ic_resnet8")), arrays("ic_resnet8")
    run(network, stored["input"][:1])
    times = []
    for _ in range(5):
        started = time.perf_counter()
        run(network, stored["input"][:1])
        times.append(time.perf_counter() - started)
    assert min(times) < 0.2  # 0.01, on an idle machine


def reference(data, network, x):
    """Return what TensorFlow Lite Micro makes of one image, as the first output."""
    return references(data, network, x)[0]


def references(data, network, x):
    """Return all outputs."""
    micro = pytest.importorskip(
        "tflite_micro",
        reason="tflite-micro is the reference; `make setup` installs it where there is a wheel")
    interpreter = micro.runtime.Interpreter.from_bytes(data, arena_size=4 << 20)
    for index, name in enumerate(network.inputs):
        shape = interpreter.get_input_details(index)["shape"]
        interpreter.set_input(x[name].reshape(shape), index)
    interpreter.invoke()
    return [interpreter.get_output(number) for number in range(len(network.outputs))]


def compare(rng, data):
    """Compare all outputs of a file with the reference, on random inputs."""
    network = tflite.read(data)
    x = random_inputs(rng, network)
    found = run(network, x)
    for name, expected in zip(network.outputs, references(data, network, x), strict=True):
        np.testing.assert_array_equal(found[name].ravel(), expected.ravel())


@pytest.mark.parametrize("kind", [*KINDS, *MORE_LAYERS, *CURVES, *MATMULS, *PAIRS])
def test_random_layers(kind):
    for seed in range(40):
        rng = np.random.default_rng([seed, *kind.encode()])
        compare(rng, random_layer(rng, kind))


def test_ratio_of_a_fully_connected_layer():
    """At sums where rounding the product of two scales to float32 would show."""
    rng = np.random.default_rng(5)
    x_scale, scale_ = np.float32(2.0 ** rng.uniform(-9, 1)), np.float32(rng.uniform(5e-4, 0.02))
    product = float(x_scale) * float(scale_)
    y_scale = np.float32(product * 2.0 ** rng.uniform(7, 12))
    sums = np.arange(-int(120 * y_scale / product), int(120 * y_scale / product))
    exact, rounded_ = (scale(sums, *(int(part[0]) for part in multiplier_and_shift(ratio)))
                       for ratio in (product / float(y_scale),
                                     float(x_scale * scale_) / float(y_scale)))
    sums = sums[exact != rounded_]
    assert len(sums) > 1
    graph = Graph(rng)
    shape = [len(sums), 1]
    x = graph.activation(1, 1, scale=float(x_scale))
    weights = graph.tensor(shape=shape, scale=float(scale_), data=np.zeros(shape, np.int8))
    bias = graph.tensor(shape=shape[:1], scale=product, type="INT32", data=sums.astype(np.int32))
    y = graph.operator("FULLY_CONNECTED", [x, weights, bias],
                       graph.activation(1, len(sums), scale=float(y_scale), zero_point=0))
    compare(rng, graph.write(y))


def test_maximum_of_all_pairs():
    """Every int8 with every other, against the reference and against Python's own."""
    graph = Graph(np.random.default_rng(3))
    data = graph.write(graph.maximum(graph.activation(1, 256, 256)))
    network = tflite.read(data)
    a, b = np.meshgrid(*2 * [np.arange(-128, 128, dtype=np.int8)])
    x = dict(zip(network.inputs, (a[None], b[None]), strict=True))
    found = run(network, x)[network.outputs[0]]
    np.testing.assert_array_equal(found, reference(data, network, x))
    assert found.ravel().tolist() == [max(pair) for pair in
                                      zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)]


@pytest.mark.parametrize("scales", [(0.5, 0.25, 8.0), (0.1, 3.7, 30.0), (0.02, 1 / 256, 0.01)])
def test_product_of_all_pairs(scales):
    """Every int8 times every other, where products are half way between integers, and where not."""
    graph = Graph(np.random.default_rng(3))
    a, b, y = (graph.activation(1, 256, 256, scale=float(np.float32(scale)), zero_point=zero)
               for scale, zero in zip(scales, (3, -128, -9), strict=True))
    data = graph.write(graph.operator("MUL", [a, b], y))
    network = tflite.read(data)
    x = dict(zip(network.inputs, (each[None] for each in np.meshgrid(
        *2 * [np.arange(-128, 128, dtype=np.int8)])), strict=True))
    np.testing.assert_array_equal(run(network, x)[network.outputs[0]],
                                  reference(data, network, x))


@pytest.mark.parametrize("scales", [(1.0, 1 - 2.0**-21), (0.5, 0.5), (0.1, 3.7), (2.0, 0.15625)])
def test_difference_of_all_pairs(scales):
    """Every int8 less every other, where products are half way between integers, and where not."""
    graph = Graph(np.random.default_rng(3))
    a, b = (graph.activation(1, 256, 256, scale=float(np.float32(scale)), zero_point=zero)
            for scale, zero in zip(scales, (3, -70), strict=True))
    data = graph.write(graph.operator("SUB", [a, b], graph.activation(
        1, 256, 256, scale=float(max(scales)), zero_point=-9)))
    network = tflite.read(data)
    x = dict(zip(network.inputs, (each[None] for each in np.meshgrid(
        *2 * [np.arange(-128, 128, dtype=np.int8)])), strict=True))
    np.testing.assert_array_equal(run(network, x)[network.outputs[0]],
                                  reference(data, network, x))


def test_padding_between_batches():
    """SPACE_TO_BATCH_ND pads with the zero point, as TensorFlow Lite does, and PAD in its place."""
    for seed in range(60):
        of, plain = (Graph(np.random.default_rng(seed)) for _ in range(2))
        data = of.write(of.dilated(padded=True))
        same = plain.write(plain.dilated(padded=True, plain=True))
        network = tflite.read(data)
        assert len(network.layers) == 1
        x = random_inputs(np.random.default_rng(seed), network)
        [found] = run(network, x).values()
        other = tflite.read(same)
        np.testing.assert_array_equal(found.ravel(), reference(
            same, other, dict(zip(other.inputs, x.values(), strict=True))).ravel())


def test_random_networks():
    for seed in range(40):
        rng = np.random.default_rng([seed, 99])
        compare(rng, random_network(rng))


def test_random_chains():
    for seed in range(40):
        rng = np.random.default_rng([seed, 77])
        compare(rng, random_chain(rng))


@pytest.mark.slow
def test_many_random_chains():
    for seed in range(1000, 4000):
        rng = np.random.default_rng([seed, 77])
        compare(rng, random_chain(rng))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *MORE_LAYERS, *CURVES, *MATMULS, *PAIRS, "network"])
def test_random_much(kind):
    for seed in range(2000):
        rng = np.random.default_rng([seed, len(kind), 1])
        compare(rng, random_network(rng) if kind == "network" else random_layer(rng, kind))


@pytest.mark.parametrize("code", quick(["LOGISTIC", *CURVES], "LOGISTIC"))
def test_all_values_of_curves(code):
    """Every input value, 200 times, at any scales and zero points."""
    equal = 0
    for seed in range(240):
        rng = np.random.default_rng([seed, *code.encode()])
        graph, extreme = Graph(rng), bool(rng.random() < 0.3)
        power = rng.uniform(-24, 1.9) if extreme else rng.uniform(-9, 0)
        x = graph.activation(1, 256, scale=float(np.float32(2.0 ** power)))
        data = graph.write(graph.curve(x, code, extreme=extreme))
        try:
            network = tflite.read(data)
        except UserError as error:
            assert "ratio of scales" in str(error) or "its input's scale" in str(error)
            continue
        values = np.arange(-128, 128).astype(np.int8)[None]
        if code == "RSQRT":  # the reference refuses numbers below 0
            values = np.maximum(values, network.tensors[network.inputs[0]].zero_point)
        values = {network.inputs[0]: values.astype(np.int8)}
        np.testing.assert_array_equal(run(network, values)[network.outputs[0]],
                                      reference(data, network, values))
        equal += 1
    assert equal >= 200


def test_random_chains_with_curves():
    for seed in range(40):
        rng = np.random.default_rng([seed, 78])
        compare(rng, random_chain(rng, curves=True))


@pytest.mark.parametrize("code", ["SOFTMAX", "LOGISTIC"])
def test_all_values_of_host_layers(code):
    """Every input value, at many scales."""
    for power in range(-26, 6):
        graph = Graph(np.random.default_rng(power + 26))
        x = graph.activation(1, 256, scale=float(np.float32(1.37 * 2.0 ** (power / 4))))
        data = graph.write(graph.softmax(x) if code == "SOFTMAX" else graph.logistic(x))
        network = tflite.read(data)
        values = {network.inputs[0]: np.arange(-128, 128).astype(np.int8)[None]}
        np.testing.assert_array_equal(run(network, values)[network.outputs[0]],
                                      reference(data, network, values))


def rounded(numerator, denominator):
    """Round a ratio half away from zero, in Python's integers."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def test_scale_is_exact():
    """Against Python's integers, at the edges and at random."""
    rng = np.random.default_rng(5)
    edges = np.array([0, 1, -1, 2**31 - 1, -2**31, 2**30, -2**30, 3 << 29, -(3 << 29)], np.int64)
    sums = np.concatenate([edges, rng.integers(-2**31, 2**31, 300)])
    for shift in range(-31, 31):
        for q in (0, 2**29, 2**30, 2**31 - 1, int(rng.integers(2**30, 2**31))):
            twice, once = [], []
            for value in sums.tolist():
                left = (value << max(shift, 0)) + 2**31 & 2**32 - 1
                high = ((left - 2**31) * q + 2**30) // 2**31
                twice.append(rounded(high, 1 << max(-shift, 0)))
                once.append((value * q + (1 << (30 - shift))) >> (31 - shift))
            np.testing.assert_array_equal(scale(sums, q, shift), twice)
            np.testing.assert_array_equal(scale(sums, q, shift, "single"), once)


def test_scale_by_channel():
    sums = np.arange(-300, 300).reshape(100, 6)
    multiplier, shift = np.arange(6) * 2**28 + 2**30 - 1, np.array([-7, 3, 0, -31, 1, -1])
    for rounding in ("tflm", "single"):
        together = scale(sums, multiplier, shift, rounding)
        for c in range(6):
            alone = scale(sums[:, c], multiplier[c], shift[c], rounding)
            np.testing.assert_array_equal(together[:, c], alone)


def test_left_shift_wraps():
    assert scale(np.array([3 << 29]), 2**30, 1)[0] == -2**29
    assert scale(np.array([3 << 29]), 2**30, 1, "single")[0] == 3 << 29


def test_divide_rounds_half_away():
    values = np.array([-7, -6, -5, -3, -2, 0, 2, 3, 5, 6, 7])
    np.testing.assert_array_equal(divide(values, 4), [-2, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2])


def test_wrap():
    np.testing.assert_array_equal(wrap(np.array([2**31, -2**31 - 1, 2**32 + 5])),
                                  [-2**31, 2**31 - 1, 5])


@pytest.mark.parametrize("ratio, expected", [
    (1.0, (2**30, 1)), (0.5, (2**30, 0)), (0.0, (0, 0)), (2.0**-32, (2**30, -31)),
    (2.0**-33, (0, 0)), (2.0**29, (2**30, 30)), (np.nextafter(1.0, 0), (2**30, 1))])
def test_multiplier(ratio, expected):
    multiplier, shift = multiplier_and_shift(ratio)
    assert (multiplier[0], shift[0]) == expected


@pytest.mark.parametrize("ratio", [2.0**30, np.inf, np.nan, -1.0])
def test_multiplier_wrong(ratio):
    with pytest.raises(UserError, match="a ratio of scales must be"):
        multiplier_and_shift([0.5, ratio])


def test_mean_multiplier():
    assert mean_multiplier(1.0, 4) == (2**30, -1)
    assert mean_multiplier(1.0, 3) == ((2**31) // 3, 0)
    assert mean_multiplier(2.0**-32, 1000) == (2**30 // 1000, -31)


@pytest.mark.parametrize("activation, scale_, zero_point, expected", [
    ("NONE", 0.1, 5, (-128, 127)), ("RELU", 0.1, 5, (5, 127)), ("RELU6", 0.1, 5, (5, 65)),
    ("RELU_N1_TO_1", 0.1, 5, (-5, 15)), ("RELU6", 1e-30, -128, (-128, 127)),
    ("RELU6", 1e-45, -128, (-128, 127)), ("RELU_N1_TO_1", 1e9, 127, (127, 127)),
    ("RELU_N1_TO_1", 2.0, 0, (-1, 1))])
def test_activation_range(activation, scale_, zero_point, expected):
    assert activation_range(activation, scale_, zero_point) == expected


@pytest.mark.parametrize("largest, kind", [(1, np.float32), (255, np.float64)])
def test_matrix_is_exact(largest, kind):
    """At the edge of what each type of floating point holds."""
    rng = np.random.default_rng(6)
    vectors = rng.choice([-largest, largest], (37, 3000)).astype(np.int16)
    weights = rng.choice([-128, 127], (11, 3000)).astype(np.int8)
    expected = vectors.astype(np.int64) @ weights.T.astype(np.int64)
    assert (np.abs(weights.astype(int)).sum(axis=1).max() * largest < 2**24) == (kind is np.float32)
    np.testing.assert_array_equal(layers.matrix(vectors, weights), expected)


def test_convolution_in_pieces(monkeypatch):
    rng = np.random.default_rng(7)
    x = rng.integers(-128, 128, (3, 9, 8, 5), np.int8)
    weights = rng.integers(-128, 128, (6, 3, 2, 5), np.int8)
    window = Window((3, 2), (2, 1), (2, 3), (1, 2), (3, 0))
    bias = rng.integers(-9, 9, 6).astype(np.int32)
    whole = layers.convolution_sums(x, weights, bias, window, 4)
    monkeypatch.setattr(layers, "LARGEST_MATRIX", 1)
    monkeypatch.setattr(layers, "LARGEST_PRODUCT", 100)
    np.testing.assert_array_equal(layers.convolution_sums(x, weights, bias, window, 4), whole)


def test_many_images_as_one():
    """More than go through together, and each as it would alone."""
    rng = np.random.default_rng(8)
    for kind in KINDS:
        network = tflite.read(random_layer(rng, kind))
        x = random_inputs(rng, network, images=19)
        together = run(network, x, keep=True)
        for image in (0, 15, 16, 18):
            alone = run(network, {name: value[image:image + 1] for name, value in x.items()},
                        keep=True)
            for name, value in alone.items():
                np.testing.assert_array_equal(together[name][image], value[0])


def test_single_rounding_differs_little():
    network, stored = read_network(path("kws_dscnn")), arrays("kws_dscnn")
    single = Network(network.name, network.tensors, network.layers, network.inputs,
                     network.outputs, "single")
    first, second = (run(n, stored["input"], keep=True) for n in (network, single))
    output = network.layers[0].output
    difference = first[output].astype(int) - second[output]
    assert np.abs(difference).max() == 1
    assert 0.0001 < np.abs(difference).mean() < 0.01


@pytest.mark.parametrize("x, says", [
    (np.zeros((1, 49, 10, 1)), "must be int8, not float64"),
    (np.zeros((1, 10, 49, 1), np.int8), r"must be of shape .* not \(1, 10, 49, 1\)"),
    (np.zeros((49, 10, 1), np.int8), r"must be of shape .* not \(49, 10, 1\)"),
    ({"other": np.zeros((1, 49, 10, 1), np.int8)}, "the network's inputs are input_1, not other"),
])
def test_input_wrong(x, says):
    with pytest.raises(UserError, match=says):
        run(read_network(path("kws_dscnn")), x)


def test_inputs_wrong():
    network = tflite.read(random_layer(np.random.default_rng(1), "MAXIMUM"))
    assert len(network.inputs) == 2
    with pytest.raises(UserError, match="give each by its name"):
        run(network, np.zeros((1, 2), np.int8))
    x = random_inputs(np.random.default_rng(2), network)
    x[network.inputs[0]] = np.repeat(x[network.inputs[0]], 2, axis=0)
    with pytest.raises(UserError, match="the same number of images"):
        run(network, x)


@pytest.mark.parametrize("seeds", [range(40), pytest.param(range(40, 240), marks=pytest.mark.slow)])
def test_softmax(seeds):
    """Rows of one byte and of a thousand, at scales from end to end."""
    for seed in seeds:
        rng = np.random.default_rng([seed, 4])
        graph = Graph(rng)
        shape = (1, *rng.integers(1, 5, int(rng.integers(0, 3))).tolist(),
                 int(rng.choice([1, 2, 1000, rng.integers(1, 300)])))
        # The reference refuses sums of 512 or more.
        scale = float(np.float32(2.0 ** rng.uniform(-5 if shape[-1] == 1000 else -24, 8)))
        data = graph.write(graph.softmax(graph.activation(*shape, scale=scale)))
        compare(rng, data)


def test_softmax_sums_to_one():
    x = np.random.default_rng(9).integers(-128, 128, (50, 12), np.int8)
    total = (fixed_point.softmax(x, 0.05).astype(int) + 128).sum(axis=-1)
    assert np.abs(total - 256).max() <= 6
