"""Bits for each layer of a float network, by what they take on a Design, or on an ideal engine."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compress.mixed import Cost, Mixed, MixedPoint, Variable, bit_serial
from ..compress.quantize import Calibrated
from ..errors import UserError
from .layers import layer_cycles

__all__ = ["ENGINE", "MixedNetwork", "choose_bits"]

ENGINE = {"rows": 8, "columns": 8, "lanes": 32}
"""An engine that is always busy: its cycles count without a Design."""


@dataclass(frozen=True, eq=False)
class MixedNetwork:
    """The bits that were chosen, and the search that found them, with all that it looked at."""

    search: Mixed
    chosen: MixedPoint
    loss: float
    """How much of top-1 could be lost."""

    @property
    def model(self) -> bytes:
        """The network as an ONNX file."""
        return self.search.model(self.chosen.bits)

    @property
    def speed(self) -> float:
        """How many times as fast it is as with 8 bits everywhere."""
        return self.search.base.cycles / self.chosen.cycles

    @property
    def layers(self) -> list[tuple[str, int, int]]:
        """The layers with weights, and the bits of those and of what they read."""
        bits = self.chosen.bits
        return [(output.removesuffix(":int8"), bits.get(Variable("weights", product), 8),
                 bits.get(Variable("tensor", leader), 8))
                for product, (output, leader) in self.search.products.items()]


def choose_bits(calibrated: Calibrated, answers: NDArray[np.int64], design: Design | None = None, *,
                loss: float = 0.02, say: Callable[[str], None] = lambda text: None) -> MixedNetwork:
    """Give each layer its own bits: fewest cycles, within a bound on accuracy.

    Parameters
    ----------
    calibrated : Calibrated
        The float network, and inputs.
    answers : array
        The right class of each input.
    design : Design, optional
        Whose cycles count; without, those of :data:`ENGINE`.
    loss : float
        How much of top-1 may be lost against 8 bits.
    say : function
        Told what happens.
    """
    search = Mixed(calibrated, answers, cost_on(design))
    chosen = search.search(loss, say)
    say("")
    return MixedNetwork(search, chosen, loss)


def cost_on(design: Design | None) -> Cost:
    """Return the cycles that count."""
    if design is None:
        return bit_serial(**ENGINE)
    if design.engine != "bitserial":
        raise UserError("engine must be 'bitserial' for --mixed, or no Design be given, not "
                        f"{design.engine!r}: on others fewer bits take no fewer cycles")
    return layer_cycles(design)
