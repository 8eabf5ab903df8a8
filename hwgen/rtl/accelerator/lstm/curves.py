"""Numbers of gates in a pipeline: rescaled to 16 bits, and through the sigmoid or the tangent.

:mod:`hwgen.network.gates` and :mod:`hwgen.network.rounding` have the arithmetic.
"""

from typing import Any

from amaranth import *
from amaranth.lib import memory

from ....arch.lstm import SIGMOID
from ... import primitives
from ...primitives.library import place
from ...primitives.pipeline import later
from ..lane_product import SUM, lane_product

__all__ = ["CURVE", "PRODUCT", "RESCALE", "curve", "product", "rescale", "saturate"]

PRODUCT, RESCALE, CURVE = primitives.LATENCY, 13, 13
"""Cycles of each."""
GATE_AMOUNT = 3
"""Bits by which the argument of a gate is moved, as one of 12 bits behind the point."""
LOW, DIFFERENCE = 16, 10
"""Bits of an entry of the table, and of what the next one is more."""
PART = 9
"""Bits between two entries."""


def product(m: Module, platform: object, name: str, family: str, a: Value, b: Value) -> Value:
    """Return a product of two signed numbers, in fabric, :data:`PRODUCT` cycles later."""
    kind = primitives.multiplier(family, hard=False)
    made: Any = place(m, platform, name, kind, a.shape(), b.shape())
    m.d.comb += [made.a.eq(a), made.b.eq(b), made.take.eq(1)]
    found: Value = made.p
    return found


def saturate(value: Value) -> Value:
    """Return what 16 bits hold of a number with a sign."""
    above = value[15:]
    fits = above.all() | ~above.any()
    return Mux(fits, value[:16], Cat((~value[-1]).replicate(15), value[-1])).as_signed()


def rescale(m: Module, platform: object, family: str, value: Value, multiplier: Value,
            shift: Value) -> Value:
    """Return a number of 32 bits times a multiplier of 31, shifted, in 16 bits.

    A positive shift goes to the left. It is :data:`RESCALE` cycles later.
    """
    negative = shift[-1]
    left, right = Mux(negative, 0, shift[:5]), Mux(negative, (-shift)[:5], 0)
    some, moved = (Signal(signed(SUM), name=name, reset_less=True) for name in ("some", "moved"))
    m.d.sync += [some.eq(value << left[:2]),
                 moved.eq(some << Cat(C(0, 2), later(m, left[2:], 1, "left")))]
    found = lane_product(m, platform, moved, later(m, multiplier, 2, "multiplier"),
                         family=family, hard=False, sites=())
    rounded, toward, few, less = (Signal(signed(SUM + 1), name=name, reset_less=True)
                                  for name in ("rounded", "toward", "few", "less"))
    by = later(m, right, PRODUCT + 5, "right")
    behind = later(m, by[2:], 2, "behind")
    # Half of what is left is added as the last bit but one is cut off; below zero, a bit less.
    whole = Signal(signed(SUM), reset_less=True)
    result = Signal(signed(16), reset_less=True)
    m.d.sync += [
        rounded.eq(found[31:].as_signed() + found[30]),
        toward.eq((rounded - (rounded[-1] & by.any())) << 1),
        few.eq(toward >> later(m, by[:2], 1, "by")),
        less.eq(few >> Cat(C(0, 2), behind)),
        whole.eq((less + 1) >> 1),
        result.eq(saturate(whole)),
    ]
    return result


def curve(m: Module, family: str, x: Value, amount: Value, tangent: Value) -> Value:
    """Return the sigmoid of a number of 16 bits, or its hyperbolic tangent, in 2**15ths.

    The argument is moved by an ``amount``. It is :data:`CURVE` cycles later.
    """
    thrice, moved = Signal(signed(18), reset_less=True), Signal(signed(25), reset_less=True)
    argument, size = Signal(signed(22), reset_less=True), Signal(21, reset_less=True)
    m.d.sync += [thrice.eq(x + (x << 1)), moved.eq(thrice << later(m, amount, 1, "amount")),
                 argument.eq((moved + 4) >> 3), size.eq(abs(argument))]
    tangents = later(m, tangent, 4, "tangent")
    index, part, above = (Signal(bits, name=name, reset_less=True) for name, bits in (
        ("index", 8), ("part", PART), ("above", 1)))
    place_ = Mux(tangents, size[8:], size[9:])
    m.d.sync += [index.eq(place_), part.eq(Mux(tangents, size[:8] << 1, size[:PART])),
                 above.eq(place_ >= len(SIGMOID) - 1)]
    following = [*SIGMOID[1:].tolist(), 0]
    rows: memory.Memory = memory.Memory(shape=LOW + DIFFERENCE, depth=len(SIGMOID), init=[
        low | max(next_ - low, 0) << LOW for low, next_ in zip(SIGMOID.tolist(), following,
                                                               strict=True)])
    m.submodules.sigmoid = rows
    read = rows.read_port()
    entry = Signal(LOW + DIFFERENCE, reset_less=True)
    m.d.comb += read.addr.eq(index)
    m.d.sync += entry.eq(read.data)
    kind = primitives.multiplier(family, hard=False)(signed(PART + 1), signed(DIFFERENCE + 1))
    m.submodules.between = kind
    m.d.comb += [kind.a.eq(later(m, part, 2, "part")), kind.b.eq(entry[LOW:]), kind.take.eq(1)]
    low = later(m, entry[:LOW], PRODUCT, "low")
    over = later(m, above, 2 + PRODUCT, "over")
    found = Signal(LOW + PART, reset_less=True)
    m.d.sync += found.eq(Mux(over, 65535 << PART, (low << PART) + kind.p))
    return _with_sign(m, found, later(m, argument[-1], 5 + PRODUCT, "negative"),
                   later(m, tangents, 4 + PRODUCT, "tangents"))


def _with_sign(m: Module, found: Value, negative: Value, tangent: Value) -> Value:
    """Return the function of an argument, of what is in the table for its absolute value."""
    total, result = Signal(signed(27), reset_less=True), Signal(signed(16), reset_less=True)
    m.d.sync += [
        total.eq(Mux(negative, Mux(tangent, (1 << 24) + 254, (1 << 25) + 511) - found,
                     found + Mux(tangent, 256 - (1 << 24), 512))),
        result.eq(Mux(later(m, tangent, 1, "kind"), total >> 9, total >> 10)),
    ]
    return result
