"""When each place that steps pass through takes the descriptor of the next step."""

from typing import Any

from amaranth import *

from .. import primitives
from ..primitives.pipeline import later
from ..step import Descriptor, Mode

__all__ = ["GAP", "Taking"]

GAP = 7
"""Cycles from the last vector of a step to the first one of the next step: more than the time for
which a place needs a descriptor behind its last value, and that by which it needs it before its
first one."""
COUNTED = 2
"""Cycles before a value by which the accumulators want the descriptor, to know its place."""
CLAMPED = 5
"""Cycles before the first bytes come out of the lanes in which their limits are taken."""
ERROR = 4
"""Cycles from a value's way into a place to its error."""


class Taking:
    """A pulse that goes the way of a step's first vector, a little ahead of it.

    Where it comes by, the descriptor of that step is taken from the sequencer, which keeps it until
    the last place has it.

    Parameters
    ----------
    accelerator : Accelerator
    """

    def __init__(self, m: Module, accelerator: Any) -> None:
        self.m, self.family = m, accelerator.family
        self.sequencer = accelerator.sequencer
        self.descriptor = self.sequencer.descriptor
        self.fetch, post = accelerator.fetch, accelerator.post
        self.pulses: dict[int, Value] = {0: self.sequencer.take}
        # Steps that do not pass the array run alone: there is no need to wait.
        through = later(m, self.after(self.fetch.latency - self.fetch.ahead),
                        accelerator.array.latency - COUNTED, "passes", reset=True)
        self.summing = Signal()
        m.d.comb += self.summing.eq(Mux(self.descriptor.mode <= Mode.DEPTHWISE, through,
                                        self.sequencer.take))
        self.values: dict[int, Value] = {0: self.summing}
        accumulating, scaling = accelerator.accumulators.latency, post.latency
        storing = accumulating + scaling - 1
        self.places = {
            "fetch": self.after(0), "accumulators": self.summing,
            "post": self.behind(accumulating), "store": self.behind(storing)}
        self.late = {
            "fetch": (("pad",), self.after(self.fetch.ADDRESSING + self.fetch.memory_latency)),
            "post": (("low", "high", "zero_point"), self.behind(accumulating + scaling - CLAMPED))}
        m.d.comb += self.sequencer.taken.eq(self.behind(storing + 2))
        self.errors = {"fetch": self.after(ERROR + 1), "sums": self.behind(1),
                       "store": self.behind(storing + ERROR)}

    def after(self, cycles: int) -> Value:
        """Return the pulse so many cycles behind its begin."""
        return self._at(self.pulses, cycles, "takes")

    def behind(self, cycles: int) -> Value:
        """Return the pulse so many cycles behind the first value at the accumulators."""
        return self._at(self.values, cycles + COUNTED, "took")

    def _at(self, pulses: dict[int, Value], cycles: int, name: str) -> Value:
        while max(pulses) < cycles:
            last = max(pulses)
            pulses[last + 1] = later(self.m, pulses[last], 1, f"{name}_{last + 1}", reset=True)
        return pulses[cycles]

    def take(self, name: str) -> Value:
        """Return the descriptor of a place, from registers beside it."""
        whole = [*Value.cast(self.descriptor)]
        fields, pulse = self.late.get(name, ((), Const(0)))
        taken = self._beside(Cat(whole), self.places.get(name, self.after(0)), name)
        bits = [*taken]
        for field in fields:
            place = Descriptor[field]
            low, end = place.offset, place.offset + place.width
            bits[low:end] = self._beside(Cat(whole[low:end]), pulse, f"{name}_{field}")
        return Cat(bits)

    def _beside(self, value: Value, pulse: Value, name: str) -> Value:
        enable = primitives.local_register(self.m, self.family, pulse, f"{name}_takes")
        return primitives.local_register(self.m, self.family, value, f"{name}_descriptor",
                                         enable=enable)

    def error_in_turn(self, error: Value, name: str) -> Value:
        """Return an error in the turn of its step.

        One of the second of two steps waits until the first has ended.
        """
        m, second = self.m, self.sequencer.second
        of_second, waits = Signal(name=f"{name}_of_second"), Signal(name=f"{name}_error_waits")
        with m.If(self.errors[name] & second):
            m.d.sync += of_second.eq(1)
        with m.If(error & of_second):
            m.d.sync += waits.eq(1)
        with m.If(~second):
            m.d.sync += [of_second.eq(0), waits.eq(0)]
        return Mux(second, error & ~of_second, error | waits)
