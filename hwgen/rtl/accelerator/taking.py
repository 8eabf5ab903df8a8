"""When each place that steps pass through takes the descriptor of the next step."""

from typing import Any

from amaranth import *

from .. import primitives
from ..primitives.pipeline import later
from ..step import Descriptor
from .accumulators import Accumulators
from .fetch import Fetch
from .post import Post
from .store import Store

__all__ = ["GAP", "Taking"]

GAP = max(Fetch.holds, Accumulators.holds, Post.holds, Store.holds)
"""Cycles from the last vector of a step to the first one of a step that follows at once."""


class Taking:
    """A pulse that goes the way of a step's first vector, a little ahead of it.

    Where it comes by, the descriptor of that step is taken from the sequencer, which keeps it until
    the last place has it. Where nothing is under way, all places take it at once.

    Parameters
    ----------
    accelerator : Accelerator
    """

    def __init__(self, m: Module, accelerator: Any) -> None:
        self.m, self.family = m, accelerator.family
        self.sequencer = accelerator.sequencer
        fetch, accumulators = accelerator.fetch, accelerator.accumulators
        post, store = accelerator.post, accelerator.store
        self.pulses = [self.sequencer.follow]
        # The event of the vector comes two cycles behind the pulse, and a place has a descriptor
        # two cycles behind its own: when it gets the vector, if it is the first cycle that counts.
        summing = fetch.latency + accelerator.array.latency - accumulators.ahead
        storing = summing + accumulators.latency + post.latency
        self.places = {"fetch": 0, "accumulators": summing,
                       "post": storing - post.clamping, "store": storing + 1}
        if accelerator.high is not None:
            self.places["high"] = summing
        if accelerator.keeping is not None:
            self.places["keeping"] = storing
        self.places |= {part.name: storing for part in accelerator.parts if part.at_lanes}
        self.late = {"fetch": ("pad", fetch.padding)}
        m.d.comb += self.sequencer.followed.eq(self.after(storing + 1))
        # Errors of vectors that come so many cycles behind them are those of this step.
        self.errors = {"fetch": fetch.failing, "sums": summing + accumulators.failing,
                       "store": storing + store.failing}

    def after(self, cycles: int) -> Value:
        """Return the pulse so many cycles behind its begin."""
        for cycle in range(len(self.pulses), cycles + 1):
            self.pulses.append(later(self.m, self.pulses[-1], 1, f"follow_{cycle}", reset=True))
        return self.pulses[cycles]

    def takes(self, cycles: int | None) -> Value:
        """Return whether a descriptor is taken: all at once, or so many cycles behind a pulse."""
        take: Value = self.sequencer.take
        return take if cycles is None else take | self.after(cycles)

    def take(self, name: str) -> Value:
        """Return the descriptor of a place, from registers beside it."""
        whole = [*Value.cast(self.sequencer.descriptor)]
        bits = [*self._beside(Cat(whole), self.takes(self.places.get(name)), name)]
        if name in self.late:
            field, cycles = self.late[name]
            low = Descriptor[field].offset
            end = low + Descriptor[field].width
            bits[low:end] = self._beside(Cat(whole[low:end]), self.takes(cycles),
                                         f"{name}_{field}")
        return Cat(bits)

    def _beside(self, value: Value, takes: Value, name: str) -> Value:
        enable = primitives.local_register(self.m, self.family, takes, f"{name}_takes")
        return primitives.local_register(self.m, self.family, value, f"{name}_descriptor",
                                         enable=enable)

    def in_turn(self, error: Value, name: str) -> Value:
        """Return an error in the turn of its step.

        One of the second of two steps waits until the first has ended.
        """
        m, second = self.m, self.sequencer.second
        of_second, waits = Signal(name=f"{name}_of_second"), Signal(name=f"{name}_error_waits")
        with m.If(self.after(self.errors[name]) & second):
            m.d.sync += of_second.eq(1)
        with m.If(error & of_second):
            m.d.sync += waits.eq(1)
        with m.If(~second):
            m.d.sync += [of_second.eq(0), waits.eq(0)]
        return Mux(second, error & ~of_second, error | waits)
