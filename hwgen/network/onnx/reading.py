"""Reads a quantised network from an ONNX file.

Three styles are read: operators that are quantised themselves (QLinearConv), float ones between
DequantizeLinear and QuantizeLinear, and QONNX's, of 1 to 8 bits, between one Quant and the next.
docs/onnx.md lists the operators, and what becomes of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...tools.untrusted import read_toml
from ..graph import Network, Tensor
from .file import graph_of, parse
from .float_ops import apply_steps
from .operators.arithmetic import ARITHMETIC
from .operators.curves import CURVES, CURVES_QUANTISED
from .operators.last import LAST, LAST_QUANTISED
from .operators.moves import MOVES
from .operators.pools import POOLS
from .operators.products import FLOAT
from .operators.qlinear import MICROSOFT, QUANTISED
from .operators.qonnx import LOW_BIT
from .operators.rearrange import REARRANGED
from .reader import EdgeLayout, Handler, OnnxReader
from .valid import check
from .values import file_type

__all__ = ["EdgeLayout", "OnnxNetwork", "file_values", "read"]

Bytes = NDArray[np.int8]

HANDLERS: dict[tuple[str, str], Handler] = {
    **{("", name): handler
       for name, handler in {**MOVES, **REARRANGED, **FLOAT, **ARITHMETIC, **POOLS, **LAST,
                             **CURVES, **QUANTISED}.items()},
    **{("com.microsoft", name): handler
       for name, handler in {**MICROSOFT, **LAST_QUANTISED,
                             **CURVES_QUANTISED}.items()},
    **LOW_BIT,
    **{("com.microsoft", name): FLOAT[name] for name in ("DequantizeLinear", "QuantizeLinear")},
}

NEAREST: Mapping[str, str] = read_toml(Path(__file__).with_name("nearest.toml"))


@dataclass(frozen=True, eq=False, repr=False)
class OnnxNetwork(Network):
    """A Network with what its file called its inputs and outputs, and how they lay there.

    ONNX keeps images (batch, channels, height, width), a Network (batch, height, width, channels):
    :meth:`feed` makes of arrays as the file takes them those that the Network takes, and
    :meth:`fetch` the reverse. ``layouts`` has the network's inputs and outputs, ``traces`` what the
    file quantises on the way.
    """

    layouts: Mapping[str, EdgeLayout] = field(default_factory=dict)
    traces: Mapping[str, EdgeLayout] = field(default_factory=dict)

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the inputs, as the file has them."""
        return {self.layouts[name].name: self.layouts[name].shape for name in self.inputs}

    @property
    def output_grids(self) -> dict[str, tuple[float, int]]:
        """Scale and zero point of the outputs as the file has them; of real numbers, 1 and 0."""
        return {self.layouts[name].name: self._grid(name) for name in self.outputs}

    def _grid(self, ours: str) -> tuple[float, int]:
        layout, tensor = self.layouts[ours], self.tensors[ours]
        if layout.tail:
            return layout.tail.grid.scale, layout.tail.grid.zero
        if layout.finish:
            return 1.0, 0
        return tensor.scale, tensor.zero_point + layout.offset

    def fetch(self, results: Mapping[str, Bytes], *,
              real: bool = False) -> dict[str, NDArray[np.generic]]:
        """Return the outputs of a run as the file has them; with ``real`` as floating point.

        What the file does to sums that it does not quantise, and a Softmax or a Sigmoid at its
        end, is done here, in float32.
        """
        return {self.layouts[ours].name: self._fetch_output(ours, results[ours], real)
                for ours in self.outputs}

    def _fetch_output(self, ours: str, values: Bytes, real: bool) -> NDArray[np.generic]:
        layout = self.layouts[ours]
        steps = file_values(layout, layout.finish(values) if layout.finish else values)
        if layout.finish is None:
            if real and layout.tail is None:
                return self.real_values(ours, steps)
            steps = (steps + layout.offset).astype(np.uint8 if layout.offset else np.int8)
        if layout.tail is None:
            return steps
        images = [layout.tail(image) for image in steps.reshape(len(values), -1)]
        found = np.concatenate(images) if images[0].shape[:1] == (1,) else \
            images[0] if len(images) == 1 else np.stack(images)
        return layout.tail.grid(found) if real and layout.tail.quantised else found

    def real_values(self, name: str, steps: NDArray[np.signedinteger]) -> NDArray[np.float32]:
        """Return what values of one of our tensors stand for."""
        tensor = self.tensors[name]
        above = steps.astype(np.int16) - np.int16(tensor.zero_point)
        return above.astype(np.float32) * np.float32(tensor.scale)

    def _feed_input(self, name: str, x: NDArray[np.generic]) -> Bytes:
        """Return an input: floating point is quantised, and uint8 becomes int8."""
        layout, tensor = self.layouts[name], self.tensors[name]
        batched = layout.shape[:1] == (1,)
        fits = x.ndim == len(layout.shape) and x.shape[1:] == layout.shape[1:] \
            and (batched or x.shape == layout.shape) and len(x)
        if not fits:
            raise UserError(f"input {layout.name!r} must be of shape {layout.shape}"
                            f"{', or with several images along the first axis' * batched}, "
                            f"not {x.shape}")
        kind = np.dtype(np.uint8 if layout.offset else np.int8)
        images = len(x) if batched else 1
        if x.dtype.kind == "f":
            if not np.isfinite(x).all():
                raise UserError(f"input {layout.name!r} must be finite numbers")
            values = quantise_input(layout, tensor, x.reshape(images, -1).astype(np.float32))
        elif x.dtype == kind and not layout.steps and layout.levels is None:
            values = x.reshape(images, -1).astype(np.int16) - layout.offset
        else:
            what = "floating point"
            if not layout.steps and layout.levels is None:
                what += f" or {kind}"
            raise UserError(f"input {layout.name!r} must be {what}, not {x.dtype}")
        return values[:, layout.order].astype(np.int8).reshape(images, *tensor.shape[1:])


def quantise_input(layout: EdgeLayout, tensor: Tensor, x: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return inputs as integers, in the order of the file; the first axis counts images."""
    with np.errstate(all="ignore"):
        x = apply_steps(x, layout.steps)
    if layout.levels:
        levels = layout.levels
        found = levels.low - levels.offset + levels.step * levels.index(x)
    else:
        steps = np.rint(x / np.float32(tensor.scale)) + tensor.zero_point
        found = np.clip(np.nan_to_num(steps), tensor.precision.low, tensor.precision.high)
    return found.astype(np.int16)


def file_values(layout: EdgeLayout, values: NDArray[Any]) -> NDArray[Any]:
    """Return the values of one of our tensors, of several images, in the shape of the file's."""
    images = len(values)
    flat = np.empty((images, layout.order.size),
                    np.int16 if values.dtype == np.int8 else values.dtype)
    flat[:, layout.order] = values.reshape(images, -1)
    if layout.shape[:1] == (1,):
        return flat.reshape(images, *layout.shape[1:])
    return flat.reshape(layout.shape if images == 1 else (images, *layout.shape))


def read(source: str | Path | bytes, *, rounding: str = "single") -> OnnxNetwork:
    """Return the network of an ONNX file, or of its bytes.

    ``single`` rounds each sum once, as ONNX does but for ties; ``tflm`` rounds twice.
    """
    model, name = parse(source)
    reader = OnnxReader(graph_of(model, name), HANDLERS, NEAREST)
    network = reader.read(rounding)
    check(model, name, {edge: file_type(value) for edge, value in reader.values.items()})
    ends = {name: reader.layouts[name] for name in (*network.inputs, *network.outputs)}
    return OnnxNetwork(network.name, network.tensors, network.layers, network.inputs,
                       network.outputs, network.rounding, ends,
                       {name: trace for name, trace in reader.traces.items()
                        if name in network.tensors})
