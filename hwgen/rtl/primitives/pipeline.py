"""Registers between the parts of a pipeline, and what is cut into stages by them."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data

__all__ = ["at_least", "later", "rotate"]


def later(m: Module, value: Any, cycles: int, name: str, *, reset: bool = False,
          init: int = 0) -> Any:
    """Return ``value``, ``cycles`` later; with ``reset``, ``init`` comes out of a reset."""
    options: dict[str, Any] = {} if isinstance(value, data.View) else {"init": init}
    for cycle in range(cycles):
        stage = Signal.like(value, name=f"{name}_{cycle + 1}", reset_less=not reset, **options)
        m.d.sync += stage.eq(value)
        value = stage
    return value


def at_least(address: Value, size: int) -> Value:
    """Return whether an address, without its sign if it has one, is no less than a size.

    Only the bits are compared that can make a difference.
    """
    low = (size & -size).bit_length() - 1
    return address[low:].as_unsigned() >= size >> low


def rotate(m: Module, words: Sequence[Value], amount: Value, name: str, *, left: bool,
           ) -> list[Value]:
    """Return ``words`` rotated by ``amount``, in a register for every two bits of it.

    To the left, the word at ``amount`` comes out first; to the right, the first one at ``amount``.
    """
    count = len(words)
    shape = Value.cast(words[0]).shape()
    for low in range(0, len(amount), 2):
        step = amount[low:low + 2]
        stage = [Signal(shape, name=f"{name}_{low}_{i}", reset_less=True)
                 for i in range(count)]
        for i, word in enumerate(stage):
            sign = 1 if left else -1
            choices = data.ArrayLayout(shape, 1 << len(step))(
                Cat(words[(i + sign * (k << low)) % count] for k in range(1 << len(step))))
            m.d.sync += word.eq(choices[step])
        words = stage
        amount = later(m, amount, 1, f"{name}_amount_{low}")
    return list(words)
