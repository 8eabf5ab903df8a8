"""Windows of the bit-serial array: each column's own pixels, for depthwise layers."""

from typing import Any

from amaranth import *

from ...arch.formats import MOST_BITS
from .. import primitives

__all__ = ["Windows"]


class Windows:
    """Pixels of one channel for each column, and planes of them in place of the shared vector's.

    A pixel of each line comes at a time, and the last ``lines`` of them are kept: the newest one
    first, line by line, they are what the first ``lines ** 2`` rows of a column multiply.

    Parameters
    ----------
    lines : int
    family : str
        FPGA family.
    shift : Value
        A pixel of each line comes.
    own : Value
        The vector that is multiplied is that of each column, a cycle after it came.
    at : Value
        Which plane of it is next.
    plane : Value
        That of the shared vector, a cycle later.
    """

    def __init__(self, lines: int, family: str, shift: Value, own: Value, at: Value,
                 plane: Value) -> None:
        self.lines = lines
        self.family = family
        self.shared = {"shift": shift, "own": own, "at": at}
        self.plane = plane

    def near(self, m: Module, first: int) -> dict[str, Value]:
        """Return what a few columns share, in registers beside the first of them."""
        return {name: primitives.local_register(m, self.family, value, f"window_{name}_{first}")
                for name, value in self.shared.items()}

    def add(self, m: Module, column: int, pixels: Any, near: dict[str, Value]) -> Value:
        """Return the plane that a column multiplies, two cycles after ``at``."""
        kept: list[Value] = []
        for line in range(self.lines):
            before: Value = Signal(MOST_BITS, name=f"pixel_{column}_{line}", reset_less=True)
            m.d.sync += before.eq(pixels[line].word_select(column, MOST_BITS))
            for tap in range(self.lines):
                pixel = Signal(MOST_BITS, name=f"tap_{column}_{line}_{tap}", reset_less=True)
                with m.If(near["shift"]):
                    m.d.sync += pixel.eq(before)
                kept.append(pixel)
                before = pixel
        chosen = Signal(len(kept), name=f"window_plane_{column}", reset_less=True)
        m.d.sync += chosen.eq(Cat(
            Mux(near["own"], pixel.bit_select(near["at"], 1), self.plane[row])
            for row, pixel in enumerate(kept)))
        return chosen
