"""Random networks, and what holds a Program to the golden model of its network."""

import re
from dataclasses import replace

import numpy as np

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.design import Design
from hwgen.compiler import Program, compile_network
from hwgen.errors import UserError
from hwgen.golden.accelerator import accelerator
from hwgen.golden.binary.accelerator import BinaryAccelerator
from hwgen.golden.network import network
from hwgen.network.graph import (
    Add,
    AveragePool,
    Concatenate,
    Convolution,
    Depthwise,
    FullyConnected,
    Maximum,
    MaxPool,
    Mean,
    Network,
    Pad,
    Requantisation,
    Reshape,
    SquaredDifference,
    Tensor,
    Times,
    Window,
)


def design(rows=8, columns=8, lines=0, sums=64, pixels=64, **fields):
    """Return the Design of an accelerator with plenty of memory."""
    return Design(**{"rows": rows, "columns": columns, "lines": lines, "partial_sums": sums,
                     "activation_memory": 1 << 18, "program_memory": 1 << 22, "lanes": columns,
                     "line_pixels": pixels if lines else 0} | fields)


def model(of):
    """Return the golden model of a Design, its memory full of what was there before."""
    kind = BinaryAccelerator if of.engine == "binary" else accelerator.Accelerator
    made = kind.of(of)
    made.memory[:] = np.random.default_rng(9).integers(-128, 128, len(made.memory))
    return made


def inputs_of(net, seed=0):
    """Return random inputs, by name."""
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-128, 128, (1, *net.tensors[name].shape[1:])).astype(np.int8)
            for name in net.inputs}


def least_memory(net, of):
    """Return the Design with as little activation memory as the compiler says will do."""
    of = of.replace(activation_memory=of.banks)
    try:
        compile_network(net, of)
    except UserError as error:
        needed = re.search(r"activation_memory must be (\d+) or more", str(error))
        if needed is None:
            raise
        return of.replace(activation_memory=int(needed[1]))
    return of


def with_step(program, index, /, **fields):
    """Return a Program of which the descriptor of a step is another one."""
    coding = Descriptors.of(program.design)
    step = program.steps[index].replace(**fields)
    first = program.places[index] * program.design.columns
    data = coding.write(step)
    image = program.image[:first] + data + program.image[first + len(data):]
    steps = (*program.steps[:index], step, *program.steps[index + 1:])
    facts = {name: getattr(program, name) for name in Program.__dataclass_fields__}
    return Program(**facts | {"image": image, "steps": steps})


def verify(net, of, inputs=None):
    """Compile a network, run it, and compare all that is stored of every tensor."""
    program = compile_network(net, of)
    run_program(net, program, inputs)
    return program


def run_program(net, program, inputs=None):
    """Run a Program, and compare all that is stored of every tensor."""
    inputs = inputs_of(net) if inputs is None else inputs
    expected = network.run(net, inputs, keep=True)
    made = model(program.design)
    for name in program.inputs:
        place = program.tensors[name]
        assert lies_whole(place) and place.address % 4 == 0
        made.memory[place.addresses()] = as_stored(place, inputs[name])
    for layer in program.layers:
        made.run(program.image, layer.count, layer.first)
        if layer.output in program.kept:
            continue
        place = program.tensors[layer.output]
        image = expected[layer.output].reshape(place.height, place.width, -1)
        stored = image[..., list(place.channels)]
        np.testing.assert_array_equal(made.memory[place.addresses()], stored, str(layer))
        for channel, constant in enumerate(place.constants):
            assert constant is None or np.all(image[..., channel] == constant), layer
    for name in program.outputs:
        place = program.tensors[name]
        assert lies_whole(place) and place.address % 4 == 0
        np.testing.assert_array_equal(made.memory[place.addresses()].reshape(-1),
                                      expected[name].reshape(-1))


def lies_whole(place):
    """Return whether a tensor's bytes are in the memory one after the other, all of them."""
    return len(place.channels) == len(place.constants) and np.array_equal(
        place.addresses().reshape(-1), place.address + np.arange(
            place.height * place.width * len(place.channels)))


def as_stored(place, values):
    """Return an input as docs/compiler.md says that it is stored, a byte at a time."""
    image = values.reshape(-1, place.width, len(place.constants) // place.stack.rows)
    height, width, channels = image.shape
    made = np.full((place.height, width, place.stack.rows, channels), place.zero_point, np.int8)
    for y in range(place.height):
        for i in range(place.stack.rows):
            row = place.stack.first + y * place.stack.stride + i * place.stack.step
            if 0 <= row < height:
                made[y, :, i] = image[row]
    return made.reshape(place.height, width, -1)


class Builder:
    """Makes a Network layer by layer, of random integers."""

    def __init__(self, seed, *shape, zero_point=None):
        self.rng = np.random.default_rng(seed)
        self.tensors, self.layers, self.inputs = {}, [], []
        self.last = self.input(*shape, zero_point=zero_point)

    def input(self, *shape, zero_point=None):
        """Add an input."""
        name = self.tensor(shape, zero_point)
        self.inputs.append(name)
        return name

    def tensor(self, shape, zero_point=None):
        """Add a tensor; shapes have no batch."""
        name = f"t{len(self.tensors)}"
        zero = int(self.rng.integers(-128, 128)) if zero_point is None else zero_point
        self.tensors[name] = Tensor(name, (1, *shape), 1.0, zero)
        return name

    def shape(self, name):
        """Return the shape without the batch."""
        return self.tensors[name].shape[1:]

    def requantisation(self, channels, output, largest, shift=None):
        """Return a random one, with results that fill the range more or less."""
        top = int(np.log2(max(largest, 2))) - 6
        shifts = -self.rng.integers(max(top - 3, 0), max(top, 0) + 2, channels)
        if shift is not None:
            shifts = np.broadcast_to(np.asarray(shift), channels).copy()
        low, high = sorted(self.rng.integers(-128, 128, 2).tolist()) \
            if self.rng.random() < 0.2 else (-128, 127)
        return Requantisation(self.rng.integers(1 << 30, 1 << 31, channels), shifts,
                              self.tensors[output].zero_point, low, high)

    def add(self, kind, shape, source=None, zero_point=None, **fields):
        """Add a layer."""
        source = source or self.last
        inputs = source if isinstance(source, tuple) else (source,)
        self.last = self.tensor(shape, zero_point)
        for name, value in fields.items():
            if callable(value):
                fields[name] = value(self.last)
        self.layers.append(kind(name=f"l{len(self.layers)}", inputs=inputs, output=self.last,
                                **fields))
        return self.last

    def weights(self, shape, dead, axis):
        """Return int8 weights; a share of the channels is dead."""
        made = self.rng.integers(-127, 128, shape).astype(np.int8)
        channels = self.rng.random(shape[axis]) < dead
        index = [slice(None)] * len(shape)
        index[axis] = channels
        made[tuple(index)] = 0
        return made

    def convolution(self, outputs, window, source=None, dead=0.0, shift=None, zero_point=None):
        """Add a convolution."""
        height, width, channels = self.shape(source or self.last)
        weights = self.weights((outputs, *window.kernel, channels), dead, 0)
        bias = self.rng.integers(-5000, 5000, outputs).astype(np.int32)
        largest = 60 * 75 * np.sqrt(weights[0].size) + 1
        return self.add(Convolution, (*window.output(height, width), outputs), source, zero_point,
                        weights=weights, bias=bias, window=window,
                        requantisation=lambda out: self.requantisation(outputs, out, largest,
                                                                       shift))

    def depthwise(self, window, multiple=1, source=None, dead=0.0, shift=None, zero_point=None):
        """Add a depthwise convolution."""
        height, width, channels = self.shape(source or self.last)
        outputs = channels * multiple
        weights = self.weights((*window.kernel, outputs), dead, 2)
        bias = self.rng.integers(-5000, 5000, outputs).astype(np.int32)
        largest = 60 * 75 * np.sqrt(window.kernel[0] * window.kernel[1]) + 1
        return self.add(Depthwise, (*window.output(height, width), outputs), source, zero_point,
                        weights=weights, bias=bias, window=window,
                        requantisation=lambda out: self.requantisation(outputs, out, largest,
                                                                       shift))

    def fully_connected(self, outputs, source=None, dead=0.0):
        """Add a fully connected layer, with one multiplier for all."""
        shape = self.shape(source or self.last)
        weights = self.weights((outputs, shape[-1]), dead, 0)
        bias = self.rng.integers(-5000, 5000, outputs).astype(np.int32)
        largest = 60 * 75 * np.sqrt(shape[-1]) + 1
        return self.add(FullyConnected, (*shape[:-1], outputs), source, weights=weights, bias=bias,
                        requantisation=lambda out: self.requantisation(1, out, largest))

    def sum(self, a, b, scalings=None):
        """Add a sum."""
        scalings = scalings or [
            (int(m), int(s)) for m, s in zip(self.rng.integers(1 << 30, 1 << 31, 2),
                                             -self.rng.integers(0, 3, 2), strict=True)]
        return self.add(Add, self.shape(a), (a, b), scalings=tuple(scalings),
                        requantisation=lambda out: self.requantisation(1, out, 0, -19))

    def maximum(self, a, b):
        """Add the greater of two values."""
        return self.add(Maximum, self.shape(a), (a, b), zero_point=self.tensors[a].zero_point)

    def times(self, a, b, shift=None):
        """Add a product, whose results fill the range more or less, or with any shift."""
        shift = int(self.rng.integers(-12, -3)) if shift is None else shift
        shape = max(self.shape(a), self.shape(b), key=np.prod)
        return self.add(Times, shape, (a, b),
                        requantisation=lambda out: self.requantisation(1, out, 0, shift))

    def squared_difference(self, a, b, shift=None, ways=None):
        """Add the square of a difference, of inputs whose scales are any."""
        shift = int(self.rng.integers(-23, -13)) if shift is None else shift
        less = (int(self.rng.integers(1 << 30, 1 << 31)), int(self.rng.integers(-31, 0)))
        half = 1 << 30, 0
        ways = ways or [(half, less), (less, half), (half, half)][int(self.rng.integers(3))]
        shape = max(self.shape(a), self.shape(b), key=np.prod)
        return self.add(SquaredDifference, shape, (a, b), scalings=ways,
                        requantisation=lambda out: self.requantisation(1, out, 0, shift))

    def pool(self, kind, window, source=None):
        """Add an average or a greatest value."""
        height, width, channels = self.shape(source or self.last)
        return self.add(kind, (*window.output(height, width), channels), source,
                        zero_point=self.tensors[source or self.last].zero_point, window=window)

    def network(self, *outputs, rounding="tflm"):
        """Return the network; without ``outputs`` the last tensor is its output."""
        return Network("random", self.tensors, tuple(self.layers), tuple(self.inputs),
                       outputs or (self.last,), rounding)


def random_window(rng, height, width, largest=5, dilation=2):
    """Return a window that fits an image, its padding less than its kernel."""
    while True:
        kernel = tuple(rng.integers(1, largest + 1, 2).tolist())
        stride = tuple(rng.integers(1, 4, 2).tolist())
        dilated = tuple(rng.integers(1, dilation + 1, 2).tolist())
        around = [tuple(int(rng.integers(0, (k - 1) * d + 1)) for k, d in
                        zip(kernel, dilated, strict=True)) for _ in range(2)]
        if rng.random() < 0.4:
            around = [(0, 0), (0, 0)]
        window = Window(kernel, stride, dilated, *around)
        if min(window.output(height, width)) >= 1:
            return window


def random_network(seed, rounding="tflm"):
    """Return a network of one layer of any kind, or of several with dead channels."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 14, 2).tolist()
    channels = int(rng.choice([1, 2, 3, 4, 8, 16, 17, 33]))
    build = Builder(seed, height, width, channels)
    RANDOM[seed % len(RANDOM)](build, rng)
    return build.network(rounding=rounding)


def random_convolution(build, rng):
    build.convolution(int(rng.integers(1, 40)), random_window(rng, *build.shape("t0")[:2]),
                      dead=rng.choice([0, 0.3]), shift=rng.choice([None, None, 2, -31]))


def random_depthwise(build, rng):
    window = random_window(rng, *build.shape("t0")[:2], dilation=int(rng.choice([1, 1, 2])))
    build.depthwise(window, int(rng.choice([1, 1, 1, 2, 3, 8])),
                    shift=rng.choice([None, None, 1, 3]))


def random_fully_connected(build, rng):
    build.fully_connected(int(rng.integers(1, 70)))


def random_pair(build, rng):
    rng.choice([build.sum, build.maximum])("t0", build.input(*build.shape("t0")))


def random_pool(build, rng):
    height, width = build.shape("t0")[:2]
    window = Window((height, width))
    if rng.random() < 0.7:
        # No window reaches no tap of the image.
        window = replace(random_window(rng, height, width, 3, 1), after=(0, 0))
        if min(window.output(height, width)) < 1:
            window = Window((1, 1))
    build.pool(AveragePool if rng.random() < 0.5 else MaxPool, window)


def random_mean(build, rng):
    height, width, channels = build.shape("t0")
    shift = rng.choice([None, 1])
    build.add(Mean, (channels,), requantisation=lambda out: build.requantisation(
        1, out, 200 * height * width, shift))


def random_pad(build, rng):
    height, width, channels = build.shape("t0")
    build.add(Pad, (height + 3, width + 3, channels), before=(1, 3), after=(2, 0),
              value=int(rng.integers(-128, 128)))


def random_concatenation(build, rng):
    axis = int(rng.integers(1, 4))
    shape = list(build.shape("t0"))
    same = Window((3, 3), before=(1, 1), after=(1, 1))
    a = build.convolution(shape[2], same, "t0")
    b = build.depthwise(Window((1, 1)), 1, "t0")
    c = rng.choice([build.sum, build.maximum])(a, b) if rng.random() < 0.5 else "t0"
    shape[axis - 1] *= 4
    build.add(Concatenate, tuple(shape), (a, c, b, "t0"), axis=axis)
    if rng.random() < 0.5:
        build.convolution(7, Window((2, 1), before=(1, 0)))


def random_chain(build, rng):
    same = Window((3, 3), before=(1, 1), after=(1, 1))
    build.convolution(int(rng.integers(1, 30)), same, dead=0.5, zero_point=-128)
    for _ in range(int(rng.integers(1, 7))):
        (height, width, channels), before = build.shape(build.last), build.last
        dead, zero_point = float(rng.choice([0, 0.3, 0.7, 1])), build.tensors[before].zero_point
        match rng.choice(["depthwise", "point", "residual", "maximum", "pool", "convolution",
                          "pad"]):
            case "depthwise":
                build.depthwise(same, dead=dead)
            case "point":
                build.convolution(int(rng.integers(1, 30)), Window((1, 1)), dead=dead)
            case "residual":
                build.sum(before, build.convolution(channels, same, dead=dead))
            case "maximum":
                build.maximum(before, build.convolution(channels, same, dead=dead))
            case "pool":
                build.pool(MaxPool, random_window(rng, height, width, 3, 1))
            case "convolution":
                build.convolution(int(rng.integers(1, 30)), random_window(rng, height, width),
                                  dead=dead)
            case "pad":
                build.add(Pad, (height + 2, width + 1, channels), zero_point=zero_point,
                          before=(1, 1), after=(1, 0), value=int(rng.choice([zero_point, -128])))
    if rng.random() < 0.5:
        build.add(Reshape, (int(np.prod(build.shape(build.last))),),
                  zero_point=build.tensors[build.last].zero_point)
        build.fully_connected(5)


RANDOM = (random_convolution, random_depthwise, random_fully_connected, random_pair, random_pool,
          random_mean, random_pad, random_concatenation, random_chain, random_chain)

__all__ = ["AveragePool", "Builder", "Concatenate", "MaxPool", "Mean", "Pad", "Reshape", "Window",
           "design", "inputs_of", "least_memory", "model", "random_network", "random_window",
           "run_program", "verify", "with_step"]
