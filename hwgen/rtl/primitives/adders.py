"""Adders that do something to an operand first, in the same cells where a family has room."""

from amaranth import *

from .ecp5 import chain, table

__all__ = ["multiple", "shifted_add", "signed_add"]

ZERO, ONE = Const(0, 1), Const(1, 1)


def signed_add(m: Module, family: str, name: str, left: tuple[Value, Value],
               right: tuple[Value, Value], subtract: Value) -> Value:
    """Return ``left + right``, or ``left - right``, of a cycle ago, each a signed number.

    Each operand comes with a bit that says that it is zero instead: that is the reset of its
    register, and needs no gates.

    Parameters
    ----------
    m : Module
    family : str
        One of :data:`FAMILIES`.
    name : str
        Of what is made.
    left, right : tuple of (number, bit)
    subtract : Value
        A bit.
    """
    # On ECP5 a cell of the chain has an input left by which it inverts its operand. On iCE40 it has
    # none, but one by which it inverts its sum; so there the adder in front of the register does.
    in_cell = family == "ecp5"
    stored: list[Signal] = []
    for side, (number, zero) in (("left", left), ("right", right)):
        register = Signal(number.shape(), name=f"{name}_{side}", reset_less=True)
        inverted = side == "right" and not in_cell
        value = number ^ subtract.replicate(len(number)) if inverted else number
        m.d.sync += register.eq(Mux(zero, 0, value))
        stored.append(register)
    carry = Signal(name=f"{name}_carry", reset_less=True)
    m.d.sync += carry.eq(subtract & ~right[1])
    width = max(map(len, stored)) + 1
    # The lowest bit makes a carry of the bit, in the chain that adds the rest.
    if in_cell:
        x, y = ([*number, *[number[-1]] * (width - len(number))] for number in stored)
        total = chain(m, name, table(lambda a, b, c, d: a ^ c ^ d), [
            (carry, ZERO, ONE, ZERO), *((a, ZERO, c, carry) for a, c in zip(x, y, strict=True))])
    else:
        total = Signal(signed(width + 1), name=f"{name}_total")
        m.d.comb += total.eq(Cat(carry, stored[0]).as_signed() + Cat(ONE, stored[1]).as_signed())
    return total[1:].as_signed()


def shifted_add(m: Module, family: str, name: str, x: Value, y: Value, by: int, shift: Value,
                ) -> Value:
    """Return ``x + y``, or with ``shift`` ``x + (y << by)``, of numbers without a sign."""
    if family != "ecp5":
        return x + Mux(shift, y << by, y)
    width = max(len(x), len(y) + by) + 1

    def bit(number: Value, index: int) -> Value:
        return number[index] if 0 <= index < len(number) else ZERO

    return chain(m, name, table(lambda a, b, c, d: a ^ (d if b else c)),
                 [(bit(x, i), shift, bit(y, i), bit(y, i - by)) for i in range(width)])


def multiple(value: Value, factor: int) -> Value:
    """Return a product without a multiplier: those of the chip are the array's."""
    terms = [value << bit for bit in range(factor.bit_length()) if factor >> bit & 1]
    return sum(terms[1:], terms[0])
