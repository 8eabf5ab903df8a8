"""A function of one number that waits for the scale of its output to become a table."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import graph
from ..lookups import BYTES, table_of
from .host_functions import Array, Dequantise, limit
from .pending import Deferred
from .values import Activation, Pending, Real, Target, Value

__all__ = ["Curve", "Looked", "gate"]

Curve = Callable[[Array], Array]
"""A function of float32, elementwise."""


@dataclass(frozen=True, eq=False)
class Looked(Deferred):
    """A function of a dequantised tensor."""

    real: Real
    curve: Curve

    def emit(self, target: Target) -> Activation:
        """Make the layer: what the runtime makes of every integer."""
        real, x = self.real, self.real.x
        values = Dequantise(real.scale, x.tensor.zero_point)(BYTES)
        with np.errstate(all="ignore"):
            steps = np.rint(self.curve(limit(real.low, real.high)(values))
                            / np.float32(target.scale)) + target.zero
        found = np.clip(steps, target.low, target.high).astype(np.int64)
        result = self.builder.layer(graph.Lookup, self.node, [x.tensor],
                                    target.tensor(x.tensor.shape),
                                    table=table_of(self.node.operator, found))
        return replace(x, tensor=result, offset=target.offset)


def gate(sides: Sequence[Value]) -> Pending | None:
    """Return what a Mul makes of a function and its own input, as in SiLU; None for others."""
    match sides:
        case [Real() as real, Pending(core=Looked() as core) as pending] | \
                [Pending(core=Looked() as core) as pending, Real() as real] \
                if core.real is real and not pending.after and \
                (pending.low, pending.high) == (-math.inf, math.inf):
            inner = core.curve
            return replace(pending, core=replace(core, curve=lambda x: x * inner(x)))
    return None
