"""A layer on the sparse engine: what it gives, and the cycles of one image.

A convolution is a product of its matrix of weights with a vector for each output pixel, the taps in
the order kernel row, kernel column, input channel. Each pixel is an input of the engine, and they
follow one another without a pause.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network.graph import Convolution, FullyConnected
from ..network.arithmetic import wrap
from ..network.layers import finish_sums
from ..network.taps import vectors
from .decoder import Compressed
from .engine import Sparse, SparseRun

__all__ = ["run_layer"]


def run_layer(layer: Convolution | FullyConnected, matrix: Compressed, x: NDArray[np.int8],
              zero_point: int, rounding: str, *, width: int = 16,
              depth: int = 8) -> tuple[NDArray[Any], SparseRun]:
    """Return the values of the output, (pixels, channels), and the run that gave the sums.

    ``x`` has one image or more, whose pixels follow one another. Taps outside the image are zeros,
    which cost as little as other zeros do. The bias is added to the sums behind the engine, where
    they are requantised. ``width`` activations come in one cycle, and ``depth`` columns may wait in
    front of each lane.
    """
    seen = vectors(layer, x, zero_point)[:, 0]
    padded = np.zeros((len(seen), -(-seen.shape[1] // width) * width), np.int64)
    padded[:, :seen.shape[1]] = seen
    run = Sparse(depth=depth).run(matrix, padded.reshape(len(seen), -1, width))
    return finish_sums(wrap(run.sums + layer.bias), layer.requantisation, rounding), run
