"""Readers of bytes from a board: replies, and what a broken or hostile board says in them."""

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from hwgen.arch.frames import EPOCHS, REPLY_SYNC, Head, Status, encode
from hwgen.arch.registers import EPOCH_SHIFT, GO, IDENTITY, OWNER_SHIFT, TURN, Register
from hwgen.compiler import compile_network
from hwgen.compiler.program import Program
from hwgen.golden.links.host import Host
from hwgen.network.graph import Network
from hwgen.network.reader import read_network
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.inference import board_at, holds, load, run
from hwgen.runtime.link import Link
from hwgen.runtime.protocol import ReplyDecoder

from .damage import EXTREMES, anything
from .designs import network
from .networks import DESIGN
from .reader import Reader

__all__ = ["READERS"]

BABBLES = 99
"""In a script: a board that says nothing else, and that without end."""


def replies() -> Mapping[str, bytes]:
    """Return good replies, one after the other."""
    rng = np.random.default_rng(0)
    found = b""
    for tag in range(20):
        data = rng.bytes(int(rng.integers(1, 257)))
        status = (Status.DATA, Status.DONE, Status.REFUSED)[tag % 3]
        found += encode(Head(REPLY_SYNC, status, tag, len(data), 4 * tag),
                        data if status == Status.DATA else None)
    return {"replies.bin": found}


def decode(path: Path) -> None:
    """Find the replies among some bytes, cut anyhow."""
    data, decoder = path.read_bytes(), ReplyDecoder()
    rng = np.random.default_rng(len(data))
    while data:
        size = int(rng.integers(1, 300))
        for reply in decoder.feed(data[:size]):
            assert len(reply.data) == (reply.head.count if reply.head.code == Status.DATA else 0)
        assert decoder.missing > 0 and len(decoder.buffer) < 600
        data = data[size:]


def requests() -> Mapping[str, bytes]:
    """Return good requests."""
    rng = np.random.default_rng(1)
    found = b""
    for tag in range(20):
        data = rng.bytes(int(rng.integers(1, 257)))
        found += encode(Head(0xA5, 1 + tag % 2, tag, len(data), int(rng.integers(1 << 16))),
                        data if tag % 2 else None)
    return {"requests.bin": found, "embedded.bin": flash_image()}


@cache
def flash_image() -> bytes:
    """Return the frames that a flash memory holds for a board."""
    from hwgen.build.embedded import frames_of

    return frames_of(program()[1])


def serve(path: Path) -> None:
    """Be the golden host for some bytes."""
    memory = bytearray(1 << 16)

    def bus(access: object) -> int | None:
        address = getattr(access, "address", 0)
        return None if address + 4 > len(memory) else int.from_bytes(
            memory[address:address + 4], "little")

    Host(bus).receive(path.read_bytes())


@cache
def program() -> tuple[Network, Program]:
    """Return a network and its Program."""
    net = read_network(network())
    return net, compile_network(net, DESIGN)


class Hostile(Link):
    """A board that answers as it likes: a script says what it does with each request.

    Each word of the script is of one request: how the reply is damaged, and what it says.
    """

    name = "the hostile board"
    ahead = 600

    def __init__(self, script: bytes) -> None:
        self.script = [struct.unpack("<BBHI", script[at:at + 8])
                       for at in range(0, len(script) - 7, 8)] or [(0, 0, 0, 0)]
        self.at = 0
        self.replies = bytearray()
        self.host = Host(lambda access: self.word(access.address, access.write, access.data))
        self.memory: dict[int, int] = {}
        self.owner = 0

    def word(self, address: int, write: bool, data: int) -> int | None:
        """Return what a word of memory is said to be."""
        kind, _, _, value = self.script[self.at % len(self.script)]
        self.at += 1
        if kind < 16:
            return value
        if kind < 20:
            return None
        if write:
            self.memory[address] = data
            if address == Register.CONTROL:
                self.control(data)
        if address == Register.STATUS and kind < 60:
            return value
        registers = {Register.IDENTITY: IDENTITY, Register.FINGERPRINT: DESIGN.fingerprint,
                     Register.CONTROL: self.owner << OWNER_SHIFT,
                     Register.STATUS: self.host.epoch << EPOCH_SHIFT}
        return registers.get(address, self.memory.get(address, 0))

    def control(self, data: int) -> None:
        """Begin a turn, or a run that is over at once."""
        if data & TURN:
            self.owner = data >> OWNER_SHIFT
        if data & (TURN | GO):
            self.host.epoch = (self.host.epoch + 1) % EPOCHS

    def write(self, data: bytes) -> None:
        found = self.host.receive(data)
        kind, how, size, value = self.script[self.at % len(self.script)]
        if kind > 240:
            found = found[:how] + struct.pack("<I", value) + found[how + size % 7:]
        elif kind > 235:
            found = bytes(size % 5000)
        elif kind > 230:
            found = found * (how % 9)
        elif kind == BABBLES:
            found = b""
        self.replies += found

    def read(self, count: int, timeout: int) -> bytes:
        if self.script[self.at % len(self.script)][0] == BABBLES:
            self.replies += bytes([0x5A]) * count
        data = bytes(self.replies[:count])
        del self.replies[:count]
        return data

    def wait(self, cycles: int) -> None:
        self.at += 1

    def close(self) -> None:
        pass


def scripts() -> Mapping[str, bytes]:
    """Return scripts of boards: one that does what it should, and others."""
    rng = np.random.default_rng(2)
    good = struct.pack("<BBHI", 100, 0, 0, 0)
    mixed = b"".join(good if rng.random() < 0.9 else struct.pack(
        "<BBHI", int(rng.integers(256)), int(rng.integers(256)), int(rng.integers(1 << 16)),
        EXTREMES[int(rng.integers(len(EXTREMES)))] % (1 << 32)) for _ in range(64))
    return {"good.script": good * 4, "mixed.script": mixed}


def infer(path: Path) -> None:
    """Run an inference on a board that a file describes."""
    net, compiled = program()
    link = Hostile(path.read_bytes())
    board = board_at(link, DESIGN)
    board.client.timeout, board.client.attempts = 10, 2
    if not holds(board, compiled):
        load(board, compiled)
    x = {name: np.zeros(net.tensors[name].shape, np.int8) for name in net.inputs}
    run(board, compiled, net, x, check=True)
    RemoteAccelerator(link).counters(4)


def script(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a script, or write one by lot."""
    if rng.random() < 0.3:
        return rng.bytes(8 * int(rng.integers(1, 64)))
    return anything(rng, data, others)


READERS = (
    Reader(name="replies", what="replies of a board, as bytes", seeds=replies, damage=anything,
           read=decode, names_file=False),
    Reader(name="requests", what="requests, and what a flash memory has for a board (golden model)",
           seeds=requests, damage=anything, read=serve, names_file=False),
    Reader(name="board-answers", what="a board whose answers make no sense", seeds=scripts,
           damage=script, read=infer, names_file=False),
)
