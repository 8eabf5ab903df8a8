"""What of a vector of activations is worth multiplying, in NumPy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NonZero", "nonzeros"]


class NonZero(NamedTuple):
    """What the unit gives in one transfer: an activation less its zero point, or the end.

    ``at`` is what the hardware calls ``index``, a name that tuples have for something else.
    """

    at: int
    value: int
    some: bool
    last: bool


def nonzeros(vectors: NDArray[np.integer], zero_point: int = 0, first: int = 0) -> list[NonZero]:
    """Return what :class:`hwgen.rtl.sparse.nonzero.NonZeros` makes of the vectors of one input.

    The index of activation n is ``first + n``. Where the last vector has nothing, a transfer of
    its own, with index and value 0, ends the input.
    """
    values = np.asarray(vectors, np.int64) - zero_point
    flat = values.ravel()
    places = np.flatnonzero(flat).tolist()
    found = [NonZero(first + place, int(flat[place]), True, False) for place in places]
    if values[-1].any():
        return [*found[:-1], found[-1]._replace(last=True)]
    return [*found, NonZero(0, 0, False, True)]
