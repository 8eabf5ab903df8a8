"""Registers between the parts of a pipeline, and what is cut into stages by them."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data

__all__ = ["at_least", "later", "rotate"]

TOGETHER = 2
"""Words that are rotated by the same register."""


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
           near: Callable[[Value, str], Value]) -> list[Value]:
    """Return ``words`` rotated by ``amount``, in a register for every two bits of it.

    To the left, the word at ``amount`` comes out first; to the right, the first one at ``amount``.
    That must be there a cycle before the words: ``near`` gives each few of them a register of it.
    """
    count = len(words)
    shape = Value.cast(words[0]).shape()
    for low in range(0, len(amount), 2):
        stage = [Signal(shape, name=f"{name}_{low}_{i}", reset_less=True)
                 for i in range(count)]
        for i, word in enumerate(stage):
            sign = 1 if left else -1
            if i % TOGETHER == 0:
                step = near(amount[low:low + 2], f"{name}_step_{low}_{i}")
            choices = data.ArrayLayout(shape, 1 << len(step))(
                Cat(words[(i + sign * (k << low)) % count] for k in range(1 << len(step))))
            m.d.sync += word.eq(choices[step])
        words = stage
        amount = later(m, amount, 1, f"{name}_amount_{low}")
    return list(words)
