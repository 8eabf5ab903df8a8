"""Reads a quantised network from an ONNX file.

Both styles are read: operators that are quantised themselves (QLinearConv), and float ones between
DequantizeLinear and QuantizeLinear. docs/onnx.md lists the operators, and what becomes of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ._onnx_file import load
from ._onnx_float import FLOAT
from ._onnx_moves import MOVES
from ._onnx_pools import POOLS
from ._onnx_quantised import MICROSOFT, QUANTISED
from ._onnx_reader import Handler, Layout, Reader
from .graph import Network

__all__ = ["Layout", "OnnxNetwork", "read", "restored"]

Bytes = NDArray[np.int8]

HANDLERS: dict[tuple[str, str], Handler] = {
    **{("", name): handler for name, handler in {**MOVES, **FLOAT, **POOLS, **QUANTISED}.items()},
    **{("com.microsoft", name): handler for name, handler in MICROSOFT.items()},
    **{("com.microsoft", name): FLOAT[name] for name in ("DequantizeLinear", "QuantizeLinear")},
}

NEAREST = {
    "ArgMax": "the host, on the network's output",
    "ConvTranspose": "Conv",
    "DynamicQuantizeLinear": "QuantizeLinear with a constant scale",
    "Elu": "Relu or Clip",
    "FusedConv": "Conv and Relu",
    "GRU": "Conv or Gemm over a window",
    "Gelu": "Relu or Clip",
    "HardSigmoid": "Clip, or Sigmoid last",
    "HardSwish": "Relu or Clip",
    "InstanceNormalization": "BatchNormalization",
    "LSTM": "Conv or Gemm over a window",
    "LayerNormalization": "BatchNormalization",
    "LeakyRelu": "Relu",
    "LogSoftmax": "Softmax last",
    "Max": "Clip",
    "Min": "Clip",
    "PRelu": "Relu",
    "QLinearLeakyRelu": "Relu between DequantizeLinear and QuantizeLinear",
    "QLinearMul": "QLinearAdd, or QLinearConv with a kernel of 1",
    "ReduceMax": "GlobalMaxPool",
    "ReduceSum": "GlobalAveragePool",
    "Resize": "Conv and the pools",
    "Slice": "Concat, or Conv with fewer channels",
    "Split": "two Convs of the same input",
    "Tanh": "Sigmoid last",
    "Upsample": "Conv and the pools",
}


@dataclass(frozen=True, eq=False)
class OnnxNetwork(Network):
    """A Network with what its file called its inputs and outputs, and how they lay there.

    ONNX keeps images (batch, channels, height, width), a Network (batch, height, width, channels):
    :meth:`feed` makes of arrays as the file takes them those that the Network takes, and
    :meth:`fetch` the reverse. ``layouts`` has the network's inputs and outputs, ``traces`` what the
    file quantises on the way.
    """

    layouts: Mapping[str, Layout] = field(default_factory=dict)
    traces: Mapping[str, Layout] = field(default_factory=dict)

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the inputs, as the file has them."""
        return {self.layouts[name].name: self.layouts[name].shape for name in self.inputs}

    @property
    def output_grids(self) -> dict[str, tuple[float, int]]:
        """Scale and zero point of the outputs, as the file has them."""
        return {self.layouts[name].name: (
            self.tensors[name].scale, self.tensors[name].zero_point + self.layouts[name].offset)
            for name in self.outputs}

    def feed(self, x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]]) -> dict[str, Bytes]:
        """Return the Network's inputs, of one image or of several along the first axis.

        Floating point is quantised, and uint8 becomes int8.
        """
        given = dict(x) if isinstance(x, Mapping) else \
            {self.layouts[name].name: x for name in self.inputs[:1]}
        by_name = {self.layouts[name].name: name for name in self.inputs}
        if sorted(given) != sorted(by_name):
            raise UserError(f"the network's inputs are {', '.join(by_name)}, "
                            f"not {', '.join(given)}")
        return {ours: self._fed(ours, np.asarray(given[name])) for name, ours in by_name.items()}

    def fetch(self, results: Mapping[str, Bytes], *,
              real: bool = False) -> dict[str, NDArray[np.generic]]:
        """Return the outputs of a run as the file has them; with ``real`` as floating point."""
        found: dict[str, NDArray[np.generic]] = {}
        for ours in self.outputs:
            layout = self.layouts[ours]
            steps = restored(layout, results[ours])
            if real:
                found[layout.name] = self.real(ours, steps)
            else:
                kind = np.uint8 if layout.offset else np.int8
                found[layout.name] = (steps + layout.offset).astype(kind)
        return found

    def real(self, name: str, steps: NDArray[np.signedinteger]) -> NDArray[np.float32]:
        """Return what values of one of our tensors stand for."""
        tensor = self.tensors[name]
        above = steps.astype(np.int16) - np.int16(tensor.zero_point)
        return above.astype(np.float32) * np.float32(tensor.scale)

    def _fed(self, ours: str, x: NDArray[np.generic]) -> Bytes:
        layout, tensor = self.layouts[ours], self.tensors[ours]
        batched = layout.shape[:1] == (1,)
        fits = x.ndim == len(layout.shape) and x.shape[1:] == layout.shape[1:] \
            and (batched or x.shape == layout.shape) and len(x)
        if not fits:
            raise UserError(f"input {layout.name!r} must be of shape {layout.shape}"
                            f"{', or with several images along the first axis' * batched}, "
                            f"not {x.shape}")
        kind = np.dtype(np.uint8 if layout.offset else np.int8)
        if x.dtype.kind == "f":
            if not np.isfinite(x).all():
                raise UserError(f"input {layout.name!r} must be finite numbers")
            steps = np.rint(x.astype(np.float32) / np.float32(tensor.scale)) + tensor.zero_point
            values = np.clip(steps, -128, 127).astype(np.int16)
        elif x.dtype == kind:
            values = x.astype(np.int16) - layout.offset
        else:
            raise UserError(f"input {layout.name!r} must be floating point or {kind}, "
                            f"not {x.dtype}")
        images = len(x) if batched else 1
        flat = values.reshape(images, -1)[:, layout.order]
        return flat.astype(np.int8).reshape(images, *tensor.shape[1:])


def restored(layout: Layout, values: Bytes) -> NDArray[np.int16]:
    """Return the values of one of our tensors, of several images, in the shape of the file's."""
    images = len(values)
    flat = np.empty((images, layout.order.size), np.int16)
    flat[:, layout.order] = values.reshape(images, -1)
    if layout.shape[:1] == (1,):
        return flat.reshape(images, *layout.shape[1:])
    return flat.reshape(layout.shape if images == 1 else (images, *layout.shape))


def read(source: str | Path | bytes, *, rounding: str = "single") -> OnnxNetwork:
    """Return the network of an ONNX file, or of its bytes.

    ``single`` rounds each sum once, as ONNX does but for ties; ``tflm`` rounds twice.
    """
    reader = Reader(load(source), HANDLERS, NEAREST)
    network = reader.read(rounding)
    ends = {name: reader.layouts[name] for name in (*network.inputs, *network.outputs)}
    return OnnxNetwork(network.name, network.tensors, network.layers, network.inputs,
                       network.outputs, network.rounding, ends,
                       {name: trace for name, trace in reader.traces.items()
                        if name in network.tensors})
