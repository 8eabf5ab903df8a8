"""Lanes that multiply two numbers of one sum, instead of a sum and a parameter."""

from typing import Any

from amaranth import *
from amaranth.lib import data

from ..step import Mode
from .lane_product import HALF

__all__ = ["FACTORS", "factors_of", "select_factors"]

FACTORS = data.StructLayout({
    "product": 1,  # the factors are the two halves of the sum
    "square": 1,   # and the upper one is the lower one
})
"""What the lanes of a step multiply."""


def factors_of(descriptor: Any) -> Value:
    """Return the :data:`FACTORS` of a step: those of mode SUMS have a single number."""
    d = descriptor
    multiplies = d.product & (d.mode[1:] == Mode.DIRECT >> 1)  # or SUMS
    return Cat(multiplies, multiplies & d.mode[0])


def select_factors(factors: Value, total: Value, parameters: Any) -> tuple[Value, Value]:
    """Return a sum whose upper half is one factor, behind the bias, and the other one.

    That has 32 bits with a sign. In a product the lower half of the sum counts no more.
    """
    product, square = factors
    low, high = total[:HALF], total[HALF:]
    multiplier = Cat(parameters.multiplier, parameters.negative)
    by = Cat(Mux(product, 0, multiplier[:HALF]), Mux(product, low, multiplier[HALF:]))
    return Cat(low, Mux(square, low, high)).as_signed(), by.as_signed()
