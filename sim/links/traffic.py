"""What may come over a wire to the host, and a memory behind it for the golden model to use."""

import random
from dataclasses import dataclass, field

from hwgen.arch.frames import (
    EPOCHS,
    FLUSH,
    LARGEST,
    REQUEST_SYNC,
    Command,
    Head,
    encode,
    write_code,
)
from hwgen.golden.links import host as golden

__all__ = ["MEMORY", "Memory", "Traffic", "request"]

MEMORY = 1024
"""Bytes of memory behind the host; there is nothing beyond."""


@dataclass
class Memory:
    """Memory of a host from address ``base`` on, and everything that was done to it."""

    data: bytearray = field(default_factory=lambda: bytearray(MEMORY))
    accesses: list[golden.BusAccess] = field(default_factory=list)
    base: int = 0

    def __call__(self, access):
        self.accesses.append(access)
        place = access.address - self.base
        if not 0 <= place <= len(self.data) - 4:
            return None
        if access.write:
            for lane, byte in enumerate(access.data.to_bytes(4, "little")):
                if access.mask >> lane & 1:
                    self.data[place + lane] = byte
        return int.from_bytes(self.data[place:place + 4], "little")


def request(command, address, count, *, tag=0, data=None):
    """Return a request: to write needs ``data``."""
    return encode(Head(REQUEST_SYNC, command, tag, count, address), data)


class Traffic:
    """Random requests, some of them damaged, with garbage between.

    Parameters
    ----------
    seed : int
        The same seed, the same bytes.
    """

    def __init__(self, seed=0):
        self.random = random.Random(seed)

    def request(self):
        """Return a request that is as it should be, but may want what is not there."""
        rng = self.random
        command = rng.choice([Command.READ, Command.WRITE, Command.WRITE, 0, 7])
        count = rng.choice([1, 2, 3, 4, 5, 8, LARGEST - 1, LARGEST, rng.randint(1, LARGEST)])
        address = rng.choice([rng.randrange(8), rng.randrange(MEMORY), rng.randrange(MEMORY),
                              MEMORY - count, MEMORY - count + 1, rng.randrange(1 << 32),
                              (1 << 32) - 2])
        data = rng.randbytes(count) if command == Command.WRITE else None
        if data is not None and rng.random() < 0.1:
            command = write_code(rng.randrange(EPOCHS))
        return request(command, address, count, tag=rng.randrange(256), data=data)

    def damage_request(self):
        """Return a request to which something happened on its way."""
        rng = self.random
        frame = bytearray(self.request())
        place = rng.randrange(len(frame))
        match rng.randrange(4):
            case 0:
                frame[place] ^= 1 << rng.randrange(8)
            case 1:
                del frame[place]
            case 2:
                del frame[place:]
            case _:
                frame.insert(place, rng.randrange(256))
        return bytes(frame)

    def garbage(self):
        """Return what is no request, and looks like one more or less."""
        rng = self.random
        return rng.choice([
            rng.randbytes(rng.randrange(40)),
            bytes([REQUEST_SYNC]) * rng.randrange(30),
            bytes(rng.choice([0, 1, 2, REQUEST_SYNC]) for _ in range(rng.randrange(40))),
            self.request()[:8],
        ])

    def bytes(self, size, *, damage=0.3):
        """Return at least so many bytes, at the end of which a host listens."""
        rng = self.random
        parts, count = [], 0
        while count < size:
            kind = self.request
            if rng.random() < damage:
                kind = rng.choice([self.damage_request, self.garbage])
            parts.append(kind())
            if rng.random() < damage / 2:
                parts.append(FLUSH)
            count += len(parts[-1])
        return b"".join([*parts, FLUSH])
