"""What ``rtl/links/host.py`` answers to the bytes that it gets, and what it does to memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

from ...arch import frames

__all__ = ["Bus", "BusAccess", "Host"]


@dataclass(frozen=True)
class BusAccess:
    """A word that is read or written: ``mask`` has a bit for each of its bytes."""

    write: bool
    address: int
    mask: int
    data: int = 0


Bus = Callable[[BusAccess], int | None]
"""What an access gives: the word that was read, anything when written, None for an error."""


@dataclass
class Host:
    """Golden twin of :class:`hwgen.rtl.links.host.Host`: bytes in, bytes out.

    Parameters
    ----------
    bus : Bus
        Where memory is.
    epoch : int
        The present one; what is behind the bus may change it.
    """

    bus: Bus
    epoch: int = 0
    window: bytearray = field(default_factory=lambda: bytearray(frames.HEADER_SIZE))
    request: frames.Head | None = None
    data: bytearray = field(default_factory=bytearray)

    def receive(self, data: bytes) -> bytes:
        """Take bytes, and return those of the replies that they bring about."""
        return b"".join(self._byte(byte) for byte in data)

    def _byte(self, byte: int) -> bytes:
        """Take one byte."""
        if self.request is None:
            self.window = self.window[1:] + bytes([byte])
            return self._hunt()
        self.data.append(byte)
        if len(self.data) < self.request.count + frames.CRC_SIZE:
            return b""
        request, data = self.request, bytes(self.data[:-frames.CRC_SIZE])
        check = crc32(request.pack() + data).to_bytes(frames.CRC_SIZE, "little")
        if check != self.data[-frames.CRC_SIZE:]:
            return self._reply(request, frames.Status.DAMAGED)
        if request.code >> frames.EPOCH_LOW != self.epoch:
            return self._reply(request, frames.Status.STALE)
        return self._reply(request, self._write(request, data))

    def _hunt(self) -> bytes:
        """Serve what the last bytes ask for, if they are a header."""
        head = bytes(self.window[:frames.HEAD_SIZE])
        check = crc32(head).to_bytes(frames.CRC_SIZE, "little")
        if head[0] != frames.REQUEST_SYNC or self.window[frames.HEAD_SIZE:] != check:
            return b""
        request = frames.Head.unpack(head)
        if request.code == frames.Command.READ:
            data = self._read(request)
            status = frames.Status.REFUSED if data is None else frames.Status.DATA
            return self._reply(request, status, data)
        if request.code % (1 << frames.EPOCH_LOW) == frames.Command.WRITE:
            self.request = request
            return b""
        return self._reply(request, frames.Status.UNKNOWN)

    def _reply(self, request: frames.Head, status: frames.Status,
               data: bytes | None = None) -> bytes:
        """Return a reply, and forget the request."""
        self.window = bytearray(frames.HEADER_SIZE)
        self.request = None
        self.data = bytearray()
        head = frames.Head(frames.REPLY_SYNC, status, request.tag, request.count, request.address)
        return frames.encode(head, data)

    def _read(self, request: frames.Head) -> bytes | None:
        """Read memory, word by word, until there is an error."""
        words = []
        for address, mask, _ in parts(request):
            word = self.bus(BusAccess(False, address, mask))
            if word is None:
                return None
            words.append(word.to_bytes(4, "little"))
        start = request.address % 4
        return b"".join(words)[start:start + request.count]

    def _write(self, request: frames.Head, data: bytes) -> frames.Status:
        """Write memory, word by word, until there is an error."""
        for address, mask, start in parts(request):
            lanes = (data[start + lane] if mask >> lane & 1 else 0 for lane in range(4))
            word = int.from_bytes(lanes, "little")
            if self.bus(BusAccess(True, address, mask, word)) is None:
                return frames.Status.REFUSED
        return frames.Status.DONE


def parts(request: frames.Head) -> list[tuple[int, int, int]]:
    """Return the words of a request: the address and the mask of each, and its first byte's place.

    The place is counted from the first byte of the data, so it may be negative in the first word.
    """
    start = -(request.address % 4)
    found = []
    for place in range(start, request.count, 4):
        mask = sum(1 << lane for lane in range(4) if 0 <= place + lane < request.count)
        found.append(((request.address + place) % 2**32, mask, place))
    return found
