"""Small networks of random integers, for the bench of whole accelerators."""

import numpy as np

from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.network.graph import (
    Add,
    AveragePool,
    Convolution,
    Depthwise,
    FullyConnected,
    Lookup,
    Matmul,
    Maximum,
    MaxPool,
    Mean,
    Network,
    Pad,
    Requantisation,
    Softmax,
    SquaredDifference,
    Tensor,
    Times,
    Window,
)
from hwgen.network.precision import Precision
from hwgen.network.table import Table
from hwgen.network.thresholds import Thresholds

__all__ = ["inputs_of", "programs"]

BIPOLAR = Precision(1, "bipolar")
SAME = Window((3, 3), before=(1, 1), after=(1, 1))


def programs(design, rng, count):
    """Return so many networks that a Design has room for, or fewer, with their Programs."""
    found = []
    for size in (*range(6, 0, -1), 1, 1, 1):
        for _ in range(count - len(found)):
            network = binary(rng, design, size) if design.engine == "binary" \
                else Images(rng, design, size).network()
            try:
                found.append((network, compile_network(network, design)))
            except UserError:
                break
    return found


def inputs_of(network, rng):
    """Return an input that fills the precision of its tensor."""
    made = {}
    for name in network.inputs:
        tensor = network.tensors[name]
        values = rng.integers(tensor.precision.low, tensor.precision.high + 1, tensor.shape)
        if tensor.precision == BIPOLAR:
            values = rng.choice([-1, 1], tensor.shape)
        made[name] = values.astype(np.int8)
    return made


def binary(rng, design, size):
    """Return fully connected layers of numbers that are -1 or 1."""
    sizes = rng.integers(1, 8 * size + 2, int(rng.integers(2, 4))).tolist()
    tensors, layers = {"t0": Tensor("t0", (1, sizes[0]), 1.0, 0, BIPOLAR)}, []
    for index, (before, outputs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        last, name = index == len(sizes) - 2, f"t{index + 1}"
        limits = rng.integers(-before - 1, before + 2, (outputs, 1)) // 2
        ending = Requantisation(1 << 30, 1, 0) if last else Thresholds(
            limits.astype(np.int32), rng.random(outputs) < 0.5, -1, 2)
        tensors[name] = Tensor(name, (1, outputs), 1.0, 0, Precision(8) if last else BIPOLAR)
        bias = rng.integers(-20, 20, outputs) if last else np.zeros(outputs)
        layers.append(FullyConnected(
            name=f"l{index}", inputs=(f"t{index}",), output=name, bias=bias.astype(np.int32),
            weights=rng.choice([-1, 1], (outputs, before)).astype(np.int8),
            requantisation=ending))
    return Network("bits", tensors, tuple(layers), ("t0",), (f"t{len(layers)}",),
                   design.rounding)


class Images:
    """Makes a network layer by layer: convolutions, pools, a sum, a maximum, a fully connected end.

    Parameters
    ----------
    rng : Generator
    design : Design
        Of which it keeps the rounding; for a bit-serial array, numbers have few bits.
    size : int
        About the height, width and channels of its images.
    """

    def __init__(self, rng, design, size):
        self.rng = rng
        self.rounding = design.rounding
        self.size = size
        self.few = design.engine == "bitserial"
        self.tables = design.tables > 0
        self.softmax, self.matmul = design.softmax, design.matmul
        self.products = design.products
        self.rare = design.engine == "sparse" or design.decompress
        self.tensors, self.layers = {}, []
        self.last = self.tensor(rng.integers(1, size + 1, 3).tolist())

    def network(self):
        """Return a network of one layer to five."""
        kinds = [self.convolution, self.depthwise, self.sum, self.maximum, self.pool, self.pad,
                 *[self.times, self.excite] * self.products]
        for index in self.rng.permutation(len(kinds))[:int(self.rng.integers(0, 5))]:
            kinds[index]()
            self.lookup()
            self.shares()
            self.square()
        self.end()
        self.lookup()
        return Network("small", self.tensors, tuple(self.layers), ("t0",), (self.last,),
                       self.rounding)

    def tensor(self, shape, zero_point=None):
        """Add a tensor."""
        name = f"t{len(self.tensors)}"
        zero = int(self.rng.integers(-128, 128)) if zero_point is None else zero_point
        self.tensors[name] = Tensor(name, (1, *shape), 1.0, zero)
        return name

    @property
    def shape(self):
        """The shape of the last tensor, without the batch."""
        return self.tensors[self.last].shape[1:]

    def add(self, kind, shape, inputs=None, zero_point=None, **fields):
        """Add a layer; a field that is a function takes the zero point of the output."""
        output = self.tensor(shape, zero_point)
        zero = self.tensors[output].zero_point
        self.layers.append(kind(
            name=f"l{len(self.layers)}", inputs=inputs or (self.last,), output=output,
            **{name: value(zero) if callable(value) else value
               for name, value in fields.items()}))
        self.last = output

    def weights(self, *shape):
        """Return weights, most of them 0 where the hardware makes use of that."""
        bits = int(self.rng.integers(2, 9)) if self.few else 8
        made = self.rng.integers(-(1 << bits - 1) + 1, 1 << bits - 1, shape)
        share = self.rng.choice([0.05, 0.3, 1]) if self.rare else self.rng.choice([0.9, 1])
        return np.where(self.rng.random(shape) < share, made, 0).astype(np.int8)

    def ending(self, channels, terms):
        """Return the fields of a layer that sums up products of bytes."""
        top = int(np.log2(75 * 60 * np.sqrt(terms))) - 6
        return {"bias": self.rng.integers(-5000, 5000, channels).astype(np.int32),
                "requantisation": lambda zero: self.requantisation(
                    channels, -self.rng.integers(max(top - 3, 0), top + 2, channels), zero)}

    def requantisation(self, channels, shift, zero):
        """Return a random one, with limits now and then."""
        low, high = sorted(self.rng.integers(-128, 128, 2).tolist()) \
            if self.rng.random() < 0.2 else (-128, 127)
        return Requantisation(self.rng.integers(1 << 30, 1 << 31, channels),
                              np.broadcast_to(shift, channels), zero, low, high)

    def convolution(self, outputs=None, window=None):
        """Add a convolution, which leaves height and width as they are."""
        height, width, channels = self.shape
        outputs = outputs or int(self.rng.integers(1, self.size + 2))
        window = window or (Window((1, 1)) if self.rng.random() < 0.4 else SAME)
        self.add(Convolution, (height, width, outputs), window=window,
                 weights=self.weights(outputs, *window.kernel, channels),
                 **self.ending(outputs, 9 * channels))

    def depthwise(self):
        """Add a depthwise convolution, with any strides."""
        height, width, channels = self.shape
        stride = tuple(self.rng.integers(1, 3, 2).tolist())
        window = Window((3, 3), stride, before=(1, 1), after=(1, 1))
        self.add(Depthwise, (*window.output(height, width), channels), window=window,
                 weights=self.weights(3, 3, channels), **self.ending(channels, 9))

    def sum(self):
        """Add a convolution, and its sum with what it read."""
        before = self.last
        self.convolution(self.shape[2], Window((1, 1)))
        scalings = tuple((int(m), int(s)) for m, s in zip(
            self.rng.integers(1 << 30, 1 << 31, 2), -self.rng.integers(0, 3, 2), strict=True))
        self.add(Add, self.shape, (before, self.last), scalings=scalings,
                 requantisation=lambda zero: self.requantisation(1, -19, zero))

    def maximum(self):
        """Add a convolution, and the greater of that and what it read."""
        before = self.last
        self.convolution(self.shape[2], Window((1, 1)))
        self.add(Maximum, self.shape, (before, self.last))

    def times(self):
        """Add a convolution, and its product with what it read."""
        before = self.last
        self.convolution(self.shape[2], Window((1, 1)))
        self.product(before, self.last)

    def excite(self):
        """Add a mean, and the product of what it read and that."""
        before, (height, width, channels) = self.last, self.shape
        shift = -int(height * width).bit_length()
        self.add(Mean, (1, 1, channels),
                 requantisation=lambda zero: self.requantisation(1, shift, zero))
        self.product(before, self.last)

    def product(self, a, b):
        """Add a product, or the square of a difference."""
        if self.rng.random() < 0.4:
            ways = [(1 << 30, 0), (int(self.rng.integers(1 << 30, 1 << 31)),
                                   int(self.rng.integers(-4, 1)) - 1)]
            shift = int(self.rng.integers(-23, -13))
            self.add(SquaredDifference, self.tensors[a].shape[1:], (a, b),
                     scalings=tuple(ways[::int(self.rng.choice([1, -1]))]),
                     requantisation=lambda zero: self.requantisation(1, shift, zero))
            return
        shift = int(self.rng.integers(-12, -3)) if self.rng.random() < 0.8 else \
            int(self.rng.integers(-31, 11))
        self.add(Times, self.tensors[a].shape[1:], (a, b),
                 requantisation=lambda zero: self.requantisation(1, shift, zero))

    def lookup(self):
        """Add a function of one byte, now and then, if there is hardware for it."""
        if self.tables and self.rng.random() < 0.7:
            values = self.rng.integers(-128, 128, 256).astype(np.int8)
            self.add(Lookup, self.shape, table=Table("LOOKUP", values))

    def shares(self):
        """Add a softmax, now and then, if there is hardware for it."""
        if self.softmax and self.rng.random() < 0.5:
            before = self.tensors[self.last]
            scale = float(np.float32(2 ** self.rng.uniform(-9, 1)))
            self.tensors[self.last] = Tensor(self.last, before.shape, scale, before.zero_point)
            self.add(Softmax, self.shape, zero_point=-128, within=True)

    def square(self):
        """Add a product of a tensor with itself, now and then, if there is hardware for it."""
        if self.matmul and self.rng.random() < 0.5:
            height, width, channels = self.shape
            self.add(Matmul, (height, width, width), (self.last, self.last), transposed=True,
                     requantisation=lambda zero: self.requantisation(
                         1, -int(np.log2(75 * 75 * channels)) + 5, zero))

    def pool(self):
        """Add an average or a greatest value."""
        height, width, channels = self.shape
        window = Window((min(2, height), min(3, width)))
        self.add((MaxPool, AveragePool)[int(self.rng.integers(2))],
                 (*window.output(height, width), channels), window=window,
                 zero_point=self.tensors[self.last].zero_point)

    def pad(self):
        """Add rows and columns around the image."""
        height, width, channels = self.shape
        self.add(Pad, (height + 1, width + 2, channels), before=(1, 0), after=(0, 2),
                 zero_point=self.tensors[self.last].zero_point,
                 value=int(self.rng.integers(-128, 128)))

    def end(self):
        """Add what most networks end with."""
        height, width, channels = self.shape
        if self.rng.random() < 0.3:
            shift = -int(height * width).bit_length()
            self.add(Mean, (channels,),
                     requantisation=lambda zero: self.requantisation(1, shift, zero))
        outputs = int(self.rng.integers(1, 2 * self.size + 2))
        self.add(FullyConnected, (*self.shape[:-1], outputs),
                 weights=self.weights(outputs, channels), **self.ending(outputs, channels))
