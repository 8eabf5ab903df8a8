"""Writes .tflite files of networks with state, whose frames are tensors (1, time, 1, channels)."""

from collections.abc import Sequence

import numpy as np

from .tflite_writer import Graph, Operator

__all__ = ["FORMS", "STATE_LAYERS", "StreamGraph", "random_lstm", "random_state_layer",
           "random_stream"]


class StreamGraph(Graph):
    """A network with variables under construction."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.first = Graph(rng)  # what is run once
        self.names: list[str] = []

    def activation(self, *shape: int, scale: float | None = None,
                   zero_point: int | None = None) -> int:
        """Append a tensor whose values are around 0, so that what is kept shows in the outputs."""
        return super().activation(*shape, scale=scale, zero_point=self.integer(-40, 40)
                                  if zero_point is None else zero_point)

    def fused(self) -> int:
        """Return an activation function that cuts off a half at most."""
        return self.integer(0, 1)

    def weighted(self, x: int, shape: Sequence[int], axis: int, taps: int, *,
                 per_channel: bool = True) -> tuple[list[int], float]:
        """Append weights and bias; return them, and a scale that suits the output."""
        outputs, spread = shape[axis], 74 * 74 * np.sqrt(taps)
        scales = self.rng.uniform(0.004, 0.02, outputs if per_channel else 1).astype(np.float32)
        weights = self.tensor(shape=shape, scale=scales, axis=axis, data=self.rng.integers(
            -127, 128, shape, dtype=np.int8))
        x_scale = np.float32(self.tensors[x].scale)
        bias = self.tensor(shape=[outputs], scale=x_scale * scales, type="INT32",
                           data=self.rng.normal(0, spread / 4, outputs).astype(np.int32))
        return [x, weights, bias], float(x_scale) * float(np.median(scales)) * spread / 40

    def variable(self, x: int, *shape: int, initial: np.ndarray | None = None) -> int:
        """Append a variable with the scale of a tensor, and return its handle."""
        name = f"variable {len(self.names)}"
        self.names.append(name)
        if initial is not None:
            own = self.handle(self.first, name)
            value = self.first.tensor(shape=shape, scale=self.tensors[x].scale,
                                      zero_point=self.tensors[x].zero_point, data=initial)
            self.first.operators.append(Operator("ASSIGN_VARIABLE", [own, value], []))
        return self.handle(self, name)

    @staticmethod
    def handle(graph: Graph, name: str) -> int:
        """Append a VAR_HANDLE to a graph."""
        handle = graph.tensor(shape=[], type="RESOURCE")
        return graph.operator("VAR_HANDLE", [], handle, Container="", SharedName=name)

    def read(self, handle: int, like: int, *shape: int) -> int:
        """Append a READ_VARIABLE."""
        return self.operator("READ_VARIABLE", [handle], self.like(like, *shape))

    def assign(self, handle: int, x: int) -> None:
        """Append an ASSIGN_VARIABLE."""
        self.operators.append(Operator("ASSIGN_VARIABLE", [handle, x], []))

    def rows(self, x: int, first: int, count: int) -> int:
        """Append a STRIDED_SLICE of some moments."""
        _, _, width, channels = self.tensors[x].shape
        return self.moved("STRIDED_SLICE", x, [x, *(self.integers(*values) for values in (
            (0, first, 0, 0), (1, first + count, width, channels), (1, 1, 1, 1)))],
            np.empty((1, count, width, channels)))

    def together(self, *parts: int, axis: int = 1) -> int:
        """Append a CONCATENATION."""
        shape = list(self.tensors[parts[0]].shape)
        shape[axis] = sum(self.tensors[part].shape[axis] for part in parts)
        return self.operator("CONCATENATION", parts, self.like(parts[0], *shape), Axis=axis)

    def streamed(self, x: int, kept: int, form: str) -> int:
        """Append what puts the moments that were kept before those of a frame, and keeps the last.

        ``after`` cuts what is kept off the whole, ``before`` keeps the whole and cuts what is read,
        and ``newest`` has the newest moments first.
        """
        _, new, width, channels = self.tensors[x].shape
        size = kept + new if form == "before" else kept
        initial = None if self.rng.random() < 0.5 else self.rng.integers(
            -128, 128, (1, size, width, channels)).astype(np.int8)
        handle = self.variable(x, 1, size, width, channels, initial=initial)
        old = self.read(handle, x, 1, size, width, channels)
        if form == "before":
            old = self.rows(old, new, kept)
        whole = self.together(x, old) if form == "newest" else self.together(old, x)
        self.assign(handle, whole if form == "before" else self.rows(
            whole, 0 if form == "newest" else new, kept))
        return whole

    def svdf(self, x: int) -> int:
        """Append an SVDF with an int8 state."""
        inputs = self.tensors[x].shape[1]
        rank, units, moments = self.integer(1, 3), self.integer(1, 12), self.integer(1, 9)
        filters, scale = rank * units, float(np.float32(self.rng.uniform(0.005, 0.02)))
        state = float(np.float32(self.tensors[x].scale * scale * np.sqrt(inputs)
                                 * self.rng.uniform(40, 120)))
        output = float(np.float32(state * scale * np.sqrt(rank * moments)
                                  * self.rng.uniform(40, 120)))
        relu = self.rng.random() < 0.5
        operands = [x, *(self.tensor(shape=shape, scale=scale, data=self.rng.integers(
            -127, 128, shape).astype(np.int8)) for shape in ([filters, inputs],
                                                             [filters, moments]))]
        operands += [
            self.tensor(shape=[units], type="INT32", scale=np.float32(state) * np.float32(scale),
                        data=self.rng.integers(-5000, 5000, units).astype(np.int32)),
            self.tensor(shape=[1, filters * moments], scale=state, variable=True)]
        y = self.activation(1, units, scale=output, zero_point=-128 if relu else None)
        return self.operator("SVDF", operands, y, Rank=rank, FusedActivationFunction=int(relu))

    def lstm(self, x: int, cells: int, *, time_major: bool = False) -> int:
        """Append an LSTM, sometimes with scales of which nearly all values are 0 or saturate."""
        rng, (*times, inputs) = self.rng, self.tensors[x].shape
        hidden = self.activation(*times, cells, scale=float(np.float32(
            2.0**-7 * rng.uniform(0.3, 1.2))), zero_point=self.integer(-128, 127))
        reach = 2.0**rng.uniform(-20, 12) if rng.random() < 0.2 else 1

        def weights(by: int, size: int) -> list[int]:
            typical = reach * rng.uniform(0.5, 4) / (
                by * 70 * float(self.tensors[x].scale if size == inputs else 2.0**-7)
                * np.sqrt(size))
            return [self.tensor(shape=[cells, size], scale=float(np.float32(
                typical * rng.uniform(0.5, 2))), data=rng.integers(
                    -127, 128, (cells, size)).astype(np.int8)) for _ in range(4)]

        operands = [x, *weights(70, inputs), *weights(70, cells), -1, -1, -1]
        for gate in range(1, 5):
            scale = np.float32(self.tensors[x].scale) * np.float32(
                self.tensors[operands[gate]].scale)
            spread = 2.0**29 if rng.random() < 0.1 else 0.5 / scale
            operands.append(self.tensor(shape=[cells], type="INT32", scale=scale, data=np.clip(
                rng.normal(0, spread, cells), -2**31, 2**31 - 1).astype(np.int32)))
        operands += [-1, -1, self.like(hidden, 1, cells), self.tensor(
            shape=[1, cells], type="INT16", scale=2.0**self.integer(-15, -9), variable=True)]
        self.tensors[operands[-2]].variable = True
        clip = float(rng.choice([0, 0, 10, rng.uniform(0.05, 2)]))
        return self.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [*operands, -1, -1, -1, -1], hidden,
                             FusedActivationFunction=4, CellClip=clip, TimeMajor=time_major)

    def write(self, *outputs: int, **how: object) -> bytes:
        """Return the file, whose first operator runs what sets the variables, if anything does."""
        if self.first.operators:
            self.operators.insert(0, Operator("CALL_ONCE", [], [], {"InitSubgraphIndex": 1}))
            how = {"others": [self.first], **how}
        return super().write(*outputs, **how)


FORMS = ("after", "before", "newest")


def random_stream(rng: np.random.Generator) -> bytes:
    """Return a network of a few layers that keep some moments of what they read, or of SVDF."""
    graph = StreamGraph(rng)
    if rng.random() < 0.3:
        x = graph.activation(1, graph.integer(1, 20))
        for _ in range(graph.integer(1, 3)):
            x = graph.svdf(x)
        return graph.write(graph.fully_connected(x))
    x = graph.activation(1, graph.integer(1, 3), graph.integer(1, 2), graph.integer(1, 9))
    outputs = []
    for _ in range(graph.integer(1, 3)):
        x = graph.streamed(x, graph.integer(1, 5), FORMS[graph.integer(0, 2)])
        if rng.random() < 0.2:
            outputs.append(graph.reshape(x))
        x = (graph.convolution if rng.random() < 0.5 else graph.depthwise)(x)
        _, height, width, channels = graph.tensors[x].shape
        if height > 4 or channels > 20:
            x = graph.convolution(x, outputs=graph.integer(1, 8), same=True)
            x = graph.rows(x, 0, graph.integer(1, min(height, 4)))
    return graph.write(*outputs, graph.reshape(x) if rng.random() < 0.3 else
                       graph.fully_connected(graph.reshape(x)))


def keep(graph: StreamGraph) -> int:
    """Append a layer over a frame and what was kept of those before, which something sets."""
    x = graph.activation(1, 1, 1, 3)
    handle = graph.variable(x, 1, 2, 1, 3, initial=np.arange(6, dtype=np.int8))
    whole = graph.together(graph.read(handle, x, 1, 2, 1, 3), x)
    graph.assign(handle, graph.rows(whole, 1, 2))
    return graph.depthwise(whole)


def random_lstm(graph: StreamGraph, largest: int = 20) -> int:
    """Append an LSTM of any size, one half of them with time along the first axis."""
    times, inputs = graph.integer(1, 6), graph.integer(1, largest)
    x, major = graph.activation(1, times, inputs), bool(graph.rng.random() < 0.5)
    if major:
        x = graph.reshape(x, times, 1, inputs)
    return graph.lstm(x, graph.integer(1, largest), time_major=major)


STATE_LAYERS = dict.fromkeys(
    ("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"), keep) | {
    "SVDF": lambda graph: graph.svdf(graph.activation(1, graph.integer(1, 40))),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lambda graph: random_lstm(graph)}
"""What makes a network with each operator that knows state."""


def random_state_layer(rng: np.random.Generator, kind: str, **how: object) -> bytes:
    """Return a network with an operator that knows state."""
    graph = StreamGraph(rng)
    return graph.write(STATE_LAYERS[kind](graph), **how)
