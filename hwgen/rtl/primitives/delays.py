"""Delays of words, in registers or in memories of LUTs."""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Delay", "LutRamDelay"]


class Delay(wiring.Component):
    """Delay words, each by a number of cycles of its own, in registers.

    The words stand side by side in ``i`` and in ``o``. Nothing is reset.

    Parameters
    ----------
    width : int
        Bits of a word.
    cycles : list of int
        Delay of each word, from 0 up.

    Members
    -------
    i : In(width * len(cycles))
    o : Out(width * len(cycles))
    """

    i: Value
    o: Value

    interval = 1

    def __init__(self, width: int, cycles: list[int]) -> None:
        self.width = width
        self.cycles = cycles
        super().__init__({"i": In(width * len(cycles)), "o": Out(width * len(cycles))})

    @property
    def latency(self) -> int:
        """Cycles of the word that takes longest."""
        return max(self.cycles, default=0)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for index, cycles in enumerate(self.cycles):
            word = self.i.word_select(index, self.width)
            self._put_behind(m, index, word, cycles)
        return m

    def _put_behind(self, m: Module, index: int, word: Value, cycles: int) -> None:
        """Give a word to its output so many registers later."""
        for stage in range(cycles):
            stored = Signal(self.width, name=f"word_{index}_{stage}", reset_less=True)
            m.d.sync += stored.eq(word)
            word = stored
        m.d.comb += self.o.word_select(index, self.width).eq(word)


class LutRamDelay(Delay):
    """Equal to :class:`Delay`, for families whose LUTs can be 16-word memories.

    A delay of more than two cycles is a ring of memory and a register behind it, which keeps the
    slow memory out of the next path: the word that is read is the one written a full turn ago, and
    the new word takes its place. All rings of one length share one pointer, if they do not lie
    apart: then each has its own, and no reset has to reach it.
    """

    WORDS = 16
    """Words of a LUT memory; a longer delay is several rings in a row."""

    def __init__(self, width: int, cycles: list[int], *, apart: bool = False) -> None:
        super().__init__(width, cycles)
        self.apart = apart

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pointers: dict[tuple[int, str], Signal] = {}

        def pointer(length: int, name: str) -> Signal:
            key = length, name if self.apart else ""
            if key not in pointers:
                count = pointers[key] = Signal(range(length), reset_less=self.apart, name=(
                    f"pointer_{name}" if self.apart else f"pointer_{length}"))
                m.d.sync += count.eq(Mux(count == length - 1, 0, count + 1))
            return pointers[key]

        def ring(word: Value, length: int, name: str) -> Value:
            rows: memory.Memory = memory.Memory(shape=self.width, depth=length, init=[])
            m.submodules[name] = rows
            write, read = rows.write_port(), rows.read_port(domain="comb")
            here = pointer(length, name)
            m.d.comb += [write.addr.eq(here), write.data.eq(word), write.en.eq(1),
                         read.addr.eq(here)]
            return read.data

        for index, cycles in enumerate(self.cycles):
            word: Value = self.i.word_select(index, self.width)
            left = cycles
            while left > 2:
                length = min(left - 1, self.WORDS)
                word = ring(word, length, f"ring_{index}_{left}")
                left -= length
            self._put_behind(m, index, word, left)
        return m
