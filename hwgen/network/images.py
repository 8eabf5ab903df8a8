"""Images, as whoever runs a network has them: one or several, with the batch's axis or without."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .graph import Network

__all__ = ["Arrays", "first_image", "input_images", "output_images"]

Arrays = NDArray[Any] | Mapping[str, NDArray[Any]]
"""The only input of a network, or each by its name."""


def input_images(network: Network, x: Arrays) -> dict[str, NDArray[np.int8]]:
    """Return inputs as the network works on them, of one image or several along the first axis."""
    shapes = network.input_shapes
    given = x if isinstance(x, Mapping) else dict.fromkeys([*shapes][:1], x)
    found = network.feed({name: with_batch_axis(np.asarray(values), shapes.get(name, ()))
                          for name, values in given.items()})
    counts = {name: len(array) for name, array in found.items()}
    if len({*counts.values()}) != 1:
        raise UserError("every input must have as many images, not " + ", ".join(
            f"{count} for {name}" for name, count in counts.items()))
    return found


def with_batch_axis(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return one image without the batch's axis, or several with one each, along one axis."""
    if shape[:1] != (1,):
        return values
    if values.shape == shape[1:]:
        return values[None]
    if values.ndim == len(shape) + 1 and values.shape[1:] == shape:
        return values.reshape(-1, *shape[1:])
    return values


def first_image(inputs: Mapping[str, NDArray[np.int8]]) -> dict[str, NDArray[np.int8]]:
    """Return the first of several images."""
    return {name: values[:1] for name, values in inputs.items()}


def output_images(network: Network, results: Mapping[str, NDArray[np.int8]],
                  ) -> dict[str, NDArray[Any]]:
    """Return the outputs of one image as the network's file has them, without the batch's axis."""
    return {name: values[0] if values.ndim > 1 and len(values) == 1 else values
            for name, values in network.fetch(results).items()}
