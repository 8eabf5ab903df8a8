"""Check bits of stored words as circuits: hwgen/arch/codes.py says which they are."""

from amaranth import *

from ...arch.codes import Code

__all__ = ["decode", "encode"]


def chosen_bits(value: Value, which: int) -> list[Value]:
    """Return the bits of a value that have a one in ``which``."""
    return [value[bit] for bit in range(len(value)) if which >> bit & 1]


def encode(code: Code, data: Value) -> Value:
    """Return a word with its check bits."""
    return Cat(data, *(Cat(chosen_bits(data, row)).xor() for row in code.rows))


def decode(m: Module, code: Code, word: Value, name: str) -> tuple[Value, Value, Value]:
    """Return the data, whether a bit was corrected, and whether more than that is wrong.

    A column has three ones, and none has those of another: so three checks tell a bit of the data.
    """
    failed = Signal(code.checks, name=f"{name}_failed")
    m.d.comb += failed.eq(Cat(
        Cat(chosen_bits(word, row | 1 << code.width + index)).xor()
        for index, row in enumerate(code.rows)))
    data = word[:code.width]
    if not code.corrects:
        return data, Const(0, 1), failed
    flips = Cat(Cat(chosen_bits(failed, column)).all() for column in code.columns)
    odd = failed.xor()
    return data ^ flips, odd, ~odd & failed.any()
