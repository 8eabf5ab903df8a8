"""What quantises to a few bits: QONNX's Quant, BipolarQuant and MultiThreshold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..precision import Precision

__all__ = ["DOMAINS", "ROUNDINGS", "Levels", "Staircase", "Uniform"]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")
"""Where the operators are found, by the age of the file."""

ROUNDINGS: dict[str, Callable[[Floats], Floats]] = {
    "ROUND": np.rint, "HALF_EVEN": np.rint, "CEIL": np.ceil, "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)), "DOWN": np.trunc, "ROUND_TO_ZERO": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5)),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Levels:
    """The integers that real numbers become, from ``low`` to ``high`` in steps of ``step``.

    They are those of the file: an integer q stands for ``scale * (q - zero)``.
    """

    scale: np.ndarray
    zero: int
    low: int
    high: int
    step: int = 1

    @property
    def count(self) -> int:
        """How many levels there are."""
        return (self.high - self.low) // self.step + 1

    @property
    def offset(self) -> int:
        """What an array of ours holds less: 128 for uint8, which else would not fit int8."""
        return 128 if self.high > 127 else 0

    @property
    def precision(self) -> Precision:
        """Bits of the tensor."""
        if self.step == 2:
            return Precision(1, "bipolar")
        return Precision.over(self.low - self.offset, self.high - self.offset)

    def same(self, other: "Levels | None") -> bool:
        """Whether others are these."""
        return type(self) is type(other) and all(
            np.array_equal(value, getattr(other, name)) for name, value in vars(self).items())

    def index(self, x: Floats) -> Integers:
        """Return which level each number falls into, counted from 0; in float32 throughout."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class Uniform(Levels):
    """Levels at equal distances: Quant, or with a ``step`` of 2 BipolarQuant.

    Clamped first and rounded then, as the reference does: else ``CEIL`` would differ.
    """

    rounding: str = "ROUND"

    def index(self, x: Floats) -> Integers:
        """Divide, clamp and round, or take the sign."""
        with np.errstate(all="ignore"):
            if self.step == 2:
                return (x >= 0).astype(np.int64)
            steps = x / self.scale + np.float32(self.zero)
            clamped = np.nan_to_num(np.clip(steps, np.float32(self.low), np.float32(self.high)))
            return ROUNDINGS[self.rounding](clamped).astype(np.int64) - self.low


@dataclass(frozen=True, eq=False, kw_only=True)
class Staircase(Levels):
    """Levels between thresholds of any distance: MultiThreshold.

    ``thresholds`` are (channels or 1, levels less one); the last axis of numbers counts channels.
    """

    thresholds: Floats

    def index(self, x: Floats) -> Integers:
        """Count the thresholds that are not above a number."""
        reached = np.zeros(x.shape, np.int64)
        for column in self.thresholds.T:
            reached += x >= column
        return reached
