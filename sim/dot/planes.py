"""Dot products for units that take operands bit by bit: of any precision, random and extreme."""

from dataclasses import dataclass

import numpy as np

__all__ = ["KINDS", "Product", "exhaustive", "products", "values"]

KINDS = ("random", "low", "high", "mixed")


@dataclass
class Product:
    """Two vectors, and how their numbers are written."""

    a: np.ndarray
    b: np.ndarray
    a_bits: int
    b_bits: int
    a_signed: bool
    b_signed: bool

    @property
    def formats(self):
        """Precisions and signs, as golden models take them."""
        return {"a_bits": self.a_bits, "b_bits": self.b_bits, "a_signed": self.a_signed,
                "b_signed": self.b_signed}

    @property
    def exact(self):
        """What must come out."""
        return int(self.a @ self.b)


def values(rng, count, bits, signed, kind):
    """Return numbers: any, or the lowest or the highest there are."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if kind == "random":
        return rng.integers(low, high + 1, count)
    if kind == "mixed":
        return rng.choice([low, high], count)
    return np.full(count, low if kind == "low" else high)


def products(rng, length, precisions=range(1, 17), kinds=KINDS):
    """Yield a product for all pairs of precisions and signs and for each kind of data."""
    for a_bits in precisions:
        for b_bits in precisions:
            for signs in range(4):
                for kind in kinds:
                    a_signed, b_signed = bool(signs & 1), bool(signs & 2)
                    yield Product(values(rng, length, a_bits, a_signed, kind),
                                  values(rng, length, b_bits, b_signed, kind),
                                  a_bits, b_bits, a_signed, b_signed)


def exhaustive(rng, length, most=(4, 4)):
    """Yield, for all precisions to ``most`` and all signs, all pairs of numbers, lane by lane."""
    for a_bits in range(1, most[0] + 1):
        for b_bits in range(1, most[1] + 1):
            for signs in range(4):
                a_signed, b_signed = bool(signs & 1), bool(signs & 2)
                a = np.arange(1 << a_bits) - (a_signed << (a_bits - 1))
                b = np.arange(1 << b_bits) - (b_signed << (b_bits - 1))
                for left in a:
                    for right in b:
                        at = rng.integers(0, length)
                        x = values(rng, length, a_bits, a_signed, "random")
                        y = np.zeros(length, int)
                        x[at], y[at] = left, right
                        yield Product(x, y, a_bits, b_bits, a_signed, b_signed)
