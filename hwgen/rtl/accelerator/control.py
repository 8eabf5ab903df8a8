"""Signals between the registers of an accelerator and its sequencer."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..step import MEMORY_ERROR

__all__ = ["CONTROL", "Controlled"]

CONTROL: dict[str, Any] = {
    "start": In(1), "stop": In(1), "first": In(16), "count": In(16), "limit": In(32),
    "busy": Out(1), "error": Out(8), "step": Out(16), "cycles": Out(32),
    "counted": Out(1), "step_cycles": Out(32), "clear": Out(1),
}


class Controlled(wiring.Component):
    """What walks the steps from ``first`` on, ``count`` of them, and has :data:`CONTROL`.

    Members
    -------
    start, stop : In(1)
    first, count : In(16)
    limit : In(32)
        Cycles a step may take.
    busy : Out(1)
    error : Out(8)
    step : Out(16)
        The step that runs, or the one that ended last.
    cycles : Out(32)
        Since ``start``, until ``busy`` is low again.
    counted : Out(1)
        The step ends, and took ``step_cycles``.
    clear : Out(1)
        Resets what is under way, after an error.
    """

    start: Value
    stop: Value
    first: Value
    count: Value
    limit: Value
    busy: Value
    error: Value
    step: Value
    cycles: Value
    counted: Value
    step_cycles: Value
    clear: Value

    damage: Value | None = None
    """A word that was read is wrong; None where nobody knows."""

    def or_damage(self, m: Module, failure: Value) -> Value:
        """Return what stops a step; where the host read what is wrong, say so in ``error``."""
        if self.damage is None:
            return failure
        with m.If(self.damage & ~self.busy):
            m.d.sync += self.error.eq(MEMORY_ERROR)
        return Mux(self.damage, MEMORY_ERROR, failure)
