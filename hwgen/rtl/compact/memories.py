"""The accelerator's memories without registers around them, for small chips."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.utils import ceil_log2

from .. import primitives
from ..accelerator.memories import ByteMemory
from ..accelerator.word_memory import WordMemory
from ..primitives.generic import Ram, SinglePortRam
from ..primitives.library import place
from ..primitives.pipeline import later

__all__ = ["CompactByteMemory", "CompactWordMemory"]


def rotate_words(words: Sequence[Value], amount: Value, by: int = 1) -> list[Value]:
    """Return ``words`` rotated to the left, as :func:`.pipeline.rotate` does, but at once.

    By two bits of the amount at a time: a choice of four takes two LUTs, and one of eight five.
    The amount counts ``by`` words.
    """
    step = amount[:2] if len(amount) > 2 else amount
    count, shape = len(words), Value.cast(words[0]).shape()
    chosen = [Value.cast(data.ArrayLayout(shape, 1 << len(step))(
        Cat(words[(i + k * by) % count] for k in range(1 << len(step))))[step])
        for i in range(count)]
    return rotate_words(chosen, amount[2:], 4 * by) if len(amount) > 2 else chosen


class SplitRam(Ram):
    """Equal to :class:`Ram` with ``quick``, in two where the depth is no power of two.

    The words of each half then lie side by side in block RAMs, so that only the halves are chosen
    from, and not all of the block RAMs behind one another.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        large = 1 << (self.depth.bit_length() - 1)
        parts = [large, self.depth - large] if self.depth > large else [large]
        second = len(parts) > 1
        chosen = later(m, self.read_address[-1], 1, "chosen") if second else Const(0, 1)
        words = []
        for index, depth in enumerate(parts):
            ram = place(m, platform, f"part_{index}", Ram, self.width, depth, quick=True)
            written = self.write_address[-1] == index if second else Const(1, 1)
            m.d.comb += [ram.read_address.eq(self.read_address),
                         ram.write_address.eq(self.write_address),
                         ram.write_data.eq(self.write_data), ram.write.eq(self.write & written)]
            words.append(ram.read_data)
        m.d.comb += self.read_data.eq(Mux(chosen, words[-1], words[0]))
        return m


class CompactByteMemory(ByteMemory):
    """As :class:`ByteMemory`, but what is asked for comes in the very next cycle.

    Four bytes are written, at a multiple of four.
    """

    read_latency = 1
    write_latency = 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low = ceil_log2(self.banks)
        words: list[Value] = []
        for bank in range(self.banks):
            ram = place(m, platform, f"bank_{bank}", SplitRam, 8, self.depth, quick=True)
            word, byte = divmod(bank, 4)
            m.d.comb += [
                # The banks before the window are a row further on.
                ram.read_address.eq(self.read_address[low:] + (self.read_address[:low] > bank)),
                ram.write_address.eq(self.write_address[low:]),
                ram.write_data.eq(self.write_data.word_select(byte, 8)),
                ram.write.eq(self.write_mask[byte] & (self.write_address[2:low] == word)),
            ]
            words.append(ram.read_data)
        words = rotate_words(words, later(m, self.read_address[:low], 1, "offset"))
        m.d.comb += self.read_data.eq(Cat(words[:self.window]))
        return m


class CompactWordMemory(WordMemory):
    """As :class:`WordMemory`, but a word comes in the very next cycle."""

    read_latency = 1
    sizes = (*WordMemory.sizes, 1024, 512)  # no block RAM is filled in part but the last

    @property
    def _kinds(self) -> list[tuple[type[SinglePortRam], dict[str, Any]]]:
        return primitives.single_port_rams(
            self.family, self.device, [(self.width, depth) for _, depth in self.banks],
            quick=True)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A bank begins at a multiple of what it could hold: only the bits above that tell it.
        where = Cat(self.address[ceil_log2(depth):] == start >> ceil_log2(depth)
                    for start, depth in self.banks)
        shown = later(m, where, 1, "shown")
        bits = Cat(self.write_mask[bit // self.granularity] for bit in range(self.width))
        words = []
        for index, ((start, depth), (kind, options)) in enumerate(
                zip(self.banks, self._kinds, strict=True)):
            for low in range(0, self.width, self.granularity):
                high = min(low + self.granularity, self.width)
                ram = place(m, platform, f"bank_{index}_{low}", kind, high - low, depth, **options,
                            **self._contents(start, depth, low, high))
                m.d.comb += [
                    ram.address.eq(self.address[:len(ram.address)]),
                    ram.write_data.eq(self.write_data[low:high]),
                    ram.write.eq(bits[low] & where[index]),
                ]
                words.append(ram.read_data & shown[index].replicate(high - low))
        parts = -(-self.width // self.granularity)
        for part in range(parts):
            chosen: Value = Const(0, 0)
            for word in words[part::parts]:
                chosen = chosen | word
            low = part * self.granularity
            m.d.comb += self.read_data[low:low + len(chosen)].eq(chosen)
        return m
