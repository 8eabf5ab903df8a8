"""Operations with constants on float32, one for one what ONNX Runtime computes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FloatStep", "apply_steps", "single"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FloatStep:
    """One operator and its constants: each a float32, or an array of one for each channel.

    ``Sub`` subtracts the constant, ``From`` from the constant. ``Affine`` multiplies and adds.
    """

    operator: str
    constants: tuple[np.ndarray | np.float32, ...]

    def __call__(self, x: Floats) -> Floats:
        """Return the result in float32."""
        constant = self.constants[0]
        match self.operator:
            case "Add":
                return x + constant
            case "Sub":
                return x - constant
            case "From":
                return constant - x
            case "Mul":
                return x * constant
            case "Div":
                return x / constant
        return x * constant + self.constants[1]


def apply_steps(x: Floats, steps: tuple[FloatStep, ...]) -> Floats:
    """Return x after every step."""
    for step in steps:
        x = step(x)
    return x


def single(values: ArrayLike) -> Floats:
    """Return numbers in float32; those that are too large are infinite, as anywhere else."""
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(np.float32)
