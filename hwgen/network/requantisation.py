"""What becomes of a sum: an int8 or fewer bits by a multiplier or by thresholds, or itself."""

from dataclasses import dataclass

import numpy as np

from .thresholds import Thresholds

__all__ = ["Ending", "Requantisation"]


@dataclass(frozen=True, eq=False)
class Requantisation:
    """From a sum to an int8: times ``multiplier * 2**(shift - 31)``, plus ``zero_point``, clamped.

    ``multiplier`` is 0 or from 2**30 to 2**31 - 1, ``shift`` from -31 to 30; one of each for a
    channel, or one for all. A Mean, which divides by its count in the multiplier, may have one from
    2**29 on.
    """

    multiplier: np.ndarray
    shift: np.ndarray
    zero_point: int
    low: int = -128
    high: int = 127


Ending = Requantisation | Thresholds | None
"""What a sum becomes: one of few bits by either, or with None an output of 32 bits as it is."""
