"""The array of an accelerator, which multiplies, in its socket: systolic or bit-serial."""

from typing import Any

from amaranth import *

from ..primitives.pipeline import later
from .bitserial_pace import Pace

__all__ = ["ArrayPart", "BitSerialPart", "SystolicPart"]


class ArrayPart:
    """Does the steps of modes MATRIX and DEPTHWISE.

    Parameters
    ----------
    array : Component
        With the ports of :class:`hwgen.rtl.systolic.array.SystolicArray`.

    Members
    -------
    pace : type of Pace, or None
        What the sequencer knows of steps whose vectors take longer than a cycle.
    """

    pace: type[Pace] | None = None

    def __init__(self, array: Any) -> None:
        self.array = array

    @property
    def weights(self) -> Value:
        """Where words of weights go."""
        raise NotImplementedError

    def sum_tag(self, m: Module, accelerator: Any, through: Value) -> Value:
        """Return the tag of what comes out of the array soon.

        The accumulators get it ``Fetch.ahead`` cycles before the sums. Vectors that pass by the
        array, as ``through`` says, must not come out of it.
        """
        raise NotImplementedError


class SystolicPart(ArrayPart):
    """A vector's sums come so many cycles later as there are rows and columns."""

    @property
    def weights(self) -> Value:
        return Value.cast(self.array.weights.payload)

    def sum_tag(self, m: Module, accelerator: Any, through: Value) -> Value:
        early = Mux(through, Value.cast(accelerator.fetch.early.tag), 0)
        return later(m, early, self.array.latency, "tag", reset=True)


class BitSerialPart(ArrayPart):
    """A vector's sums come so many cycles later as there are pairs of planes.

    To those the array adds its latency. For the former the vector's tag waits here.
    """

    pace = Pace

    @property
    def weights(self) -> Value:
        return Value.cast(self.array.weights.p.word)

    def sum_tag(self, m: Module, accelerator: Any, through: Value) -> Value:
        array, fetch, d = self.array, accelerator.fetch, accelerator.sequencer.descriptor
        formats = accelerator.beside(m, Cat(d.activation_format, d.weight_format), "formats")
        m.d.comb += Cat(Value.cast(array.activations.p.format),
                        Value.cast(array.weights.p.format)).eq(formats)
        waiting = Signal(len(Value.cast(fetch.o.tag)), reset_less=True)
        with m.If(array.activations.valid):
            m.d.sync += waiting.eq(Value.cast(fetch.o.tag))
        return later(m, Mux(array.ending, waiting, 0), array.latency - fetch.ahead, "tag",
                     reset=True)
