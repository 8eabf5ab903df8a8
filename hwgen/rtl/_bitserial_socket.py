"""The bit-serial array in the place of the systolic one: what it needs besides."""

from typing import Any

from amaranth import *

from . import primitives
from ._accumulators import Accumulators
from ._fetch import Fetch
from ._memories import later
from .bitserial import BitSerial

__all__ = ["tag_of_sums"]


def tag_of_sums(m: Module, array: BitSerial, fetch: Fetch, descriptor: Any, family: str) -> Value:
    """Tell the array how numbers are written, and return the tag of what comes out of it soon.

    A vector's sums come so many cycles later as there are pairs of planes, and the array's latency.
    For the former its tag waits here; the accumulators get it ``Accumulators.ahead`` cycles before
    the sums.
    """
    formats = descriptor.activation_format, descriptor.weight_format
    m.d.comb += Cat(Value.cast(array.activations.p.format),
                    Value.cast(array.weights.p.format)).eq(
        primitives.local_register(m, family, Cat(*formats), "formats"))
    waiting = Signal(len(Value.cast(fetch.o.tag)), reset_less=True)
    with m.If(array.activations.valid):
        m.d.sync += waiting.eq(Value.cast(fetch.o.tag))
    return later(m, Mux(array.ending, waiting, 0), array.latency - Accumulators.ahead, "tag",
                 reset=True)
