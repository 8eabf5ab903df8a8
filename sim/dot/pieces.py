"""Vectors, and the pieces in which units take them, for units of few bits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from hwgen.golden.dot import fusion, power, ternary

from ..systolic.tiles import pack
from .planes import values

__all__ = ["FusionWork", "WeightWork", "modes", "power_work", "ternary_work"]


def modes():
    """Return all modes of the fusion unit."""
    return [fusion.FusionMode(a_bits, b_bits, a_signed, b_signed)
            for a_bits, b_bits in product(fusion.PRECISIONS, repeat=2)
            for a_signed, b_signed in product((False, True), repeat=2)]


@dataclass(frozen=True)
class FusionWork:
    """Vectors for a fusion unit: their pieces as values of its ports, and their sum."""

    groups: int

    def vector(self, rng, mode, kinds, pieces=1):
        """Return a vector, with a kind of data for each operand, and the golden sum."""
        golden = fusion.Fusion(self.groups)
        length = pieces * golden.length(mode)
        a = values(rng, length, mode.a_bits, mode.a_signed, kinds[0])
        b = values(rng, length, mode.b_bits, mode.b_signed, kinds[1])
        return self.pieces(mode, a, b), golden.dot(a, b, mode)

    def pieces(self, mode, a, b):
        """Return the pieces of two vectors in the same order."""
        golden = fusion.Fusion(self.groups)
        length, partners = golden.length(mode), golden.partners(mode)
        return [{"a": golden.word(x, mode.a_bits), "b": golden.word(y[partners], mode.b_bits),
                 "mode": (mode.a_bits // 2 - 1) | (mode.b_bits // 2 - 1) << 2
                         | mode.a_signed << 4 | mode.b_signed << 5}
                for x, y in zip(a.reshape(-1, length), b.reshape(-1, length), strict=True)]

    def exhaustive(self, bits=4):
        """Yield, for all modes of at most so many bits, all pairs of numbers, each in any place."""
        for mode in modes():
            if max(mode.a_bits, mode.b_bits) > bits:
                continue
            length = fusion.Fusion(self.groups).length(mode)
            low = [-(signed << (size - 1)) for size, signed in (
                (mode.a_bits, mode.a_signed), (mode.b_bits, mode.b_signed))]
            left, right = (grid.ravel() for grid in np.meshgrid(
                np.arange(1 << mode.a_bits) + low[0], np.arange(1 << mode.b_bits) + low[1]))
            for start in range(min(length, len(left))):  # every pair comes to every place
                order = (np.arange(-(-len(left) // length) * length) + start) % len(left)
                for at in range(0, len(order), length):
                    a, b = left[order[at:at + length]], right[order[at:at + length]]
                    yield self.pieces(mode, a, b), int(a @ b)


@dataclass(frozen=True)
class WeightWork:
    """Vectors for a unit that takes numbers, and weights of a few values in a code of their own."""

    lanes: int
    bits: int
    signed: bool
    weights: tuple[int, ...]
    code_bits: int
    encode: Callable[[np.ndarray], np.ndarray]
    dot: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def vector(self, rng, kind, weights=None, pieces=1):
        """Return a vector, with a kind of numbers and weights drawn of some, and the golden sum."""
        a = values(rng, pieces * self.lanes, self.bits, self.signed, kind)
        w = rng.choice(self.weights if weights is None else weights, pieces * self.lanes)
        return self.pieces(a, w), int(self.dot(a, self.encode(w)))

    def extremes(self, rng, pieces=1):
        """Yield vectors of the least and the greatest numbers times each of the weights."""
        for kind in ("low", "high"):
            for weight in self.weights:
                yield self.vector(rng, kind, [weight], pieces)

    def exhaustive(self):
        """Yield vectors that bring all numbers of 8 bits, times all weights, to every lane."""
        bits = min(self.bits, 8)
        numbers = np.arange(1 << bits) - (self.signed << (bits - 1))
        left, right = (grid.ravel() for grid in np.meshgrid(numbers, self.weights))
        for start in range(len(left)):
            at = (start + 7 * np.arange(self.lanes)) % len(left)
            yield self.pieces(left[at], right[at]), int(left[at] @ right[at])

    def pieces(self, a, w):
        """Return the pieces of numbers and weights, as values of the unit's ports."""
        return [{"a": pack(x, self.bits), "weights": pack(y, self.code_bits)}
                for x, y in zip(a.reshape(-1, self.lanes),
                                self.encode(w).reshape(-1, self.lanes), strict=True)]


def ternary_work(lanes, bits, signed):
    """Return vectors for a ternary unit."""
    return WeightWork(lanes, bits, signed, (-1, 0, 1), 2, ternary.encode, ternary.dot)


def power_work(lanes, bits, signed, exponent_bits):
    """Return vectors for a unit of powers of two."""
    return WeightWork(lanes, bits, signed, tuple(power.weights_of(exponent_bits).tolist()),
                      1 + exponent_bits, partial(power.encode, exponent_bits=exponent_bits),
                      partial(power.dot, exponent_bits=exponent_bits))
