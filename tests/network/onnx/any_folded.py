"""Random ONNX graphs of products and constants, with and without quantisers between."""

import numpy as np

from tests.onnx_writer import Writer


def chain(seed):
    """Return a model whose outputs are all tensors that it quantises, and their float edges."""
    w = Writer(seed, ("i1", "u1")[seed % 2])
    r = w.random
    channels = int(r.integers(1, 6))
    image = bool(r.integers(2))
    outputs = []

    def quantised(edge, scale):
        grid = w.grid(scale)
        if outputs and r.integers(3) == 0:
            edge = w.node("Relu", edge)
        integers = w.quantize(edge, *grid)
        outputs.append((edge, integers, grid))
        # A scale of its own for whoever reads it, now and then, and a zero point.
        if r.integers(4) == 0:
            grid = w.grid(scale * r.uniform(0.5, 2))
        return w.node("DequantizeLinear", integers, *grid)

    x = quantised(w.input([1, channels, 5, 4] if image else [1, channels]), 0.04)
    size = 0.04
    for _ in range(int(r.integers(1, 4))):
        kind = r.integers(3)
        if kind and image:
            depthwise = kind == 2
            filters = channels if depthwise else int(r.integers(1, 7))
            kernel = [int(n) for n in r.integers(1, 4, 2)]
            depth = 1 if depthwise else channels
            weights = w.dequantized(*w.weights(filters, depth, *kernel, channels=filters))
            x = w.node("Conv", x, weights, *biases(w, filters), pads=[1, 1, 1, 1],
                       group=channels if depthwise else 1)
            size *= 0.5 * (depth * kernel[0] * kernel[1]) ** 0.5
            channels = filters
        elif kind:
            filters = int(r.integers(1, 7))
            weights = w.dequantized(*w.weights(channels, filters), axis=1)
            x = w.node("MatMul", x, weights)
            size *= 0.5 * channels ** 0.5
            channels = filters
        if r.integers(2):
            x = quantised(x, size * r.uniform(0.5, 2))
        for _ in range(int(r.integers(0, 4))):
            x, size = constant(w, x, size, channels, image)
            if r.integers(3) == 0:
                x = quantised(x, size * r.uniform(0.5, 2))
        x = quantised(x, size * r.uniform(0.5, 2))
    return w, outputs


def biases(w, filters):
    """Return no bias, or one that is no multiple of anything."""
    if w.random.integers(2):
        return []
    integers = w.random.integers(-2000, 2000, filters).astype("i4")
    scale = w.random.uniform(1e-4, 1e-3, filters).astype("f4")
    return [w.dequantized(integers, scale, np.zeros(filters, "i4"))]


def constant(w, x, size, channels, image):
    """Return an operator with a constant for each channel or for all, and the size of a step."""
    r = w.random
    shape = ((channels, 1, 1) if image else (channels,)) if r.integers(2) else ()
    operator = ("Add", "Sub", "Mul", "Div", "BatchNormalization")[r.integers(5)]
    if operator == "BatchNormalization":
        gain, mean, bias = (r.normal(0, s, channels).astype("f4") for s in (1, size, size * 20))
        return w.node(operator, x, gain, bias, mean, np.ones(channels, "f4")), size
    if operator in ("Add", "Sub"):
        value = r.normal(0, 40 * size, shape).astype("f4")
        sides = [x, value]
        return w.node(operator, *(sides[::-1] if r.integers(2) else sides)), size
    value = (r.uniform(0.3, 2, shape) * r.choice([-1, 1], shape)).astype("f4")
    if r.integers(2) and shape:
        value[r.integers(channels)] = 1
    return w.node(operator, x, value), size
