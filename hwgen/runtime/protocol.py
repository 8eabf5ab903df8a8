"""The host's end of the protocol: find the replies among the bytes that come."""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from ..arch.frames import CRC_SIZE, HEAD_SIZE, HEADER_SIZE, REPLY_SYNC, Head, Status

__all__ = ["Reply", "ReplyDecoder"]


@dataclass(frozen=True)
class Reply:
    """A reply that came whole: ``data`` is empty unless the status is DATA."""

    head: Head
    data: bytes = b""


class ReplyDecoder:
    """Find the replies among the bytes that come in, however they are cut.

    What is not a reply is skipped. A reply whose data are damaged is dropped, and its data are
    searched like any other bytes.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()

    @property
    def missing(self) -> int:
        """Least number of bytes until there can be another reply."""
        return max(self._bytes_needed() - len(self.buffer), 1)

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Take bytes, and give the replies that end in them."""
        self.buffer += data
        while (size := self._bytes_needed()) <= len(self.buffer):
            reply = self._take(size)
            if reply is not None:
                yield reply

    def clear(self) -> None:
        """Forget the beginning of a reply."""
        self.buffer.clear()

    def _header(self) -> bool:
        """Drop what cannot begin a reply; return whether the buffer begins with a good header."""
        while True:
            start = self.buffer.find(REPLY_SYNC)
            del self.buffer[:start if start >= 0 else len(self.buffer)]
            if len(self.buffer) < HEADER_SIZE:
                return False
            check = crc32(self.buffer[:HEAD_SIZE]).to_bytes(CRC_SIZE, "little")
            if self.buffer[HEAD_SIZE:HEADER_SIZE] == check:
                return True
            del self.buffer[0]

    def _bytes_needed(self) -> int:
        """Drop what cannot begin a reply; return the size that what is left has at least."""
        if not self._header():
            return HEADER_SIZE
        head = Head.unpack(bytes(self.buffer[:HEAD_SIZE]))
        return HEADER_SIZE + (head.count + CRC_SIZE if head.code == Status.DATA else 0)

    def _take(self, size: int) -> Reply | None:
        """Remove a frame that is there to its end; return it unless its data are damaged."""
        start, frame = bytes(self.buffer[:HEAD_SIZE]), bytes(self.buffer[HEADER_SIZE:size])
        head, data = Head.unpack(start), frame[:-CRC_SIZE]
        if not frame:
            del self.buffer[:size]
            return Reply(head)
        if crc32(start + data).to_bytes(CRC_SIZE, "little") != frame[-CRC_SIZE:]:
            del self.buffer[0]
            return None
        del self.buffer[:size]
        return Reply(head, data)
