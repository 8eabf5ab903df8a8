"""Frames, which travel between host and accelerator: docs/protocol.md, as Python.

Hardware, golden model and runtime share this file. A frame is a head of eight bytes, its CRC and,
where data follow, these and the CRC of head and data.
"""

import enum
import struct
from dataclasses import dataclass
from zlib import crc32

__all__ = [
    "CRC_SIZE", "EPOCHS", "EPOCH_BITS", "EPOCH_LOW", "FLUSH", "HEADER_SIZE", "HEAD_SIZE",
    "HIGHEST_BAUD", "LARGEST", "LOWEST_BAUD", "REPLY_SYNC", "REQUEST_SYNC", "WIRE_BITS", "Command",
    "Head", "Status", "encode", "write_code",
]

REQUEST_SYNC = 0xA5
REPLY_SYNC = 0x5A
HEAD_SIZE = 8
CRC_SIZE = 4
HEADER_SIZE = HEAD_SIZE + CRC_SIZE
LARGEST = 256
"""Bytes of data that a frame can carry."""

FLUSH = bytes(HEADER_SIZE - 1 + LARGEST + CRC_SIZE)
"""Idle bytes after which a receiver looks for a header, whatever came before.

A header may have begun with the byte before and may announce the longest data. No header begins
with an idle byte.
"""


LOWEST_BAUD, HIGHEST_BAUD = 300, 12_000_000
"""Bits a second that a serial port may have."""

WIRE_BITS = 10
"""Bits of a byte on the wire of a serial port, the start bit and the stop bit included."""


EPOCH_LOW = 2
EPOCH_BITS = 6
EPOCHS = 1 << EPOCH_BITS
"""The epoch of a WRITE stands in its code, above the command: how many bits, from which one on.

Each run and each turn of a host begins another epoch, and a WRITE of another one than the present
is not done: so a copy of it that comes late, or once more, does no harm.
"""


class Command(enum.IntEnum):
    """What a request asks for."""

    READ = 1
    WRITE = 2


class Status(enum.IntEnum):
    """What became of a request."""

    DONE = 0x00
    DATA = 0x01     # done, and what was read follows
    UNKNOWN = 0x80  # there is no such command
    DAMAGED = 0x81  # the CRC of the data is wrong, and nothing was written
    REFUSED = 0x82  # there is no memory at the address, or not to its end
    STALE = 0x83    # the write is of another epoch, and nothing was written


@dataclass(frozen=True)
class Head:
    """The first eight bytes of a frame.

    Parameters
    ----------
    sync : int
        :data:`REQUEST_SYNC` or :data:`REPLY_SYNC`.
    code : int
        A :class:`Command`, that of a WRITE with its epoch (:func:`write_code`), or a
        :class:`Status`.
    tag : int
        Number of the request, modulo 256.
    count : int
        Bytes to read or to write, 1 to :data:`LARGEST`.
    address : int
        Where the first of them is.
    """

    sync: int
    code: int
    tag: int
    count: int
    address: int

    def pack(self) -> bytes:
        """Return the bytes."""
        return struct.pack("<BBBBI", self.sync, self.code, self.tag, self.count - 1, self.address)

    @classmethod
    def unpack(cls, data: bytes) -> "Head":
        """Return the head that the bytes are."""
        sync, code, tag, last, address = struct.unpack("<BBBBI", data)
        return cls(sync, code, tag, last + 1, address)


def write_code(epoch: int) -> int:
    """Return the code of a WRITE of an epoch."""
    return Command.WRITE | epoch % EPOCHS << EPOCH_LOW


def encode(head: Head, data: bytes | None = None) -> bytes:
    """Return a frame."""
    start = head.pack()
    check = crc32(start)
    frame = start + check.to_bytes(CRC_SIZE, "little")
    if data is not None:
        if len(data) != head.count:
            raise ValueError(f"A head that says {head.count} bytes cannot have {len(data)}")
        frame += data + crc32(data, check).to_bytes(CRC_SIZE, "little")
    return frame
