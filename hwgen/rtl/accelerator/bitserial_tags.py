"""The bit-serial array in the place of the systolic one: what it needs besides."""

from amaranth import *

from ..bitserial.array import BitSerial
from ..primitives.pipeline import later
from .fetch import Fetch

__all__ = ["tag_of_sums"]


def tag_of_sums(m: Module, array: BitSerial, fetch: Fetch, formats: Value) -> Value:
    """Tell the array the formats of its numbers, and return the tag of what comes out of it soon.

    A vector's sums come so many cycles later as there are pairs of planes, and the array's latency.
    For the former its tag waits here; the accumulators get it ``Fetch.ahead`` cycles before the
    sums.
    """
    m.d.comb += Cat(Value.cast(array.activations.p.format),
                    Value.cast(array.weights.p.format)).eq(formats)
    waiting = Signal(len(Value.cast(fetch.o.tag)), reset_less=True)
    with m.If(array.activations.valid):
        m.d.sync += waiting.eq(Value.cast(fetch.o.tag))
    return later(m, Mux(array.ending, waiting, 0), array.latency - fetch.ahead, "tag",
                 reset=True)
