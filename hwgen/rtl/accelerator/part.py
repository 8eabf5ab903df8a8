"""The socket of an accelerator: what a part does that is attached beside the array."""

from typing import Any

from amaranth import *

from ...arch.parts import PARTS
from ...arch.registers import Space

__all__ = ["Part"]


class Part:
    """Does the steps of a mode of its own, with what an accelerator has: memories, fetch, sums.

    :data:`hwgen.arch.parts.PARTS` says what the others need to know of it. Its steps read no words
    of weights or parameters by way of the sequencer's loops, unless it has ``words``. What a part
    has no use for stays as it is here.

    Members
    -------
    name : str
        In that table, and of its component.
    component : Component
        With ``descriptor`` and ``done``. Reset after an error.
    space : Space, or None
        Where a host writes what it keeps.
    selected : Signal
        The step is one of its own.
    issues, ends : Value
        Whether a vector may be issued in this cycle; whether the turn of one ends in it. A part
        that does its steps without vectors never issues, and always ends.
    start : Signal, or None
        Such a step begins, and is right.
    outside : Value
        A word outside the program memory was to be read or written.
    sum_tag, sums : Value, or None
        The tag of sums that it gives to the accumulators, and ``Fetch.ahead`` cycles later the
        sums.
    strided : bool
        It leaves several sums a pixel, which steps of mode SUMS take one by one.
    words : int
        More than one: each of its vectors has so many bytes, and comes with so many words of the
        program memory, from the first one of its step on. It has one value for all vectors of a
        pass. Behind the first pass of a column tile come its parameters, as many words again.
    whole : Signal, or None
        Those are read, a cycle later.
    at_lanes : bool
        It takes the bytes of the lanes, with the descriptor of their step.
    moves : bool
        It reads or writes activations in steps of its own: see :meth:`accesses`.
    misses, overruns : Value
        A byte outside the memory of activations was to be read, or written.
    """

    name: str
    component: Any
    space: Space | None = None
    issues: Value = Const(0)
    ends: Value = Const(1)
    start: Signal | None = None
    outside: Value = Const(0)
    sum_tag: Value | None = None
    sums: Any = None
    strided = False
    words = 1
    whole: Signal | None = None
    at_lanes = False
    moves = False
    misses: Value = Const(0)
    overruns: Value = Const(0)

    def __init__(self) -> None:
        self.selected = Signal(name=f"selected_{self.name}")

    @property
    def mode(self) -> int:
        """Of its steps."""
        return PARTS[self.name].modes[0]

    def attach(self, accelerator: Any) -> None:
        """Make the component for an accelerator's sizes."""
        raise NotImplementedError

    def faults(self, descriptor: Any) -> list[Value]:
        """Return what may be wrong with the descriptor of a step of its own."""
        return []

    def connect(self, m: Module, accelerator: Any) -> None:
        """Connect the component with the rest of an accelerator."""

    def accesses(self, others: dict[str, Value]) -> dict[str, Value]:
        """Return what is read and written of activations, in its own steps and in ``others``."""
        return others

    def load(self, offset: Value, data: Value, write: Value) -> list[Any]:
        """Return statements that write 32 bits at an offset of its ``space``."""
        return []
