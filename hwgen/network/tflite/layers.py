"""From an operator of a .tflite file to a layer, or to two.

Shapes are held against each other as the file has them; the layers have those of the graph, whose
tensors all have an axis for the batch.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import LONGEST_ROW
from ...errors import UserError
from .. import graph
from ..scales import mean_multiplier, multiplier_and_shift
from .dilation import refuse_batches
from .elementwise import add, extreme, multiply, requantise, squared_difference
from .file import LARGEST_TENSOR, MOST_OPERANDS
from .lookups import check_curve, look_up, prelu
from .lstm import lstm
from .matmul import matmul
from .moves import expand, reshape, squeeze
from .operator import Chain, Site
from .operator_codes import FUSE
from .rearrange import MOVED, join, move, pack
from .svdf import svdf
from .transposed import transpose_convolution

__all__ = ["BUILDERS"]


def convolution(site: Site) -> list[graph.Layer]:
    """CONV_2D and DEPTHWISE_CONV_2D."""
    site.inputs_between(2, 3)
    depthwise = site.operator.code == "DEPTHWISE_CONV_2D"
    channels = site.image()[2]
    if len(site.input(1).shape) != 4:
        raise UserError(f"its weights have shape {site.input(1).shape}: they must have four axes")
    weights, scales = site.weights(3 if depthwise else 0)
    outputs, kernel = weights.shape[3 if depthwise else 0], weights.shape[1:3]
    if depthwise and (weights.shape[0] != 1 or outputs % channels):
        raise UserError(f"its weights have shape {weights.shape}: they must be (1, height, width, "
                        f"a multiple of {channels})")
    if depthwise and site.option("DepthMultiplier") != outputs // channels:
        raise UserError(f"its depth multiplier is {site.option('DepthMultiplier')}, and must be "
                        f"{outputs // channels}, as its {channels} input channels and {outputs} "
                        "output channels say")
    if not depthwise and weights.shape[3] != channels:
        weights = dense_weights(weights, channels)
    window = site.window(kernel, (site.option("DilationHFactor", 1),
                                  site.option("DilationWFactor", 1)))
    kind = graph.Depthwise if depthwise else graph.Convolution
    return [kind(name=site.name, inputs=(site.x().name,),
                 output=site.gives(1, *window.output(*site.image()[:2]), outputs),
                 weights=weights[0] if depthwise else weights, bias=site.bias(outputs),
                 window=window, requantisation=site.requantisation(
                     site.x().scale * scales / site.y.scale, outputs))]


def dense_weights(weights: NDArray[np.int8], channels: int) -> NDArray[np.int8]:
    """Return the weights of a convolution in groups as those of one without: 0 between them."""
    outputs, *kernel, depth = weights.shape
    groups = channels // depth
    if depth * groups != channels or outputs % groups:
        raise UserError(f"its weights have {depth} input channels and its input {channels}: these "
                        f"must be so many groups that its {outputs} outputs are as many")
    if weights.size * groups > LARGEST_TENSOR:
        raise UserError(f"it has {groups} groups: as a convolution without groups its weights take "
                        f"more than {LARGEST_TENSOR} bytes")
    dense = np.zeros((groups, outputs // groups, *kernel, groups, depth), np.int8)
    each = np.arange(groups)
    dense[each, :, :, :, each] = weights.reshape(groups, -1, *kernel, depth)
    return dense.reshape(outputs, *kernel, channels)


def fully_connected(site: Site) -> list[graph.Layer]:
    """FULLY_CONNECTED; its input is reshaped where its last axis is not the weights'."""
    site.inputs_between(2, 3)
    if site.option("WeightsFormat"):
        raise UserError("its weights are shuffled: hwgen runs them in their default order")
    weights, scales = site.weights(0)
    if weights.ndim != 2:
        raise UserError(f"its weights have shape {weights.shape}: they must have two axes")
    outputs, inputs = weights.shape
    x, y, shape = site.x(), site.y, site.input(0).shape
    rows, rest = divmod(x.size, inputs)
    keep = bool(site.option("KeepNumDims"))
    gives = (*shape[:-1], outputs) if keep else (rows, outputs)
    if rest or keep and shape[-1:] != (inputs,) or site.result.shape != gives:
        raise UserError(f"its input of shape {shape} and weights of shape {weights.shape} do not "
                        f"give an output of shape {site.result.shape}"
                        + (", where all axes but the last are kept" if keep else ""))
    layers: list[graph.Layer] = []
    source = x.name
    if x.shape[-1] != inputs:
        source = site.context.tensor(f"{y.name}#input",
                                     replace(x, shape=(*y.shape[:-1], inputs))).name
        layers.append(graph.Reshape(name=f"{site.name}_reshape", inputs=(x.name,), output=source))
    if len(scales) == 1:
        site.bias_fits(x.scale * float(scales[0]))
    layers.append(graph.FullyConnected(
        name=site.name, inputs=(source,), output=y.name, weights=weights,
        bias=site.bias(outputs),
        requantisation=site.requantisation(x.scale * scales / y.scale, outputs)))
    return layers


def pool(site: Site) -> list[graph.Layer]:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    site.inputs_between(1, 1)
    # As near as the reference demands.
    site.keeps_scale(site.x(), difference=1e-6)
    height, width, channels = site.image()
    window = site.window((site.option("FilterHeight"), site.option("FilterWidth")))
    output = site.gives(1, *window.output(height, width), channels)
    window = clip_window(window, (height, width))
    low, high = site.range()
    kind = graph.MaxPool if site.operator.code == "MAX_POOL_2D" else graph.AveragePool
    return [kind(name=site.name, inputs=(site.x().name,), output=output, window=window, low=low,
                 high=high)]


def clip_window(window: graph.Window, image: tuple[int, int]) -> graph.Window:
    """Return a window without the taps that lie outside the image wherever it stands.

    A pool gives the same without them, and a file may have any number of them.
    """
    outputs = window.output(*image)
    first = [max(0, before - (output - 1) * stride) for before, output, stride in
             zip(window.before, outputs, window.stride, strict=True)]
    last = [min(taps - 1, before + size - 1) for taps, before, size in
            zip(window.kernel, window.before, image, strict=True)]
    taps = last[0] - first[0] + 1, last[1] - first[1] + 1
    before = window.before[0] - first[0], window.before[1] - first[1]
    after = [after - (taps - 1 - end) for after, taps, end in
             zip(window.after, window.kernel, last, strict=True)]
    return graph.Window(taps, window.stride, window.dilation, before, (after[0], after[1]))


def mean(site: Site) -> list[graph.Layer]:
    """MEAN and SUM over any axes but the batch's."""
    site.inputs_between(2, 2)
    x, stored = site.x(), site.input(0)
    given = site.constant(1, {"INT32": "<i4"}, "axes").ravel()
    rank = len(stored.shape)
    if given.size > MOST_OPERANDS or np.any((given < -rank) | (given >= rank)):
        raise UserError(f"its axes {given[:8].tolist()} must be those of a shape of {rank} axes")
    # From the end, so that the batch's axis does not matter. Nor does an axis of 1.
    axes = {(axis % rank) - rank for axis in given.tolist()}
    image = (1,) * (4 - len(x.shape)) + x.shape
    over = tuple(axis for axis in (1, 2, 3) if axis - 4 in axes and image[axis] > 1)
    if site.option("KeepDims"):
        left = [1 if axis - rank in axes else size for axis, size in enumerate(stored.shape)]
    else:
        left = [size for axis, size in enumerate(stored.shape) if axis - rank not in axes]
    site.gives(*left)
    ratio, count = x.scale / site.y.scale, math.prod(image[axis] for axis in over)
    whole = site.operator.code == "SUM"
    multiplier, shift = (int(each[0]) for each in multiplier_and_shift([ratio])) if whole else \
        mean_multiplier(ratio, count)
    by = graph.Requantisation(np.array([multiplier], np.int32), np.array([shift], np.int32),
                              site.y.zero_point)
    kept = tuple(1 if axis in over else size for axis, size in enumerate(image))
    y = site.y.shape
    chain = Chain(site, y if (1,) * (4 - len(y)) + y == kept else kept)
    chain.add(graph.Total if whole else graph.Mean, (x.name,), chain.output, axes=over,
              requantisation=by)
    return chain.finish()


def pad(site: Site) -> list[graph.Layer]:
    """PAD and PADV2 of height and width."""
    site.inputs_between(2, 3)
    height, width, channels = site.image()
    site.keeps_scale(site.x())
    amounts = site.constant(1, {"INT32": "<i4", "INT64": "<i8"}, "paddings")
    if amounts.shape != (4, 2) or np.any(amounts < 0) or np.any(amounts > LARGEST_TENSOR) or \
            np.any(amounts[[0, 3]]):
        raise UserError(f"its paddings are {amounts.ravel()[:8].tolist()}: hwgen pads height and "
                        "width, of four axes")
    (top, bottom), (left, right) = amounts[1:3].tolist()
    value = site.y.zero_point
    if len(site.operator.inputs) == 3:
        constant = site.constant(2, {"INT8": "<i1"}, "value")
        stored = site.input(2)
        if constant.size != 1:
            raise UserError("its value must be one number")
        if list(stored.scales) != [site.y.scale] or list(stored.zero_points) != [site.y.zero_point]:
            raise UserError("its value must have the scale and zero point of its output")
        value = int(constant.ravel()[0])
    return [graph.Pad(name=site.name, inputs=(site.x().name,),
                      output=site.gives(1, height + top + bottom, width + left + right, channels),
                      before=(top, left), after=(bottom, right), value=value)]


def concatenate(site: Site) -> list[graph.Layer]:
    """CONCATENATION of tensors that have one scale."""
    x = [site.x(position) for position in range(len(site.stored))]
    if site.option("FusedActivationFunction"):
        raise UserError(f"it has a fused activation: {FUSE}, but not into this one")
    site.keeps_scale(*x)
    shapes = [site.input(position).shape for position in range(len(x))]
    rank, given = len(shapes[0]), site.option("Axis")
    if not -rank <= given < rank:
        raise UserError(f"its axis {given} must be one of a shape of {rank} axes")
    place = given % rank
    axis = place - rank + len(x[0].shape)
    if len({(*shape[:place], *shape[place + 1:]) for shape in shapes}) != 1 or \
            len({len(shape) for shape in shapes}) != 1:
        raise UserError(f"its inputs have shapes {', '.join(map(str, shapes[:4]))}: they must be "
                        "alike but for the axis of concatenation")
    shape = list(shapes[0])
    shape[place] = sum(s[place] for s in shapes)
    if axis == 0 or len({len(t.shape) for t in (*x, site.y)}) > 1:
        site.gives(*shape)
        return join(site, x, place)
    return [graph.Concatenate(name=site.name, inputs=tuple(t.name for t in x),
                              output=site.gives(*shape), axis=axis)]


def softmax(site: Site) -> list[graph.Layer]:
    """SOFTMAX and LOGISTIC, whose outputs have a fixed scale."""
    site.inputs_between(1, 1)
    if site.operator.code == "LOGISTIC":
        return [graph.Logistic(name=site.name, inputs=(check_curve(site).name,),
                               output=site.gives(*site.input(0).shape))]
    x, y = site.x(), site.y
    if (y.scale, y.zero_point) != (1 / 256, -128):
        raise UserError(f"its output has scale {y.scale} and zero point {y.zero_point}: they must "
                        "be 1/256 and -128")
    output = site.gives(*site.input(0).shape)
    beta = float(site.operator.options.get("Beta", 0.0))
    if not 2.0**-26 < beta * x.scale < float("inf"):
        raise UserError(f"its beta {beta} times its input's scale {x.scale} must be more than "
                        "2**-26")
    if x.shape[-1] > LONGEST_ROW:
        raise UserError(f"it is over {x.shape[-1]} values: at most {LONGEST_ROW} are run")
    return [graph.Softmax(name=site.name, inputs=(x.name,), output=output, beta=beta)]


BUILDERS: dict[str, Callable[[Site], list[graph.Layer]]] = {
    "CONV_2D": convolution, "DEPTHWISE_CONV_2D": convolution, "FULLY_CONNECTED": fully_connected,
    "ADD": add, "SUB": add, "MUL": multiply, "SQUARED_DIFFERENCE": squared_difference,
    "MAXIMUM": extreme, "MINIMUM": extreme,
    "RELU": requantise, "RELU6": requantise, "QUANTIZE": requantise, "AVERAGE_POOL_2D": pool,
    "MAX_POOL_2D": pool, "MEAN": mean, "SUM": mean, "PAD": pad, "PADV2": pad,
    "CONCATENATION": concatenate, "RESHAPE": reshape, "SQUEEZE": squeeze, "EXPAND_DIMS": expand,
    "SOFTMAX": softmax, "LOGISTIC": softmax, "PACK": pack, "SVDF": svdf, "TANH": look_up,
    "HARD_SWISH": look_up, "LEAKY_RELU": look_up, "ELU": look_up, "RSQRT": look_up,
    "ABS": look_up, "PRELU": prelu, "BATCH_MATMUL": matmul,
    "TRANSPOSE_CONV": transpose_convolution, "SPACE_TO_BATCH_ND": refuse_batches,
    "BATCH_TO_SPACE_ND": refuse_batches, "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
    **dict.fromkeys(MOVED, move)}

"""What returns the layers of each operator, the last of which writes its output."""
