"""What a host sees of a whole accelerator that runs nothing: registers, memories, frames, turns."""

from os.path import commonprefix

import numpy as np

from hwgen.arch.frames import EPOCHS
from hwgen.arch.registers import FACTS, Access, Register, Space
from hwgen.runtime.client import NoMemory, Stale

from .hosts import TIMEOUT
from .idle_traffic import IdleTraffic

__all__ = ["check_reset", "frames", "is_refused", "memories", "refusals", "registers", "turns"]

FRAMES = 40
"""That are sent before their replies are looked at."""


def check_reset(bench):
    """Check what every register reads behind a reset, and return it."""
    values = {}
    for register in Register:
        facts = FACTS[register]
        values[register] = bench.design.fingerprint if facts.reset is None else facts.reset
        assert bench.board.read_register(register) == values[register], register.name
    return values


def registers(bench):
    """Every register: what it reads behind a reset, and what of it can be written."""
    board, values = bench.board, check_reset(bench)
    board.write_register(Register.FIRST, 0)  # by which a turn begins, where there are turns
    for register in (Register.CONTROL, Register.STATUS):
        values[register] = board.read_register(register)
    patterns = [0xFFFFFFFF, 0, 0xFF00FF00, 0xCCCC3333, 0x5A5A5A5A,
                int(bench.rng.integers(1 << 32))]
    for register in Register:
        if FACTS[register].access is Access.WRITE:
            continue
        for value in patterns[-bench.part(len(patterns), 2):]:
            board.write_register(register, value)
            if FACTS[register].access is Access.BOTH:
                values[register] = value & (1 << FACTS[register].bits) - 1
            assert board.read_register(register) == values[register], register.name
    board.write_register(Register.CONTROL, 0xFFFFFFF0)  # no bit of which means anything
    for register, value in values.items():
        assert board.read_register(register) == value, register.name


def memories(bench):
    """Every byte of every memory, in pieces of any size, at any address."""
    board, rng = bench.board, bench.rng
    for _ in range(2 if bench.share == 1 else 1):
        words = rng.integers(0, 256, (bench.sizes[Space.PROGRAM] // bench.stride, bench.stride),
                             np.uint8)
        activations = rng.integers(0, 256, bench.sizes[Space.ACTIVATIONS], np.uint8).tobytes()
        board.load_program(words.tobytes())
        words[:, bench.design.columns:] = 0  # there is nothing behind a word
        for at, end in pieces(bench, len(activations)):
            board.write_activations(at, activations[at:end])
        for at, end in pieces(bench, words.size):
            assert board.read_memory(Space.PROGRAM, at, end - at) == words.tobytes()[at:end]
        for at, end in pieces(bench, len(activations)):
            assert board.read_activations(at, end - at) == activations[at:end]


def pieces(bench, size):
    """Return the ends of pieces of so many bytes, in any order."""
    cuts = sorted({0, size, *bench.rng.integers(0, size + 1, 12).tolist()})
    found = list(zip(cuts, cuts[1:], strict=False))
    return [found[index] for index in bench.rng.permutation(len(found))]


def refusals(bench):
    """What is behind the end of a memory, whatever bit of its address says so, and parts."""
    read, write = bench.board.read_memory, bench.board.write_memory
    for space, size in bench.sizes.items():
        outside = [at for at in (size, *(1 << bit for bit in range(2, 24))) if at >= size]
        if space == Space.SPARSE:  # of which there is anything
            outside = []
        assert size == 0 or not is_refused(read, space, size - 4, 4), space.name
        assert not outside or is_refused(read, space, outside[0], 4), space.name
        for at in outside[:bench.part(len(outside), 1)]:
            assert is_refused(write, space, at, bytes(4)), (space.name, at)
        if space != Space.ACTIVATIONS and size:
            for at, count in ((0, 1), (0, 2), (0, 3), (1, 3), (2, 2), (3, 1)):
                assert is_refused(write, space, at, bytes(count)), space.name
    assert is_refused(write, Space.COUNTERS, 0, bytes(4))


def is_refused(access, *arguments):
    """Return whether an access meets no memory."""
    try:
        access(*arguments)
    except NoMemory:
        return True
    return False


def frames(bench, count):
    """Any frames at all, while nothing runs: golden replies, to the byte."""
    traffic = IdleTraffic(int(bench.rng.integers(1 << 32)))
    link, golden = bench.board.link, traffic.port
    for space, offset, data in ((Space.ACTIVATIONS, 0, bytes(bench.sizes[Space.ACTIVATIONS])),
                                (Space.PROGRAM, 0, bytes(bench.sizes[Space.PROGRAM]))):
        bench.board.write_memory(space, offset, data)
    state = bench.board.state()
    golden.epoch = traffic.golden.epoch = state.epoch
    golden.owner = state.owner
    golden.counters = bench.board.counters(bench.design.steps)
    batches = [traffic.longest(), *(traffic.make_batch(FRAMES) for _ in range(-(-count // FRAMES)))]
    for sent, replies in batches:
        link.write(sent)
        come = link.read(len(replies) + 1, TIMEOUT)
        assert come == replies, f"{len(commonprefix([come, replies]))} of {len(replies)} bytes"


def turns(bench):
    """Each host that begins its turn ends that of others; writes of theirs are not done."""
    board = bench.board
    for _ in range(bench.part(EPOCHS + 3, 3)):
        board.claim()
        state = board.state()
        wrong = int(bench.rng.choice(EPOCHS)), state.epoch ^ 1 << int(bench.rng.integers(6))
        for epoch in wrong:
            try:
                board.client.write(Register.FIRST, epoch.to_bytes(4, "little"), epoch=epoch)
                assert epoch == state.epoch
            except Stale:
                assert epoch != state.epoch
        board.confirm()
