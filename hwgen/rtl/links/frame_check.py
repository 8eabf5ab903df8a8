"""What a host reads of a frame as its bytes pass by: the header of a request, and the CRCs."""

from typing import Any

from amaranth import *
from amaranth.lib.crc import Algorithm  # type: ignore[import-untyped]

from ...arch.frames import HEAD_SIZE, LARGEST

__all__ = ["FrameCheck", "Request"]

CRC32 = Algorithm(crc_width=32, polynomial=0x04C11DB7, initial_crc=0xFFFFFFFF, reflect_input=True,
                  reflect_output=True, xor_output=0xFFFFFFFF)


class Request:
    """The header of a request.

    Parameters
    ----------
    window : Signal
        The last bytes that came, the oldest first. While hunting, every one of them has its turn to
        be the first of a header, so that no false header can hide a true one.
    """

    def __init__(self, m: Module, window: Signal) -> None:
        self.window = window
        self.oldest = window[:8]
        self.command, self.last, self.address = window[8:16], window[24:32], window[32:64]
        self.end = Signal(range(LARGEST + 3))
        self.first_mask, self.last_mask = Signal(4), Signal(4)
        m.d.comb += [
            self.end.eq(self.address[:2] + self.last),
            self.first_mask.eq(0b1111 << self.address[:2]),
            self.last_mask.eq(0b1111 >> ~self.end[:2]),
        ]

    @property
    def next_oldest(self) -> Value:
        """The byte that is the oldest when another one has come."""
        return self.window[8:16]

    @property
    def words(self) -> Value:
        """Words that hold its data, but for the first one."""
        return self.end[2:]

    def shift(self, byte: Any) -> Any:
        """Let a byte come, and the oldest one go."""
        return self.window.eq(Cat(self.window[8:], byte))


class FrameCheck:
    """The CRC of the bytes that come, and of those that are sent.

    Every byte that counts passes ``byte``, whether it is sent or not, and is counted one cycle
    later: there the way to the CRC is short, and one choice serves both.

    Parameters
    ----------
    byte : Signal
    """

    def __init__(self, m: Module, byte: Signal) -> None:
        self.byte = byte
        m.submodules.crc = self.crc = CRC32(data_width=8).create()
        self.fresh = Signal()  # a byte is counted in this cycle, so that the CRC lacks it yet
        self.index = Signal(range(HEAD_SIZE))  # of a byte of the header, or of its CRC
        self.value = self.crc.crc.word_select(self.index[:2], 8)
        self.good = Signal()    # all bytes of a CRC were right so far,
        self.wrong = Signal(8)  # but for these bits of the last one
        self.begin = Signal()   # a CRC begins in the next cycle, behind which its first byte comes

    def connect(self, m: Module) -> None:
        """Count a byte in the cycle after it has passed, and remember what was wrong."""
        crc = self.crc
        m.d.comb += [crc.data.eq(self.byte), crc.valid.eq(self.fresh), crc.start.eq(self.begin)]
        m.d.sync += [self.fresh.eq(0), self.begin.eq(0), self.wrong.eq(0)]
        with m.If(self.wrong.any()):
            m.d.sync += self.good.eq(0)

    def count(self, byte: Value) -> list[Any]:
        """Count a byte."""
        return [self.byte.eq(byte), self.fresh.eq(1)]

    def compare(self, byte: Value) -> list[Any]:
        """Compare a byte with that of the CRC in its place."""
        return [self.index.eq(self.index + 1), self.wrong.eq(byte ^ self.value)]

    @property
    def failed(self) -> Value:
        """Whether a byte of the CRC differs, in the cycle after its last one."""
        return ~self.good | self.wrong.any()
