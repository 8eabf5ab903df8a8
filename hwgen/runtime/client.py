"""Read and write memory at the other end of a link, whatever happens on the way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from ..arch import frames
from ..errors import UserError
from .link import Link
from .protocol import Reply, ReplyDecoder

__all__ = ["Client", "NoMemory", "Silence", "Stale", "pieces"]

TIMEOUT = 20_000
"""Cycles without a byte after which a reply is lost: some microseconds are enough on chip."""

ATTEMPTS = 16
"""How often a request is sent: with one wrong bit in a thousand, about half of them arrive."""

BATCH = 64
"""Requests under way at most: a quarter of the tags, so that no late reply passes for another."""

SMALLEST = 32
"""Bytes that a frame carries at least, where there are as many: with still fewer, its header and
its reply, whose sizes do not shrink, are what noise hits."""

CALM = 16
"""Exchanges without a failure after which frames grow again."""

BABBLE = 1 << 16
"""Bytes beyond the replies after which a board that sends without end is no longer listened to."""


class Silence(UserError):
    """Nobody answers."""


class NoMemory(UserError):
    """There is no memory where it was asked for."""


class Stale(RuntimeError):
    """A write was of another epoch than the present one, and was not done.

    Or it was done and began another epoch, the reply was lost, and this answers its repetition.
    """


@dataclass(frozen=True)
class ClientRequest:
    """A part of what is read or written that fits one frame; ``data`` is None to read."""

    address: int
    count: int
    data: bytes | None = None
    epoch: int = 0

    @property
    def code(self) -> int:
        """What it asks for."""
        return frames.Command.READ if self.data is None else frames.write_code(self.epoch)

    @property
    def size(self) -> int:
        """Bytes of its frame."""
        return frames.HEADER_SIZE + (0 if self.data is None else self.count + frames.CRC_SIZE)

    @property
    def reply_size(self) -> int:
        """Bytes of the reply, if it is done."""
        return frames.HEADER_SIZE + (self.count + frames.CRC_SIZE if self.data is None else 0)

    def split(self, size: int) -> tuple["ClientRequest", "ClientRequest | None"]:
        """Return its first bytes, as many as a frame of ``size`` may carry, and the rest."""
        _, size = next(pieces(self.address, self.count, size))
        if size == self.count:
            return self, None
        data = (None, None) if self.data is None else (self.data[:size], self.data[size:])
        return (ClientRequest(self.address, size, data[0], self.epoch),
                ClientRequest(self.address + size, self.count - size, data[1], self.epoch))


class Client:
    """Memory at the other end of a link.

    A request that gets no answer, or a damaged one, is sent again, after as many idle bytes as make
    the other end listen for sure. That is safe: to read changes nothing, and a write is done as
    often as it comes in its epoch, with the same bytes, and never in another one. Where much is
    lost, frames carry less.

    Parameters
    ----------
    link : Link
        The way there.
    timeout, attempts : int
        Cycles without a byte after which a reply is lost, and how often a request is sent.
    tag : int, optional
        Of the first request, less one; it is drawn where nothing is said.

    Members
    -------
    retries : int
        How often requests had to be sent again.
    """

    def __init__(self, link: Link, *, timeout: int = TIMEOUT, attempts: int = ATTEMPTS,
                 tag: int | None = None) -> None:
        self.link = link
        self.timeout = timeout
        self.attempts = attempts
        self.retries = 0
        # Replies to a host that was here before may still be under way.
        self._tag = Random().randrange(256) if tag is None else tag
        self._decoder = ReplyDecoder()
        self._in_step = False  # nobody knows what was sent before,
        # and how many data the other end may wait for
        self._awaited = frames.LARGEST + frames.CRC_SIZE
        self._largest = frames.LARGEST  # bytes that a frame carries
        self._calm = 0

    def read(self, address: int, count: int) -> bytes:
        """Return ``count`` bytes from ``address`` on."""
        return self._serve(ClientRequest(address, count))

    def write(self, address: int, data: bytes, *, epoch: int = 0) -> None:
        """Write bytes from ``address`` on; of another epoch than the present one is Stale."""
        self._serve(ClientRequest(address, len(data), data, epoch))

    def _serve(self, whole: ClientRequest) -> bytes:
        """Return what is read, once all of a request is done, in as many frames as it takes."""
        read = bytearray(whole.count if whole.data is None else 0)
        waiting = [whole] if whole.count else []
        failures = 0
        while waiting:
            batch = self._batch(waiting)
            replies = self._exchange(batch)
            for place, reply in replies.items():
                start = batch[place].address - whole.address
                read[start:start + len(reply.data)] = reply.data
            waiting[:0] = [request for place, request in enumerate(batch) if place not in replies]
            self._in_step = len(replies) == len(batch)
            self._adapt(len(batch) - len(replies))
            failures = failures + 1 if not replies else 0
            if failures == self.attempts:
                raise Silence(f"{self.link.name} does not answer (it was asked {failures} times); "
                              "is it powered, connected, and loaded with an accelerator of hwgen?")
        return bytes(read)

    def _adapt(self, failed: int) -> None:
        """Let frames carry less where some were lost, and more again where none were for long."""
        self.retries += failed > 0
        self._calm = 0 if failed else self._calm + 1
        if failed:
            self._largest = max(self._largest // 2, SMALLEST)
        elif self._calm >= CALM:
            self._largest, self._calm = min(self._largest * 2, frames.LARGEST), 0

    def _batch(self, waiting: list[ClientRequest]) -> list[ClientRequest]:
        """Take the first few that wait: one, and what fits behind it at the other end."""
        batch: list[ClientRequest] = []
        ahead = self.link.ahead
        while waiting and len(batch) < BATCH:
            request, rest = waiting[0].split(self._largest)
            ahead -= request.size if batch else 0
            if ahead < 0:
                break
            batch.append(request)
            waiting[:1] = [rest] if rest else []
        return batch

    def _exchange(self, batch: Sequence[ClientRequest]) -> dict[int, Reply]:
        """Send requests, and return those replies that come, by their place in the batch."""
        if self._in_step:
            self._awaited = 0
        else:
            self.link.write(bytes(frames.HEADER_SIZE - 1 + self._awaited))
            self._decoder.clear()
        self._awaited = max(self._awaited,
                            *(request.size - frames.HEADER_SIZE for request in batch))
        self._in_step = False  # until all have come, even if this is left in between
        waiting: dict[tuple[int, int, int], int] = {}
        for place, request in enumerate(batch):
            self._tag = (self._tag + 1) % 256
            head = frames.Head(frames.REQUEST_SYNC, request.code, self._tag, request.count,
                               request.address)
            waiting[head.tag, head.count, head.address] = place
            self.link.write(frames.encode(head, request.data))

        expected = sum(request.reply_size for request in batch)
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

    def _good(self, request: ClientRequest, reply: Reply) -> bool:
        """Return whether a reply ends a request; raise if no reply ever will."""
        if reply.head.code == frames.Status.REFUSED:
            raise NoMemory(f"{self.link.name} has no memory for {request.count} bytes at "
                           f"0x{request.address:08x}")
        if reply.head.code == frames.Status.STALE:
            raise Stale(f"{self.link.name} is no longer in epoch {request.epoch}")
        done = frames.Status.DATA if request.data is None else frames.Status.DONE
        return reply.head.code == done


def pieces(address: int, count: int, largest: int = frames.LARGEST) -> Iterator[tuple[int, int]]:
    """Cut a range into what frames may carry; all but the first begin at a word."""
    end = address + count
    while address < end:
        size = min(largest - address % 4, end - address)
        yield address, size
        address += size
