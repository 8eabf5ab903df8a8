"""What ``rtl/links/host.py`` answers to the bytes that it gets, and what it does to memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

from ...arch.frames import (
    CRC_SIZE,
    EPOCH_LOW,
    HEAD_SIZE,
    HEADER_SIZE,
    REPLY_SYNC,
    REQUEST_SYNC,
    Command,
    Head,
    Status,
    encode,
)

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
    window: bytearray = field(default_factory=lambda: bytearray(HEADER_SIZE))
    request: Head | None = None
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
        if len(self.data) < self.request.count + CRC_SIZE:
            return b""
        request, data = self.request, bytes(self.data[:-CRC_SIZE])
        check = crc32(request.pack() + data).to_bytes(CRC_SIZE, "little")
        if check != self.data[-CRC_SIZE:]:
            return self._reply(request, Status.DAMAGED)
        if request.code >> EPOCH_LOW != self.epoch:
            return self._reply(request, Status.STALE)
        return self._reply(request, self._write(request, data))

    def _hunt(self) -> bytes:
        """Serve what the last bytes ask for, if they are a header."""
        head = bytes(self.window[:HEAD_SIZE])
        check = crc32(head).to_bytes(CRC_SIZE, "little")
        if head[0] != REQUEST_SYNC or self.window[HEAD_SIZE:] != check:
            return b""
        request = Head.unpack(head)
        if request.code == Command.READ:
            data = self._read(request)
            return self._reply(request, Status.REFUSED if data is None else Status.DATA, data)
        if request.code % (1 << EPOCH_LOW) == Command.WRITE:
            self.request = request
            return b""
        return self._reply(request, Status.UNKNOWN)

    def _reply(self, request: Head, status: Status, data: bytes | None = None) -> bytes:
        """Return a reply, and forget the request."""
        self.window = bytearray(HEADER_SIZE)
        self.request = None
        self.data = bytearray()
        head = Head(REPLY_SYNC, status, request.tag, request.count, request.address)
        return encode(head, data)

    def _read(self, request: Head) -> bytes | None:
        """Read memory, word by word, until there is an error."""
        words = []
        for address, mask, _ in parts(request):
            word = self.bus(BusAccess(False, address, mask))
            if word is None:
                return None
            words.append(word.to_bytes(4, "little"))
        start = request.address % 4
        return b"".join(words)[start:start + request.count]

    def _write(self, request: Head, data: bytes) -> Status:
        """Write memory, word by word, until there is an error."""
        for address, mask, start in parts(request):
            lanes = (data[start + lane] if mask >> lane & 1 else 0 for lane in range(4))
            word = int.from_bytes(lanes, "little")
            if self.bus(BusAccess(True, address, mask, word)) is None:
                return Status.REFUSED
        return Status.DONE


def parts(request: Head) -> list[tuple[int, int, int]]:
    """Return the words of a request: the address and the mask of each, and its first byte's place.

    The place is counted from the first byte of the data, so it may be negative in the first word.
    """
    start = -(request.address % 4)
    found = []
    for place in range(start, request.count, 4):
        mask = sum(1 << lane for lane in range(4) if 0 <= place + lane < request.count)
        found.append(((request.address + place) % 2**32, mask, place))
    return found
