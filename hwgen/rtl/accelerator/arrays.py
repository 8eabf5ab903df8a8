"""The array of an accelerator, which multiplies, in its socket: systolic or bit-serial.

How fast a step runs on the bit-serial one follows from its formats.
"""

from typing import Any

from amaranth import *

from ...arch.formats import GROUP, NumberKind
from ..primitives.pipeline import later

__all__ = ["ArrayPart", "BitSerialPart", "Pace", "SystolicPart"]


class Pace:
    """What follows from the formats in a descriptor; those of a step without weights are 0.

    All of it is there before the first vector is due, but ``weight_words`` is there at once.

    Parameters
    ----------
    rows : int
        Of the array.
    interval : int
        Cycles that the lanes need for a vector.
    """

    def __init__(self, m: Module, descriptor: Any, rows: int, interval: int) -> None:
        a, w = descriptor.activation_format, descriptor.weight_format
        bits_a, bits_w = (Signal(range(9), name=f"bits_{name}") for name in "aw")
        planes_w = Signal(range(9))
        m.d.comb += [bits_a.eq(a[:3] + 1), bits_w.eq(w[:3] + 1),
                     planes_w.eq(Mux(w[3:] == NumberKind.BIPOLAR, 2, bits_w))]
        self.weight_words = Signal(8)  # of a pass
        groups = -(-rows // GROUP)
        m.d.comb += self.weight_words.eq(sum(
            (bits_w << bit for bit in range(groups.bit_length()) if groups >> bit & 1), Const(0)))

        # Cycles of a vector, less one, and of one whose sums go to the lanes:
        pairs = Signal(range(65), reset_less=True)
        self.wait, self.last_wait = (Signal(range(64), name=name, reset_less=True)
                                     for name in ("wait", "last_wait"))
        m.d.sync += [
            pairs.eq(sum((Mux(planes_w[bit], bits_a << bit, 0) for bit in range(4)), Const(0))),
            self.wait.eq(pairs - 1),
            self.last_wait.eq(Mux(pairs > interval, pairs - 1, interval - 1)),
        ]
        # One of the formats is none:
        self.bad = ((a[3:] >= NumberKind.BIPOLAR) | (w[3:] > NumberKind.BIPOLAR)
                    | ((w[3:] == NumberKind.BIPOLAR) & (w[:3] != 0)))


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
