"""Two products from one multiplier: operands side by side, times one that they share."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .generic import LATENCY
from .pipeline import later

__all__ = ["SHIFT", "WIDTH", "PackedMultiplier", "PackedMultiplierBase", "packed_signature"]

WIDTH = 8
"""Bits of an operand, with a sign."""
SHIFT = 10
"""How far apart the two operands are that stay: both are as wide together as a DSP block takes."""


def packed_signature(width: int = WIDTH, shift: int = SHIFT) -> wiring.Signature:
    """Describe the ports of a packed multiplier, seen from there."""
    return wiring.Signature({
        "a": In(signed(width)),
        "b": In(data.StructLayout({"low": width, "high": signed(width)})),
        "take": In(1),
        "p": Out(data.StructLayout({"low": shift, "high": signed(2 * width)})),
        "excess": Out(signed(2 * width - shift)),
    })


class PackedMultiplierBase(wiring.Component):
    """Multiply ``a`` by two operands that stay, in one product: the contract of all that do so.

    Both parts of ``b`` are stored in each cycle in which ``take`` is high, and multiply the ``a``
    of that cycle and of all that follow. The product ``a * (b.high * 2**shift + b.low)`` is on
    ``p`` :data:`LATENCY` cycles after ``a``. The two that it is made of overlap; ``excess``, which
    comes a cycle after ``p``, is what one has of the other::

        a * b.low = excess * 2**shift + p.low
        a * b.high = p.high - excess

    So sums of either follow from sums of ``p.low``, ``p.high`` and ``excess``, and a column of many
    products is parted once, at its end. A new ``a`` may come in every cycle. Nothing is reset:
    after a reset the outputs mean nothing until ``b`` has been taken.

    Parameters
    ----------
    width : int
        Bits of an operand: ``b.low`` is unsigned, the others are signed.
    shift : int
        From ``width`` to twice that, less one: how far apart the products are.

    Members
    -------
    a : In(signed(width))
    b : In(StructLayout({"low": width, "high": signed(width)}))
    take : In(1)
    p : Out(StructLayout({"low": shift, "high": signed(2 * width)}))
    excess : Out(signed(2 * width - shift))
    """

    a: Value
    b: Any
    take: Value
    p: Any
    excess: Value

    latency = LATENCY
    interval = 1

    def __init__(self, width: int = WIDTH, shift: int = SHIFT) -> None:
        if not width <= shift < 2 * width:
            raise ValueError(f"Shift must be {width} to {2 * width - 1} for operands of {width} "
                             f"bits, not {shift!r}")
        self.width = width
        self.shift = shift
        super().__init__(packed_signature(width, shift))

    def _wide(self) -> Value:
        """Return both parts of ``b`` as one operand."""
        gap = Const(0, self.shift - self.width)
        return Cat(self.b.low, gap, self.b.high).as_signed()


class PackedMultiplier(PackedMultiplierBase):
    """A packed multiplier in portable terms, for simulation; all the others equal it."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a = Signal(signed(self.width), reset_less=True)
        low = Signal(self.width, reset_less=True)
        wide = Signal(signed(self.width + self.shift), reset_less=True)
        m.d.sync += a.eq(self.a)
        with m.If(self.take):
            m.d.sync += [low.eq(self.b.low), wide.eq(self._wide())]
        product = Signal(signed(2 * self.width + self.shift), reset_less=True)
        of_low = Signal(signed(2 * self.width), reset_less=True)
        m.d.sync += [product.eq(a * wide), of_low.eq(a * low)]
        m.d.comb += [Value.cast(self.p).eq(later(m, product, 1, "product")),
                     self.excess.eq(later(m, of_low >> self.shift, 2, "excess"))]
        return m
