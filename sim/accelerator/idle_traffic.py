"""Any frames for a whole accelerator that runs nothing, and what a golden one makes of them."""

from hwgen.arch.frames import EPOCHS, FLUSH, LARGEST, Command, write_code
from hwgen.arch.registers import GO, SPACE_SHIFT, Register, Space
from hwgen.golden.links.host import Host

from ..links.traffic import Traffic, request
from ..tops.window_top import idle, window

__all__ = ["IdleTraffic"]


class IdleTraffic(Traffic):
    """Frames of all kinds, to all that there is and to what is not, none of which starts a run.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed):
        super().__init__(seed)
        self.port = idle()
        self.golden = Host(self.access)
        self.sizes = dict(zip(Space, window().sizes, strict=False))

    def access(self, access):
        """Do an access, which may begin another epoch."""
        word = self.port(access)
        self.golden.epoch = self.port.epoch
        return word

    def request(self):
        """Return a request that is as it should be, but may want what is not there."""
        rng = self.random
        space = rng.choice([*self.sizes, rng.choice([5, 6, 8, 0x10, 0x80, 0xFF])])
        end = self.sizes.get(space, 64)
        count = rng.choice([1, 2, 3, 4, 4, 8, 12, LARGEST - rng.randrange(4),
                            rng.randint(1, LARGEST)])
        offset = rng.choice([rng.randrange(end + 5), 4 * rng.randrange(end // 4 + 1), 4, 4,
                             max(end - count, 0), 1 << rng.randrange(SPACE_SHIFT)])
        address = space << SPACE_SHIFT | offset
        if rng.random() < 0.5:
            return request(Command.READ, address, count, tag=rng.randrange(256))
        data = bytearray(rng.randbytes(count))
        control = Register.CONTROL - address  # where its lowest byte is
        if 0 <= control < count:
            data[control] &= ~GO
        stale = rng.randrange(EPOCHS) if rng.random() < 0.1 else self.golden.epoch
        code = write_code(stale) if rng.random() < 0.95 else rng.choice([0, 7, 3, 0x81])
        return request(code, address, count, tag=rng.randrange(256),
                       data=data if code % 4 == Command.WRITE else None)

    def longest(self):
        """Return frames of as many bytes as there may be, from any byte of a word on, and replies.

        Then the last word shares a row of the buffer with the first one.
        """
        first, code = Space.PROGRAM << SPACE_SHIFT, write_code(self.golden.epoch)
        sent = [request(code, address, LARGEST, data=self.random.randbytes(LARGEST))
                for address in (first, first + LARGEST)]
        for count in range(LARGEST - 3, LARGEST + 1):
            for offset in range(1, 4):
                sent += [request(Command.READ, first + offset, count, tag=offset),
                         request(code, (Space.ACTIVATIONS << SPACE_SHIFT) + offset, count,
                                 tag=offset, data=self.random.randbytes(count))]
        return b"".join(sent), b"".join(self.golden.receive(frame) for frame in sent)

    def make_batch(self, count):
        """Return so many frames or more, and the replies to them."""
        sent, replies = [], []
        for _ in range(count):
            kind = self.random.choice([self.request] * 4 + [self.damage_request, self.garbage])
            sent.append(kind() + FLUSH * (kind != self.request))
            replies.append(self.golden.receive(sent[-1]))
        return b"".join(sent), b"".join(replies)
