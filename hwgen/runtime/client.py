"""Read and write memory at the other end of a link, whatever happens on the way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import UserError
from ..frames import (
    CRC_SIZE,
    FLUSH,
    HEADER_SIZE,
    LARGEST,
    REQUEST_SYNC,
    Command,
    Head,
    Status,
    encode,
)
from .link import Link
from .protocol import Decoder, Reply

__all__ = ["Client", "NoMemory", "Silence"]

TIMEOUT = 20_000
"""Cycles without a byte after which a reply is lost: some microseconds are enough on chip."""

ATTEMPTS = 4
BATCH = 64
"""Requests under way at most: a quarter of the tags, so that no late reply passes for another."""

BABBLE = 1 << 16
"""Bytes beyond the replies after which a board that sends without end is no longer listened to."""


class Silence(UserError):
    """Nobody answers."""


class NoMemory(UserError):
    """There is no memory where it was asked for."""


@dataclass(frozen=True)
class Request:
    """A part of what is read or written that fits one frame; ``data`` is None to read."""

    address: int
    count: int
    data: bytes | None = None


class Client:
    """Memory at the other end of a link.

    A request that gets no answer, or a damaged one, is sent again, after as many idle bytes as make
    the other end listen for sure. That is safe because the same bytes are written.

    Parameters
    ----------
    link : Link
        The way there.
    timeout, attempts : int
        Cycles without a byte after which a reply is lost, and how often a request is sent.

    Members
    -------
    retries : int
        How often requests had to be sent again.
    """

    def __init__(self, link: Link, *, timeout: int = TIMEOUT, attempts: int = ATTEMPTS) -> None:
        self.link = link
        self.timeout = timeout
        self.attempts = attempts
        self.retries = 0
        self._tag = 0
        self._decoder = Decoder()
        self._in_step = False  # nobody knows what was sent before

    def read(self, address: int, count: int) -> bytes:
        """Return ``count`` bytes from ``address`` on."""
        requests = [Request(at, size) for at, size in pieces(address, count)]
        return b"".join(reply.data for reply in self._serve(requests))

    def write(self, address: int, data: bytes) -> None:
        """Write bytes from ``address`` on."""
        self._serve([Request(at, size, data[at - address:at - address + size])
                     for at, size in pieces(address, len(data))])

    def _serve(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the replies to the requests, in their order."""
        replies: dict[int, Reply] = {}
        failures = 0
        while len(replies) < len(requests):
            batch = self._batch(requests, [n for n in range(len(requests)) if n not in replies])
            found = self._exchange([requests[number] for number in batch])
            replies |= {batch[place]: reply for place, reply in found.items()}
            self._in_step = len(found) == len(batch)
            failures = failures + 1 if not found else 0
            self.retries += not self._in_step
            if failures == self.attempts:
                raise Silence(f"{self.link.name} does not answer (it was asked {failures} times); "
                              "is it powered, connected, and loaded with an accelerator of hwgen?")
        return [replies[number] for number in range(len(requests))]

    def _batch(self, requests: Sequence[Request], waiting: list[int]) -> list[int]:
        """Return the first few that wait: one, and what fits behind it at the other end."""
        batch = waiting[:1]
        ahead = self.link.ahead
        for number in waiting[1:BATCH]:
            ahead -= size_of(requests[number])
            if ahead < 0:
                break
            batch.append(number)
        return batch

    def _exchange(self, batch: Sequence[Request]) -> dict[int, Reply]:
        """Send requests, and return those replies that come, by their place in the batch."""
        if not self._in_step:
            self.link.write(FLUSH)
            self._decoder.clear()
        self._in_step = False  # until all have come, even if this is left in between
        waiting: dict[tuple[int, int, int], int] = {}
        expected = 0
        for place, request in enumerate(batch):
            self._tag = (self._tag + 1) % 256
            command = Command.READ if request.data is None else Command.WRITE
            head = Head(REQUEST_SYNC, command, self._tag, request.count, request.address)
            waiting[head.tag, head.count, head.address] = place
            self.link.write(encode(head, request.data))
            expected += HEADER_SIZE + (request.count + CRC_SIZE if request.data is None else 0)

        replies: dict[int, Reply] = {}
        while waiting:
            wanted = max(expected, self._decoder.missing)
            data = self.link.read(wanted, self.timeout)
            expected -= len(data)
            for reply in self._decoder.feed(data):
                head = reply.head
                found = waiting.pop((head.tag, head.count, head.address), None)
                if found is not None and self._good(batch[found], reply):
                    replies[found] = reply
            if len(data) < wanted or expected < -BABBLE:
                break
        return replies

    def _good(self, request: Request, reply: Reply) -> bool:
        """Return whether a reply ends a request; raise if no reply ever will."""
        if reply.head.code == Status.REFUSED:
            raise NoMemory(f"{self.link.name} has no memory for {request.count} bytes at "
                           f"0x{request.address:08x}")
        return reply.head.code == (Status.DATA if request.data is None else Status.DONE)


def pieces(address: int, count: int) -> Iterator[tuple[int, int]]:
    """Cut a range into what fits a frame; all but the first begin at a word."""
    end = address + count
    while address < end:
        size = min(LARGEST - address % 4, end - address)
        yield address, size
        address += size


def size_of(request: Request) -> int:
    """Return the size of a request's frame."""
    return HEADER_SIZE + (len(request.data) + CRC_SIZE if request.data is not None else 0)
