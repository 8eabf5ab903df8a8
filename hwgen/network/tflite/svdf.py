"""SVDF: products with the features of each filter, and of the last of them with weights in time."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .. import graph
from ..scales import multiplier_and_shift
from .file import ACTIVATIONS
from .operator import Chain, Site

__all__ = ["svdf"]

LARGEST_BIAS_ERROR = 1e-5
"""Between the bias's scale and what it must be: the reference refuses more."""


def svdf(site: Site) -> list[graph.Layer]:
    """SVDF with an int8 state.

    A row of the image that is kept has a value for each unit; there are as many rows for each
    moment as the rank, so that the sum over moments and ranks is one depthwise convolution. The
    state has the moments but the present one.
    """
    scale, rank = check(site), site.option("Rank")
    x, y, (features, _), (times, _) = site.x(), site.y, site.weights(0), site.weights(0, 2)
    (filters, moments), units = times.shape, len(times) // rank
    first, second = (site.grid(position)[0] for position in (1, 2))
    # As the reference: in float32, and rounded so before either becomes a double.
    to_state, to_output = (
        multiplier_and_shift(float(np.float32(a) * np.float32(b) / np.float32(c)))
        for a, b, c in ((x.scale, first, scale), (scale, second, y.scale)))
    chain = Chain(site, (1, 1, 1, units))

    def between(*shape: int) -> graph.Tensor:
        return site.context.tensors[chain.between(scale, 0, (1, *shape))]

    now = between(1, 1, filters)
    order = np.arange(filters).reshape(units, rank).T.reshape(-1)  # all units for each rank
    chain.add(graph.FullyConnected, (chain.take(x, (1, 1, 1, x.size)),), now.name,
              weights=features[order], bias=np.zeros(filters, np.int32),
              requantisation=by(to_state, filters, 0))
    image = chain.take(now, (1, rank, 1, units))
    if moments > 1:
        image = keep(site, chain, image, between(moments * rank, 1, units), rank)
    chain.add(graph.Depthwise, (image,), chain.output, bias=site.bias(units, 3),
              window=graph.Window((moments * rank, 1)),
              weights=times.reshape(units, rank, moments).transpose(2, 1, 0).reshape(-1, 1, units),
              requantisation=by(to_output, units, y.zero_point))
    return chain.finish()


def by(scaling: tuple[NDArray[np.int32], NDArray[np.int32]], channels: int,
       zero_point: int) -> graph.Requantisation:
    """Return a requantisation that is the same for all channels."""
    multiplier, shift = (np.broadcast_to(each, channels) for each in scaling)
    return graph.Requantisation(multiplier, shift, zero_point)


def keep(site: Site, chain: Chain, now: str, image: graph.Tensor, rows: int) -> str:
    """Put what was kept before what there is now, and keep all but the oldest rows of that."""
    context, (_, height, _, units) = site.context, image.shape
    like = replace(image, shape=(1, height - rows, 1, units))
    old = context.tensors[context.names[site.operator.inputs[4]]] = replace(
        like, name=context.names[site.operator.inputs[4]])
    part, new = (context.tensor(f"{old.name}#{what}", like) for what in ("part", "next"))
    context.last += [
        graph.Move(name=f"{site.name}_shift", inputs=(image.name,), output=part.name,
                   places=np.arange(rows * units, image.size, dtype=np.int32)),
        graph.Assign(name=f"{site.name}_assign", inputs=(part.name,), output=new.name)]
    context.states.append(graph.StateTensor(old.name, new.name, np.zeros(old.shape, np.int8)))
    return chain.add(graph.Concatenate, (old.name, now), image.name, axis=1)


def check(site: Site) -> float:
    """Check all shapes and the state's type, and return its scale."""
    site.inputs_between(5, 5)
    state, rank = site.input(4), site.option("Rank")
    if (state.type, site.input(2).type) != ("INT8", "INT8"):
        raise UserError(f"its state is {state.type} and its weights in time {site.input(2).type}: "
                        "hwgen multiplies and keeps int8, so convert it with an int8 state")
    (features, _), (times, _) = site.weights(0), site.weights(0, 2)
    if features.ndim != 2 or times.ndim != 2 or site.input(0).shape != (1, features.shape[1]) or \
            len(features) != len(times) or rank < 1 or len(times) % rank:
        raise UserError(f"its input has shape {site.input(0).shape}, its weights "
                        f"{features.shape} and {times.shape}, its rank is {rank}: they must be "
                        "(1, inputs), (filters, inputs), (filters, moments), and a divisor of the "
                        "filters")
    site.gives(1, len(times) // rank)
    if not state.variable or state.data is not None or state.shape != (1, times.size):
        raise UserError(f"its state has shape {state.shape}: it must be a variable of shape "
                        f"{(1, times.size)} without data")
    if site.context.names[site.operator.inputs[4]] in site.context.tensors:
        raise UserError("its state is that of another operator, too")
    scale, zero_point = site.grid(4)
    site.bias(len(times) // rank, 3)
    product = float(np.float32(scale) * np.float32(site.grid(2)[0]))
    bias = site.input(3).scales
    if zero_point:
        raise UserError(f"its state has the zero point {zero_point}, which must be 0")
    if len(bias) != 1 or abs(float(bias[0]) - product) >= LARGEST_BIAS_ERROR:
        raise UserError(f"its bias has scales {bias[:4].tolist()}: it must have {product:.8g}, its "
                        "state's times its weights' in time")
    activation = ACTIVATIONS.get(site.option("FusedActivationFunction"), "unknown")
    if activation != "NONE" and (activation, site.y.zero_point) != ("RELU", -128):
        raise UserError(f"its activation is {activation} and its output's zero point "
                        f"{site.y.zero_point}: it must be NONE, or RELU with -128")
    return scale
