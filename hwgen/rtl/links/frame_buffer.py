"""The buffer of a host: the data of one frame, between its bytes and the words of the bus."""

from typing import Any

from amaranth import *
from amaranth.lib import memory

from ...arch.frames import LARGEST
from .. import primitives
from ..primitives.pipeline import later

__all__ = ["FrameBuffer"]


class FrameBuffer:
    """Data by their place in a word; beyond the 64th word they begin anew.

    There the first word leaves just enough bytes free.

    Parameters
    ----------
    bus : BUS
        Gets the words that are fetched, and gives those that are read.
    byte : Value
        What the host sends.
    near : bool
        Whether it is near, and the clock slow: then there are no registers before and behind it.
    family : str
        FPGA family.
    """

    def __init__(self, m: Module, bus: Any, byte: Value, *, near: bool, family: str) -> None:
        self.near = near
        self.bus = bus
        buffer: Any = memory.Memory(shape=32, depth=LARGEST // 4, init=[],
                                    attrs=primitives.small_memory(family))
        m.submodules.buffer = buffer
        store = buffer.write_port(granularity=8)
        # The cheapest; they never collide.
        self.load = buffer.read_port(transparent_for=(store,))
        self.row = Signal(range(LARGEST // 4))
        self.lane = Signal(2)                         # place of a byte in its word
        self.left = Signal(range(LARGEST))            # bytes after this one
        self.words = Signal(range(LARGEST // 4 + 1))  # words after this one
        # Bytes of the row that are written: of the word that is read, or of the byte that came.
        self.put = Signal(4)
        self.loaded = Signal(32, reset_less=True)
        given = Mux(bus.read, bus.r_data, byte.replicate(4))
        far = 1 - near
        m.d.comb += [store.addr.eq(later(m, self.row, far, "row")),
                     store.data.eq(later(m, given, far, "given")),
                     store.en.eq(later(m, self.put, far, "put")),
                     self.load.addr.eq(self.row), self.load.en.eq(0)]

    def connect(self, m: Module) -> None:
        """Give the bus what comes out, where no registers are on the way."""
        if self.near:
            m.d.comb += self.bus.w_data.eq(self.load.data)

    def next_row(self, m: Module) -> None:
        """Read a row, and move those that were read before."""
        m.d.comb += self.load.en.eq(1)
        m.d.sync += self.row.eq(self.row + 1)
        if not self.near:
            m.d.sync += self.loaded.eq(self.load.data)

    def give(self, m: Module) -> None:
        """Give the bus the next word."""
        if not self.near:
            m.d.sync += self.bus.w_data.eq(self.loaded)

    def next_byte(self) -> list[Any]:
        """Go on to the next byte of the data."""
        return [self.lane.eq(self.lane + 1), self.left.eq(self.left - 1)]
