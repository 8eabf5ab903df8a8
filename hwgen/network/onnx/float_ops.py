"""Operations with constants on float32, one for one what ONNX Runtime computes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["OPERATIONS", "FloatStep", "Floats", "apply_steps", "gain_and_bias", "single"]

Floats = NDArray[np.float32]


OPERATIONS: dict[str, Callable[..., Floats]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power,
    "From": lambda x, constant: constant - x, "Affine": lambda x, gain, bias: x * gain + bias}


@dataclass(frozen=True, eq=False)
class FloatStep:
    """One operator and its constants: each a float32, or an array of one for each channel.

    ``Sub`` subtracts the constant, ``From`` from the constant. ``Affine`` multiplies and adds.
    """

    operator: str
    constants: tuple[np.ndarray | np.float32, ...]

    def __call__(self, x: Floats) -> Floats:
        """Return the result in float32."""
        return OPERATIONS[self.operator](x, *self.constants)


def gain_and_bias(operator: str, constant: NDArray[np.float64]) -> tuple[ArrayLike, ArrayLike]:
    """Return by what a step with such a constant multiplies, and what it adds then."""
    match operator:
        case "Add":
            return 1.0, constant
        case "Sub":
            return 1.0, -constant
        case "From":
            return -1.0, constant
        case "Mul":
            return constant, 0.0
    return 1 / constant, 0.0


def apply_steps(x: Floats, steps: tuple[FloatStep, ...]) -> Floats:
    """Return x after every step."""
    for step in steps:
        x = step(x)
    return x


def single(values: ArrayLike) -> Floats:
    """Return numbers in float32; those that are too large are infinite, as anywhere else."""
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(np.float32)
