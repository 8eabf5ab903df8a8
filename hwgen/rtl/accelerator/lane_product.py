"""The product of a lane: 32 bits with a sign by 31, or by as many, of four smaller ones."""

from typing import Any

from amaranth import *

from .. import primitives
from ..primitives.library import place

__all__ = ["HALF", "SUM", "lane_product"]

SUM = 32
HALF = 16


def lane_product(m: Module, platform: object, x: Value, y: Value, *, family: str, hard: bool,
                 sites: tuple[str, ...]) -> Value:
    """Return ``x * y``, in two stages of adders.

    The former has 32 bits and a sign; the latter has 31 and none, or 32 and a sign, too.
    """
    def upper(part: Value) -> Value:
        return part.as_signed() if y.shape().signed else part

    left = iter(sites)

    def multiply(name: str, a: Value, b: Value) -> Value:
        kind = primitives.multiplier(family, hard=hard)
        options: dict[str, Any] = {"site": next(left)} if sites else {}
        made = place(m, platform, name, kind, a.shape(), b.shape(), **options)
        m.d.comb += [made.a.eq(a), made.b.eq(b), made.take.eq(1)]
        product: Value = made.p
        return product

    low = Signal(signed(SUM + HALF), reset_less=True)
    high = Signal(signed(SUM + HALF), reset_less=True)
    if hard:
        # Four square products, as a DSP block has them.
        parts_x = [x[:HALF], x[HALF:].as_signed()]
        parts_y = [y[:HALF], upper(y[HALF:])]
        products = [[multiply(f"multiplier_{i}{j}", a, b) for j, b in enumerate(parts_y)]
                    for i, a in enumerate(parts_x)]
        m.d.sync += [low.eq(products[0][0] + (products[1][0] << HALF)),
                     high.eq(products[0][1] + (products[1][1] << HALF))]
    else:
        # Four flat ones: their sums have few terms, and so few adders in a row.
        byte = HALF // 2
        parts_y = [y[i * byte:(i + 1) * byte] for i in range(4)]
        parts_y[-1] = upper(parts_y[-1])
        flat = [multiply(f"multiplier_{i}", x, part) for i, part in enumerate(parts_y)]
        m.d.sync += [low.eq(flat[0] + (flat[1] << byte)),
                     high.eq(flat[2] + (flat[3] << byte))]
    total = Signal(signed(SUM + len(y)), reset_less=True)
    m.d.sync += total.eq(low + (high << HALF))
    return total
