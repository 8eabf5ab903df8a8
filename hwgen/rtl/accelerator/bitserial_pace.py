"""How fast a step runs on the bit-serial array: what the sequencer knows of its formats."""

from typing import Any

from amaranth import *

from ...arch.formats import GROUP, NumberKind

__all__ = ["Pace"]


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
