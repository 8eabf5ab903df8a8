import random

import pytest

from hwgen.arch.frames import (
    FLUSH,
    HEADER_SIZE,
    LARGEST,
    REPLY_SYNC,
    REQUEST_SYNC,
    Command,
    Head,
    Status,
    encode,
)
from hwgen.golden.links.host import Host
from hwgen.runtime.protocol import Reply, ReplyDecoder


def replies(count, seed=0):
    """Return replies, and their frames."""
    rng = random.Random(seed)
    found = []
    for tag in range(count):
        status = rng.choice([Status.DATA, Status.DATA, Status.DONE, Status.REFUSED])
        size = rng.choice([1, 4, 13, LARGEST])
        head = Head(REPLY_SYNC, status, tag % 256, size, rng.randrange(1 << 32))
        found.append(Reply(head, rng.randbytes(size) if status == Status.DATA else b""))
    return found, [encode(r.head, r.data or None) for r in found]


@pytest.mark.parametrize("size", [1, 7, 12, 300, 100_000])
def test_decoder_any_cut(size):
    expected, frames = replies(60)
    data = b"".join(frames)
    decoder, found = ReplyDecoder(), []
    for start in range(0, len(data), size):
        found += decoder.feed(data[start:start + size])
    assert found == expected


def test_decoder_skips_garbage():
    expected, frames = replies(40)
    rng = random.Random(1)
    garbage = [rng.randbytes(20), bytes([REPLY_SYNC]) * 15, frames[0][:11], b"", FLUSH]
    data = b"".join(rng.choice(garbage) + frame for frame in frames)
    assert list(ReplyDecoder().feed(data)) == expected


def test_decoder_drops_damaged_data():
    """What is behind them is found nevertheless."""
    expected, frames = replies(3, seed=5)
    head = Head(REPLY_SYNC, Status.DATA, 9, 200, 0)
    cut = encode(head, bytes(200))[:50]
    decoder = ReplyDecoder()
    found = list(decoder.feed(cut + b"".join(frames)))
    found += decoder.feed(bytes(300))
    assert found == expected


def test_decoder_missing():
    """As many bytes as it says are never too many."""
    expected, frames = replies(30)
    data = b"".join(frames)
    decoder, found, place, calls = ReplyDecoder(), [], 0, 0
    while place < len(data):
        size = decoder.missing
        found += decoder.feed(data[place:place + size])
        place, calls = place + size, calls + 1
    assert found == expected
    assert calls <= 2 * len(frames) and place == len(data)


def test_head():
    head = Head(REQUEST_SYNC, Command.WRITE, 7, LARGEST, 0x01020304)
    assert Head.unpack(head.pack()) == head
    assert head.pack() == bytes.fromhex("a5 02 07 ff 04 03 02 01")


def test_data_wrong():
    with pytest.raises(ValueError, match="A head that says 4 bytes cannot have 3"):
        encode(Head(REQUEST_SYNC, Command.WRITE, 0, 4, 0), b"abc")


def test_flush_is_just_long_enough():
    """After a header's first byte and fewer idle bytes, some header takes what comes."""
    write = encode(Head(REQUEST_SYNC, Command.WRITE, 0, LARGEST, 0), bytes(LARGEST))
    read = encode(Head(REQUEST_SYNC, Command.READ, 0, 4, 0))
    waiting = write[:HEADER_SIZE]
    needed = len(FLUSH) - (HEADER_SIZE - 1)
    assert len(Host(lambda access: 0).receive(waiting + FLUSH[:needed] + read)) == 12 + 20
    assert len(Host(lambda access: 0).receive(waiting + FLUSH[:needed - 1] + read)) == 12
