"""Two products of weights of 4 bits from one multiplier: they share the activation.

Weights w0 and w1 are one operand, ``w1 * 2**SHIFT + w0``, that a multiplier of 18 bits takes. Its
product with an activation a is ``a * w1 * 2**SHIFT + a * w0``: the low product is in the lowest
bits, and as that borrows one from the bits above where it is negative, the high one is

    a * w1 = (product >> SHIFT) + product[SHIFT - 1]

The operand of a weight of 8 bits is the weight itself, with its sign in all bits above. So both are
multiplied alike, and differ in what an operand is made of, and a product parted into.
"""

from amaranth import *

__all__ = ["HIGH", "LOW", "OPERAND", "OPERAND_CODE", "SHIFT", "encode", "operand", "part"]

SHIFT = 13
"""How far apart two weights are: both are as wide together as a DSP block takes."""
OPERAND = signed(SHIFT + 5)
OPERAND_CODE = unsigned(8 + 5)
"""Of an operand, without the bits between the two weights, which all are the lower one's sign."""
LOW, HIGH = signed(16), signed(12)
"""A product of 8 bits, or a low product of 4 bits, and a high product."""


def encode(byte: Value, pair: Value) -> Value:
    """Return the code of a weight of 8 bits, or of a ``pair`` of 4 bits each, the low one first."""
    sign = Mux(pair, byte[3], byte[7])
    middle = Mux(pair, sign.replicate(3), byte[4:7])
    high = Mux(pair, byte[4:8].as_signed() - byte[3], sign.replicate(5).as_signed())
    return Cat(byte[:4], middle, sign, high[:5])


def operand(code: Value) -> Value:
    """Return the operand of a code."""
    return Cat(code[:8], code[7].replicate(SHIFT - 8), code[8:]).as_signed()


def part(product: Value, pair: Value) -> tuple[Value, Value, Value]:
    """Return the low product, or that of 8 bits, and the high one less a carry, which comes last.

    Without a ``pair`` there is no high one, and it is anything.
    """
    carry = product[SHIFT - 1]
    above = Mux(pair, carry.replicate(16 - SHIFT), product[SHIFT:16])
    return (Cat(product[:SHIFT], above).as_signed(),
            product[SHIFT:SHIFT + HIGH.width].as_signed(), carry)
