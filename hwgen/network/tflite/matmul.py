"""BATCH_MATMUL: products of two tensors."""

import numpy as np

from ...errors import UserError
from ..graph import Layer, Matmul, Tensor
from .operator import Chain, Site
from .rearrange import move_to

__all__ = ["matmul"]


def matmul(site: Site) -> list[Layer]:
    """BATCH_MATMUL, of tensors whose axes before the last two are the same.

    If the first one is transposed, it is moved before.
    """
    site.inputs_between(2, 2)
    shapes, flipped = [site.input(position).shape for position in range(2)], [
        bool(site.option(name)) for name in ("AdjX", "AdjY")]
    x = [site.x(position) for position in range(2)]
    (left, right), before = [shape[-2:][::-1] if flip else shape[-2:] for shape, flip in zip(
        shapes, flipped, strict=True)], shapes[0][:-2]
    if min(map(len, shapes)) < 2 or shapes[1][:-2] != before or left[1] != right[0]:
        raise UserError(f"its inputs have shapes {', '.join(map(str, shapes))}: hwgen multiplies "
                        "matrices whose other axes are the same, rows of one by columns of the "
                        "other")
    output = site.gives(*before, left[0], right[1])
    chain = Chain(site, site.y.shape)
    first = transpose(chain, x[0], shapes[0]) if flipped[0] else x[0].name
    ratio = float(np.float32(x[0].scale) * np.float32(x[1].scale)) / site.y.scale
    if ratio >= 1:
        raise UserError(f"the product of its inputs' scales {x[0].scale:.4g} and {x[1].scale:.4g} "
                        f"must be less than its output's, {site.y.scale:.4g}")
    chain.add(Matmul, (first, x[1].name), output, transposed=flipped[1],
              requantisation=site.requantisation(np.array([ratio]), 1))
    return chain.finish()


def transpose(chain: Chain, x: Tensor, shape: tuple[int, ...]) -> str:
    """Return the tensor with its last two axes exchanged."""
    places = np.arange(x.size, dtype=np.int32).reshape(shape).swapaxes(-1, -2)
    made = chain.between(x.scale, x.zero_point, (*x.shape[:-2], x.shape[-1], x.shape[-2]))
    chain.layers.append(move_to(f"{chain.site.name}_{len(chain.layers)}", x, made,
                                places.reshape(-1)))
    return made
