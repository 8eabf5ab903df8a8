"""Fetch for a compact accelerator: a vector comes in the cycle behind its event."""

from typing import Any

from amaranth import *

from ._compact_accumulators import CompactAccumulators
from ._fetch import Fetch
from ._memories import at_least, later
from ._step import Mode

__all__ = ["CompactFetch"]


class CompactFetch(Fetch):
    """As :class:`Fetch`, for one line at most, and without registers on the way."""

    ahead = CompactAccumulators.ahead

    @property
    def latency(self) -> int:
        """Cycles from an event to its vector."""
        return self.memory_latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        position: Any = self._loops(m, self.event)
        offset, row = position.offset, position.row
        address = Signal.like(offset, name="address")
        inside = Signal(Shape(len(offset) + 1, True))
        m.d.comb += [address.eq(position.base + offset), inside.eq(d.row_bytes - offset),
                     self.address.eq(address)]
        # Bytes between the row's begin and `inside` are in the row, if that is inside the image.
        of_row = Signal()
        m.d.comb += of_row.eq((row >= 0) & (row < d.height))
        bytes_inside = Cat(_begun(offset, i) & _above(inside, i) for i in range(self.window))
        masks = Signal(self.window)
        m.d.sync += masks.eq(bytes_inside & of_row.replicate(self.window))
        reading = self.event.valid & (d.mode != Mode.SUMS)
        outside = at_least(address, self.size) | (address < 0)
        m.d.sync += self.error.eq(reading & outside & bytes_inside[0] & of_row)

        early = later(m, self.event, self.latency - self.ahead, "early", reset=True)
        m.d.comb += [
            self.early.eq(early),
            self.o.eq(later(m, early, self.ahead, "event", reset=True)),
            self.vector.eq(Cat(
                Mux(masks[i], self.bytes.word_select(i, 8), d.pad.as_unsigned())
                for i in range(self.window))),
            self.next_vector.eq(0),  # nobody could see it a cycle earlier
            Value.cast(self.pixels).eq(self.vector),
        ]
        return m


def _begun(offset: Value, small: int) -> Value:
    """Return whether ``offset + small`` is not negative, without adding them."""
    bits = max(small.bit_length(), 1)
    return ~offset[-1] | (offset[bits:-1].all() & (offset[:bits] >= (1 << bits) - small))


def _above(value: Value, small: int) -> Value:
    """Return whether a number with a sign is above a small one, without a long chain of carries."""
    bits = max(small.bit_length(), 1)
    return ~value[-1] & (value[bits:-1].any() | (value[:bits] > small))
