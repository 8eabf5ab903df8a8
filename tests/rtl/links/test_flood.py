# amaranth: UnusedElaboratable=no
"""Whatever a host sends, in any order: no accelerator hangs for good, none writes elsewhere."""

import struct
from zlib import crc32

import numpy as np
import pytest

from hwgen.arch.address_map import BusWindow
from hwgen.arch.design import Design
from hwgen.arch.frames import (
    EPOCHS,
    FLUSH,
    HEADER_SIZE,
    REPLY_SYNC,
    REQUEST_SYNC,
    Command,
    Head,
    Status,
    encode,
    write_code,
)
from hwgen.arch.registers import GO, MAPPED, TURN, Register, Space
from hwgen.compiler import compile_network
from hwgen.golden.links.host import Host
from hwgen.network import graph
from hwgen.runtime.inference import load, run, simulated_board

from ...cases import quick
from ...compiler_bench import Builder, inputs_of
from ..accelerator.accelerator_faults import mutate

BATCH = 2000
QUIET = 5
"""Of so many batches, one starts nothing: then every byte of the replies is known."""

DESIGNS = {
    "fast": Design(rows=5, columns=4, lines=2, lanes=2, activation_memory=2056,
                   program_memory=4100, partial_sums=64, line_pixels=16),
    "compact": Design(rows=4, columns=4, lines=1, lanes=1, compact=True, activation_memory=2056,
                      program_memory=4100, partial_sums=64),
}


def sizes_of(design):
    """Return the bytes of each space."""
    return dict(zip(MAPPED, BusWindow.of(design).sizes, strict=True))


def network():
    build = Builder(1, 8, 8, 4)
    build.convolution(5, graph.Window((3, 3)))
    return build.network()


class Flood:
    """Frames of every kind, at random.

    Parameters
    ----------
    seed : int
    design : Design
    program : Program
        What is damaged, for steps that begin well.
    """

    def __init__(self, seed, design, program):
        self.rng = np.random.default_rng(seed)
        self.sizes = sizes_of(design)
        self.design = design
        self.image = program.image
        self.steps = len(program.steps)
        self.tag = 0
        self.epoch = 0  # in which what comes next will be, if nothing goes wrong

    def request(self, command, address, count, data=None):
        if command == Command.WRITE:
            other = self.rng.random() < 0.05
            command = write_code(int(self.rng.integers(EPOCHS)) if other else self.epoch)
        self.tag = (self.tag + 1) % 256
        head = Head(REQUEST_SYNC, command, self.tag, count, address)
        return encode(head, data)

    def place(self):
        """Return an address: often in a memory, often at its end, sometimes anywhere."""
        integers = self.rng.integers
        if self.rng.random() < 0.1:
            return int(integers(1 << 32))
        space = [Space.ACTIVATIONS, Space.PROGRAM, Space.COUNTERS][int(integers(3))]
        size = self.sizes[space]
        offset = int(integers(size)) if integers(2) else int(size + integers(-40, 40))
        return (space << 24 | max(offset, 0)) % (1 << 32)

    def register(self, register, value):
        return self.request(Command.WRITE, register, 4, int(value).to_bytes(4, "little"))

    def control(self, value):
        """Write CONTROL; whether a run begins is not known, but in which epoch it ends is."""
        frames = [self.register(Register.CONTROL, value)]
        if value & GO:
            for _ in range(2):  # one of them begins a turn where a run did begin, else both do
                frames.append(self.register(Register.CONTROL, TURN))
                self.epoch += 1
        return b"".join(frames)

    def frame(self, *, starts):
        """Return a frame, or what is none."""
        kind, integers = self.rng.random(), self.rng.integers
        count = int(integers(1, 257)) if kind < 0.02 else int(integers(1, 17))
        if kind < 0.35:
            return self.request(Command.WRITE, self.place(), count, self.rng.bytes(count))
        if kind < 0.6:
            return self.request(Command.READ, self.place(), count)
        if kind < 0.7:
            return self.register(int(self.rng.choice([Register.FIRST, Register.COUNT,
                                                      Register.WATCHDOG, Register.IDENTITY])),
                                 integers(1 << int(integers(1, 33))))
        if kind < 0.75:
            command = int(integers(256))
            writes = command % 4 == Command.WRITE
            return self.request(command, self.place(), count,
                                self.rng.bytes(count) if writes or kind > 0.72 else None)
        if kind < 0.8:
            damaged = bytearray(self.frame(starts=False))
            damaged[int(integers(len(damaged)))] ^= 1 << int(integers(8))
            return bytes(damaged)
        if kind < 0.85:
            return self.rng.bytes(count)
        if not starts:
            return self.request(Command.READ, self.place(), count)
        if kind < 0.9:
            image, first, number = mutate(self.rng, self.image, self.steps, self.design)
            image = image[:256]
            return (self.register(Register.FIRST, first) + self.register(Register.COUNT, number)
                    + self.request(Command.WRITE, Space.PROGRAM << 24, len(image), image)
                    + self.control(GO))
        return self.control(int(integers(8)))


def model(board, design):
    """Return a golden host whose memories have what the accelerator's have."""
    sizes = sizes_of(design)
    memories = {space: bytearray(board.read_memory(space, 0, size))
                for space, size in sizes.items()}
    written = {Register.FIRST: 0xffff, Register.COUNT: 0xffff, Register.WATCHDOG: 0xffffffff}

    def bus(access):
        space, offset = access.address >> 24, access.address & 0xffffff
        if offset >= sizes.get(space, 0):
            return None
        memory, place = memories[Space(space)], slice(offset, offset + 4)
        if not access.write:
            return int.from_bytes(memory[place], "little")
        if space == Space.COUNTERS or (space != Space.ACTIVATIONS and access.mask != 0b1111):
            return None
        if space == Space.REGISTERS and offset in written:
            memory[place] = (access.data & written[Register(offset)]).to_bytes(4, "little")
        if space in (Space.ACTIVATIONS, Space.PROGRAM):
            for lane in range(4):
                if access.mask >> lane & 1:
                    memory[offset + lane] = access.data >> 8 * lane & 0xff
        return 0

    return Host(bus, board.state().epoch), memories


def replies(data):
    """Yield the heads of replies, one behind the other."""
    at = 0
    while at < len(data):
        sync, status, _, count, address, check = struct.unpack_from("<BBBBII", data, at)
        assert sync == REPLY_SYNC and check == crc32(data[at:at + 8])
        yield status, count + 1, address
        at += HEADER_SIZE + (count + 5 if status == Status.DATA else 0)
    assert at == len(data)


def flood(design, frames, seed):
    net = network()
    program = compile_network(net, design)
    board = simulated_board(design)
    link = board.link
    with link:
        stream = Flood(seed, design, program)
        seen = {}
        for batch in range(frames // BATCH):
            quiet = batch % QUIET == 0
            stream.epoch = board.state().epoch
            sent = b"".join(stream.frame(starts=not quiet) for _ in range(BATCH)) + FLUSH
            if quiet:
                golden, memories = model(board, design)
            link.write(sent)
            got = link.read(1 << 24, 2000)
            if quiet:
                assert got == golden.receive(sent), f"batch {batch}"
                for space, memory in memories.items():
                    assert board.read_memory(space, 0, len(memory)) == memory, (batch, space)
            for status, count, address in replies(got):
                seen[status] = seen.get(status, 0) + 1
                space, offset = address >> 24, address & 0xffffff
                if status in (Status.DONE, Status.DATA):
                    assert offset + count <= stream.sizes[Space(space)], (batch, address, count)
            board.claim()  # what runs may have all the time that there is
            assert not board.state().busy, f"batch {batch}"
            if batch % 20 == 0:
                load(board, program)
                result = run(board, program, net, inputs_of(net, batch), check=True)
                assert result.equal and result.cycles == result.predicted_cycles
        load(board, program)
        result = run(board, program, net, inputs_of(net, seed), check=True)
        assert result.equal and result.cycles == result.predicted_cycles
    assert set(seen) == set(Status)


@pytest.mark.parametrize("kind", quick(DESIGNS, "fast"))
def test_frames(kind):
    flood(DESIGNS[kind], 8_000, 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", DESIGNS)
def test_a_million_frames(kind):
    flood(DESIGNS[kind], 1_000_000, 2)
