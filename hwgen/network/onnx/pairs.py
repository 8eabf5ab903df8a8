"""What ONNX operators compute of two tensors, waiting for the scale of their output."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .. import graph
from ..scales import multiplier_and_shift
from .builder import requantisation
from .pending import Deferred
from .values import Activation, Real, Target

__all__ = ["Greatest", "PairProduct", "Sum"]


@dataclass(frozen=True, eq=False)
class OfTwo(Deferred):
    """What has two tensors, which must lie alike, as its ``terms``."""

    terms: tuple[Real, Real]
    kind: ClassVar[type[graph.Layer]]

    def emit(self, target: Target) -> Activation:
        """Make the layer."""
        builder, node = self.builder, self.node
        first, second = (term.x for term in self.terms)
        if first.shape != second.shape or not np.array_equal(first.order, second.order):
            raise node.error(f"works on tensors of {list(first.shape)} and {list(second.shape)}; "
                             "we run it on tensors of one shape and one order")
        inputs = [self.integers(term, target).tensor for term in self.terms]
        inputs[1] = builder.reshape(node, inputs[1], inputs[0].shape)
        result = builder.layer(self.kind, node, inputs, target.tensor(inputs[0].shape),
                               **self.fields(target))
        return Activation(result, first.shape, first.order, target.offset)

    def integers(self, term: Real, target: Target) -> Activation:
        """Return a tensor as the layer reads it."""
        return self.builder.integers_of(self.node, term)

    def fields(self, target: Target) -> dict[str, Any]:
        """Return what else the layer has."""
        return {}


class Sum(OfTwo):
    """The sum of two tensors."""

    kind = graph.Add

    def fields(self, target: Target) -> dict[str, Any]:
        """Return how both tensors are scaled, and their sum."""
        largest = 2 * max(term.scale for term in self.terms)
        # Below 1 no sum leaves 32 bits; such an output would be one step wide.
        if largest / (1 << 20) >= target.scale:
            raise self.node.error(f"adds tensors of scale {largest / 2:.4g} to one of "
                                  f"{target.scale:.4g}, which is too fine for them")
        multipliers, shifts = multiplier_and_shift([term.scale / largest for term in self.terms])
        return {"scalings": tuple(zip(multipliers.tolist(), shifts.tolist(), strict=True)),
                "requantisation": requantisation(self.node, largest / (1 << 20), target)}


class PairProduct(OfTwo):
    """The product of two tensors, of which one may be a number for each channel of an image."""

    kind = graph.Times

    def emit(self, target: Target) -> Activation:
        """Make the layer."""
        big, small = sorted((term.x for term in self.terms), key=lambda x: -x.tensor.size)
        if big.shape == small.shape or not (
                big.is_image and small.is_image and small.shape[:2] == big.shape[:2]
                and len(big.shape) == len(small.shape) and set(small.shape[2:]) == {1}):
            return super().emit(target)
        inputs = [self.builder.image(self.node, self.integers(term, target)) for term in self.terms]
        shape = max((each.shape for each in inputs), key=math.prod)
        result = self.builder.layer(self.kind, self.node, inputs, target.tensor(shape),
                                    **self.fields(target))
        return Activation(result, big.shape, big.order, target.offset)

    def fields(self, target: Target) -> dict[str, Any]:
        """Return how the product is scaled."""
        scale = self.terms[0].scale * self.terms[1].scale
        return {"requantisation": requantisation(self.node, scale, target)}


class Greatest(OfTwo):
    """The greater of two tensors: rounding keeps the order, so it may come first."""

    kind = graph.Maximum

    def integers(self, term: Real, target: Target) -> Activation:
        """Return a tensor on the grid of the target, by a layer where it has another scale."""
        return self.builder.on_grid(self.node, term, target)
