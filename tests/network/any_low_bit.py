"""Any QONNX networks of 1 to 8 bits, for tests that hold for all of them.

Scales are powers of 2, or weights of a channel have one of their own, so that float32 is exact; all
that follows a product may be any number, as its roundings are in the thresholds.
"""

import numpy as np
from hypothesis import strategies as st

from ..low_bit import DOMAIN, ROUNDINGS, Writer

__all__ = ["low_bit_networks"]

DOMAINS = (DOMAIN, "onnx.brevitas", "finn.custom_op.general")


@st.composite
def low_bit_networks(draw, *, bits=(1, 8), binary=False):
    """Return a graph and its output: some products, each quantised but perhaps the last."""
    return Maker(draw, bits, binary).network()


class Maker:
    """Draws a network, layer by layer.

    Parameters
    ----------
    draw : function
        Hypothesis' own.
    bits : (int, int)
        Of any tensor or weights, the fewest and the most.
    binary : bool
        Whether all are -1 or 1 and all layers fully connected, as one engine needs it.
    """

    def __init__(self, draw, bits, binary):
        self.draw = draw
        self.bits = (1, 1) if binary else bits
        self.binary = binary
        self.w = Writer(self.integer(0, 1 << 20))

    def integer(self, low, high):
        """Draw an integer."""
        return self.draw(st.integers(low, high))

    def one(self, *items):
        """Draw one of some."""
        return self.draw(st.sampled_from(items))

    def some(self):
        """Draw yes or no."""
        return self.draw(st.booleans())

    def power(self, low=-4, high=2):
        """Draw a power of 2."""
        return 2.0**self.integer(low, high)

    def network(self):
        """Return the writer of a network, and the name of its output."""
        w = self.w
        image = not self.binary and self.some()
        size = [self.integer(1, 9), self.integer(1, 9)] if image else []
        shape = [1, self.integer(1, 12 if image else 40), *size]
        x = w.input(shape, name="x")
        if self.some():
            x = w.node(self.one("Mul", "Add", "Sub"), x, np.float32(self.power()))
        x = self.quantiser(x, 1, 2.0, entry=True)
        layers = self.integer(1, 4)
        for index in range(layers):
            product, shape, spread = self.product(x, shape)
            if index == layers - 1 and self.some():
                return w, self.after(product, shape, spread) if self.some() else product
            x = self.quantiser(self.after(product, shape, spread), shape[1], spread)
            x, shape = self.move_elements(x, shape)
        return w, x

    def quantiser(self, x, channels, spread, entry=False):
        """Return a tensor of few bits."""
        w, bits = self.w, self.integer(*self.bits)
        kind = "bipolar" if self.binary else self.one("quant", "quant", "bipolar", "thresholds")
        if kind == "bipolar" or bits == 1 and kind == "quant" and self.some():
            return w.bipolar(x, self.power())
        if kind == "quant":
            signed, narrow = self.integer(0, 1), self.integer(0, int(bits > 1))
            low, high = (-(1 << bits - 1) + narrow, (1 << bits - 1) - 1) if signed \
                else (0, (1 << bits) - 1 - narrow)
            zero = self.integer(low, high) if bits > 1 and self.one(0, 0, 0, 1) else 0
            scale = 2.0**round(np.log2(2 * spread / (high - low + 1)) + self.integer(-1, 1))
            return w.quant(x, bits, scale, zero, signed, narrow, self.one(*ROUNDINGS),
                           self.one(*DOMAINS))
        count = (1 << min(bits, 4)) - 1
        rows = 1 if entry or self.some() else channels
        if self.some():  # at equal distances
            values = (np.arange(count) - count / 2) * spread / count * self.power(-1, 1) \
                + w.random.normal(0, spread / 4, (rows, 1))
        else:
            values = np.sort(w.random.normal(0, spread, (rows, count)), axis=1)
        scale, low = self.power(), self.one(0, -(count + 1 >> 1))
        bias = -scale / 2 if count == 1 else low * scale
        return w.node("MultiThreshold", x, values.astype("f4"), domain=self.one(*DOMAINS),
                      out_scale=scale, out_bias=bias)

    def weights(self, axis, *shape):
        """Return weights of few bits, with a scale for all or one for each output channel."""
        w, bits = self.w, self.integer(*self.bits)
        scales = np.float32(self.power())
        if self.some():
            sizes = [size if a == axis else 1 for a, size in enumerate(shape)]
            scales = (2.0**w.random.integers(-3, 3, sizes)).astype("f4")
        if bits == 1 and (self.binary or self.some()):
            values = w.random.normal(0, 1, shape).astype("f4")
            return w.bipolar(values, scales) if self.some() else w.quant(values, 1, scales)
        narrow, signed = self.integer(0, int(bits > 1)), self.one(1, 1, 1, 0)
        limit = 1 << bits
        values = w.random.uniform(-limit, limit, shape).astype("f4") * scales
        return w.quant(values, bits, scales, 0, signed, narrow, self.one(*ROUNDINGS))

    def product(self, x, shape):
        """Return sums of products, their shape and about how far from 0 they are."""
        w, channels = self.w, shape[1]
        outputs = self.integer(1, 20)
        if len(shape) == 2:
            if self.some():
                y = w.node("MatMul", x, self.weights(1, channels, outputs))
            else:
                bias = [self.bias(outputs)] if self.some() and not self.binary else []
                y = w.node("Gemm", x, self.weights(0, outputs, channels), *bias, transB=1)
            return y, [1, outputs], 2.0 * np.sqrt(channels)
        height, width = shape[2:]
        kernel = [self.integer(1, min(4, size + 1)) for size in (height, width)]
        strides = [self.integer(1, 3), self.integer(1, 3)]
        pads = [self.integer(0, k - 1) for k in kernel * 2]
        for axis, size in enumerate((height, width)):  # until a window fits
            if size + pads[axis] + pads[axis + 2] < kernel[axis]:
                pads[axis] = kernel[axis] - 1
        fields = {"kernel_shape": kernel, "strides": strides, "pads": pads}
        multiple = self.one(1, 1, 2)
        if self.one(0, 0, 1):
            outputs, fields = channels * multiple, fields | {"group": channels}
            weights = self.weights(0, outputs, 1, *kernel)
        else:
            weights = self.weights(0, outputs, channels, *kernel)
        bias = [self.bias(outputs)] if self.some() else []
        size = [(length + pads[axis] + pads[axis + 2] - kernel[axis]) // strides[axis] + 1
                for axis, length in enumerate((height, width))]
        taps = np.prod(kernel) * (1 if "group" in fields else channels)
        return w.node("Conv", x, weights, *bias, **fields), [1, outputs, *size], \
            2.0 * np.sqrt(taps)

    def bias(self, count):
        """Return a bias: any numbers, or those that a Quant gives."""
        values = self.w.random.normal(0, 2, count).astype("f4")
        return self.w.quant(values, 8, self.power()) if self.some() else values

    def after(self, x, shape, spread):
        """Return a product behind what networks have between that and a quantiser."""
        w, channels = self.w, shape[1]
        each = (channels,) + (1,) * (len(shape) - 2)
        for kind in self.draw(st.lists(st.sampled_from(
                ["normalised", "gain", "each", "offset", "offsets", "divided"]), max_size=2)):
            r = w.random
            match kind:
                case "normalised":
                    x = w.normalised(x, channels, spread)
                case "gain":
                    x = w.node("Mul", x, np.float32(r.choice([-1.5, 0.7, 2])))
                case "each":
                    x = w.node("Mul", x, r.uniform(-2, 2, each).astype("f4"))
                case "offset":
                    x = w.node("Sub", x, np.float32(r.normal()))
                case "offsets":
                    x = w.node("Add", x, r.normal(0, spread / 2, each).astype("f4"))
                case "divided":
                    x = w.node("Div", x, np.float32(r.uniform(0.5, 2)))
        if self.one(0, 0, 1):
            x = w.node("Relu", x)
        elif self.one(0, 0, 0, 1):
            x = w.node("Clip", x, np.float32(-spread), np.float32(spread / 2))
        return x

    def move_elements(self, x, shape):
        """Return a tensor behind what only moves its elements, or chooses among them."""
        w = self.w
        if len(shape) == 2:
            return x, shape
        height, width = shape[2:]
        match self.one("", "", "pool", "flat", "transposed"):
            case "pool":
                kernel = [self.integer(1, min(3, size)) for size in (height, width)]
                x = w.node("MaxPool", x, kernel_shape=kernel, strides=kernel)
                return x, [*shape[:2], height // kernel[0], width // kernel[1]]
            case "flat":
                return w.node("Flatten", x), [1, int(np.prod(shape))]
            case "transposed":
                return w.node("Flatten", w.node("Transpose", x, perm=[0, 2, 3, 1])), \
                    [1, int(np.prod(shape))]
        return x, shape
