"""A layer on the sparse engine: what it gives, and the cycles of one image.

A convolution is a product of its matrix of weights with a vector for each output pixel, the taps in
the order kernel row, kernel column, input channel. Each pixel is an input of the engine, and they
follow one another without a pause.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network.graph import Convolution, FullyConnected
from ..network.arithmetic import wrap
from ..network.layers import finish_sums
from ..network.taps import vectors
from .decoder import Compressed
from .engine import Sparse, SparseRun

__all__ = ["SparseLayerModel"]


@dataclass(frozen=True, kw_only=True)
class SparseLayerModel:
    """The engine as a layer sees it.

    Parameters
    ----------
    width : int
        Activations that come in one cycle.
    depth : int
        Columns that may wait in front of each lane.
    """

    width: int = 16
    depth: int = 8

    def run(self, layer: Convolution | FullyConnected, matrix: Compressed, x: NDArray[np.int8],
            zero_point: int, rounding: str) -> tuple[NDArray[Any], SparseRun]:
        """Return the values of the output, (pixels, channels), and the run that gave the sums.

        ``x`` has one image or more, whose pixels follow one another. Taps outside the image are
        zeros, which cost as little as other zeros do. The bias is added to the sums behind the
        engine, where they are requantised.
        """
        seen = vectors(layer, x, zero_point)[:, 0]
        padded = np.zeros((len(seen), -(-seen.shape[1] // self.width) * self.width), np.int64)
        padded[:, :seen.shape[1]] = seen
        run = Sparse(depth=self.depth).run(matrix, padded.reshape(len(seen), -1, self.width))
        sums = wrap(run.sums + layer.bias)
        return finish_sums(sums, layer.requantisation, rounding), run
