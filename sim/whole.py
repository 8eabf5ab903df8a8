"""What a whole accelerator must do, whatever top level is around it.

All of it blocks, as the runtime does, so it is called behind ``cocotb.task.bridge``.
"""

import numpy as np

from hwgen.compiler.sparse_memory import unpacked
from hwgen.cost.cycles import Array
from hwgen.descriptors import START_WORDS, Descriptors
from hwgen.frames import EPOCHS
from hwgen.golden import network as golden
from hwgen.golden.accelerator import Accelerator, Error, Stopped
from hwgen.golden.binary import BinaryAccelerator
from hwgen.registers import FACTS, GO, Access, Register, Space
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.client import NoMemory, Stale
from hwgen.runtime.inference import BUDGET, load, run, stored, whole
from hwgen.runtime.predictions import predictions
from hwgen.steps import Mode

from .any_steps import StepMaker
from .hosts import TIMEOUT
from .idle_traffic import IdleTraffic
from .small_networks import inputs_of, programs
from .wrong_steps import changed, plain, wrong_fields

__all__ = ["Whole"]

SPARED = {"binary": 1}
"""Cycles less than those of a step that a watchdog may have; of others than these engines 3."""

FRAMES = 40
"""That are sent before their replies are looked at."""


def golden_model(design, compressed=()):
    """Return the golden model of an accelerator."""
    kind, fields = Accelerator, {}
    if design.engine == "binary":
        kind, fields = BinaryAccelerator, {"lanes": design.lanes}
    return kind(
        engine=design.engine, rows=design.rows, columns=design.columns, lines=design.lines,
        partial_sums=design.partial_sums, activation_memory=design.activation_memory,
        rounding=design.rounding, sparse_depth=design.sparse_depth,
        program_words=design.program_words if design.decompress else 0,
        weights=unpacked(compressed, design.columns) if compressed else None, **fields)


class Whole:
    """An accelerator, and all that it must do.

    Parameters
    ----------
    board : Accelerator
        As the runtime sees it.
    design : Design
    window : Window
        What there is of each space.
    rng : Generator
    share : float
        How much of what takes long is done, where a byte takes many cycles.
    """

    def __init__(self, board, design, window, rng, share=1.0):
        self.board = board
        self.design = design
        self.sizes = dict(zip(Space, window.sizes, strict=False))
        self.stride = window.stride
        self.rng = rng
        self.share = share

    def networks(self, count):
        """Small networks: every layer's tensor and cycles, and then all of them at one go."""
        found = programs(self.design, self.rng, max(round(count * self.share), 1))
        assert found, "there is no room for any network"
        for network, program in found:
            load(self.board, program)
            result = run(self.board, program, network, inputs_of(network, self.rng), check=True)
            for layer in result.layers:
                assert layer.difference is None, layer
                assert layer.cycles == layer.predicted_cycles, layer
            self.counters(program, result.layers)
            self.one_run(network, program)

    def counters(self, program, layers):
        """Compare what every step took with its prediction, and each layer with its steps."""
        array, count = Array.of(self.design), min(len(program.steps), self.design.steps)
        counters = self.board.counters(count) if count else []
        for step, counted in zip(program.steps, counters, strict=False):
            assert step.mode == Mode.SPARSE or counted == array.cycles(step), step
        for steps, layer in zip(program.layers, layers, strict=True):
            end = steps.first + steps.count
            assert end > count or sum(counters[steps.first:end]) == layer.cycles, layer

    def one_run(self, network, program):
        """Run all steps at once, and compare every byte of the memory, and what NumPy makes."""
        board, inputs = self.board, inputs_of(network, self.rng)
        model = golden_model(self.design, program.compressed)
        model.memory[:] = self.rng.integers(-128, 128, len(model.memory))
        for address, data in program.constants:
            model.memory[address:address + len(data)] = np.frombuffer(data, np.int8)
        for name in program.inputs:
            place = program.tensors[name]
            values = np.asarray(inputs[name]).reshape(place.height, place.width, -1)
            model.memory[place.addresses()] = values[..., list(place.channels)]
        board.write_activations(0, model.memory.tobytes())
        model.run(program.image, len(program.steps))
        cycles = sum(work.cycles for work in predictions(network, program, inputs))
        assert board.run(0, len(program.steps), budget=BUDGET, watchdog=cycles + 100) == cycles
        np.testing.assert_array_equal(self.activations(), model.memory)
        values = golden.run(network, inputs)
        for name in program.outputs:
            np.testing.assert_array_equal(whole(program, name, stored(board, program, name)),
                                          values[name], name)

    def activations(self):
        """Return all bytes of the activation memory."""
        data = self.board.read_activations(0, self.design.activation_memory)
        return np.frombuffer(data, np.int8)

    def steps(self, count):
        """Random steps, a program of some at a time: memory and cycles, golden."""
        maker, array = StepMaker(self.design, self.rng), Array.of(self.design)
        model = golden_model(self.design)
        model.memory[:] = self.rng.integers(-128, 128, len(model.memory))
        self.board.write_activations(0, model.memory.tobytes())
        if self.design.engine != "binary":
            self.hold(model, *maker.filler())
        while count > 0:
            steps, words = maker.program(min(count, 8))
            count -= len(steps)
            cycles = self.hold(model, steps, words)
            expected = [array.cycles(step) for step in steps]
            assert cycles == sum(expected), (cycles, expected)
            some = expected[:self.design.steps]
            assert not some or self.board.counters(len(some)) == some

    def hold(self, model, steps, words):
        """Run steps here and there; compare the memories, and return the cycles."""
        self.write_program(words)
        model.run(self.image(words), len(steps))
        cycles = self.board.run(0, len(steps), budget=BUDGET, watchdog=1 << 16)
        np.testing.assert_array_equal(self.activations(), model.memory, str(steps))
        return cycles

    def image(self, words):
        """Return the bytes of all words of the program memory, of the first ones."""
        return words.tobytes().ljust(self.design.program_words * self.design.columns, b"\0")

    def write_program(self, words, first=0):
        """Write words of the program memory, each at a multiple of a power of two."""
        spread = np.zeros((len(words), self.stride), np.uint8)
        spread[:, :self.design.columns] = words
        self.board.write_memory(Space.PROGRAM, first * self.stride, spread.tobytes())

    def errors(self):
        """Every error, by whatever bit of a descriptor: nothing else changes, and it goes on."""
        maker, model = StepMaker(self.design, self.rng), golden_model(self.design)
        model.memory[:] = self.activations()
        wrong = list(wrong_fields(self.design))
        chosen = self.rng.permutation(len(wrong))[:max(round(len(wrong) * self.share), 5)]
        seen = set()
        for count, index in enumerate(chosen.tolist()):
            if count % 40 == 0:
                steps, words = maker.program(2)
                while steps[0].mode == Mode.SUMS:  # of which nobody knows after some errors
                    steps, words = maker.program(2)
                self.write_program(words)
            at = len(steps) - 1
            seen.add(self.stops(model, words, at, steps[at].program, wrong[index]))
            if count % 40 == 39 or count == len(chosen) - 1:
                np.testing.assert_array_equal(self.activations(), model.memory)
        assert len(chosen) < len(wrong) or seen == set(Error) - {Error.WATCHDOG, Error.STOPPED} - (
            {Error.SUMS} if self.design.engine == "binary" else set())
        self.steps(2)

    def stops(self, model, words, at, program, fields):
        """Run steps up to one that has wrong fields, and return the error."""
        forms = Descriptors.of(self.design)
        where = slice(at * forms.words, (at + 1) * forms.words)
        words[where] = np.frombuffer(forms.write(plain(self.design, program)), np.uint8).reshape(
            -1, self.design.columns)
        changed(self.design, words, at, fields)
        try:
            model.run(self.image(words), at + 1)
            raise AssertionError(f"nothing is wrong with {fields}")
        except Stopped as stopped:
            expected = (stopped.error, stopped.step)
        self.write_program(words[where], where.start)
        assert self.failure(0, at + 1, watchdog=1 << 16) == expected, fields
        # Of its own output, nobody knows how much it wrote.
        first = fields.get("output", len(model.memory) // 2)
        own = model.memory[first:][:self.design.columns * max(fields.get("tiles", 2), 2)]
        own[:] = np.frombuffer(self.board.read_activations(first, len(own)), np.int8)
        return expected[0]

    def failure(self, first, count, *, watchdog):
        """Run steps, and return the error and the step at which they stop, or None."""
        try:
            self.board.run(first, count, budget=BUDGET, watchdog=watchdog)
        except AcceleratorError as error:
            return Error(error.code), error.step
        return None

    def watchdog(self):
        """A step may take its cycles, and some less, but no fewer; whatever bits they have."""
        maker, model = StepMaker(self.design, self.rng), golden_model(self.design)
        model.memory[:] = self.activations()
        while (step := (made := maker.program(1))[0][0]).mode == Mode.SUMS or step.to_sums:
            pass  # which cannot be run again
        cycles = Array.of(self.design).cycles(step)
        least = cycles - SPARED.get(self.design.engine, 3)
        limits = [least - 1, least, cycles, cycles + 1, *(1 << bit for bit in range(32))]
        self.write_program(made[1])
        for limit in limits[:max(round(len(limits) * self.share), 6)]:
            expected = (Error.WATCHDOG, 0) if limit < least else None
            assert self.failure(0, 1, watchdog=limit) == expected, (limit, cycles)
        self.hold(model, *made)

    def stop(self):
        """While steps run nothing can be reached but registers; a host can stop them, any time."""
        board, maker = self.board, StepMaker(self.design, self.rng)
        model = golden_model(self.design)
        for pause in range(0, 120, 13 if self.share == 1 else 50):
            steps, words = self.endless()
            self.write_program(words)
            board.start(0, steps, watchdog=0xFFFFFFFF)
            board.link.wait(pause)
            for access in ((board.read_memory, Space.ACTIVATIONS, 0, 1),
                           (board.write_memory, Space.ACTIVATIONS, 0, bytes(4)),
                           (board.write_memory, Space.PROGRAM, 0, bytes(4)))[pause % 3:]:
                assert refused(*access), access
            for register in (Register.FIRST, Register.COUNT, Register.WATCHDOG):
                board.write_register(register, 7)
            board.write_register(Register.CONTROL, GO)
            assert board.state().busy
            board.stop()
            assert self.end() == Error.STOPPED
            assert [board.read_register(register) for register in (
                Register.FIRST, Register.COUNT, Register.WATCHDOG)] == [0, steps, 0xFFFFFFFF]
            model.memory[:] = self.activations()
            if self.design.engine != "binary":
                self.hold(model, *maker.filler())
            self.hold(model, *maker.program(2))

    def endless(self):
        """Return a program that takes long, and how many steps it has."""
        words, forms = self.design.program_words, Descriptors.of(self.design)
        count = words // 2 // forms.words if forms.binary else 1
        place = count * forms.words
        step = plain(self.design, place).replace(**(
            {"pieces": words - place - START_WORDS} if forms.binary else {"x": 999, "y": 99}))
        return count, np.frombuffer(forms.write(step) * count, np.uint8).reshape(
            place, self.design.columns)

    def end(self):
        """Wait for the end of a run, and return its error."""
        for _ in range(20):
            state = self.board.state()
            if not state.busy:
                return state.error
            self.board.link.wait(20)
        raise AssertionError("a run does not end")

    def turns(self):
        """Each host that begins its turn ends that of others; writes of theirs are not done."""
        board = self.board
        for _ in range(max(round(EPOCHS * self.share), 3)):
            board.claim()
            state = board.state()
            wrong = int(self.rng.choice(EPOCHS)), state.epoch ^ 1 << int(self.rng.integers(6))
            for epoch in wrong:
                try:
                    board.client.write(Register.FIRST, epoch.to_bytes(4, "little"), epoch=epoch)
                    assert epoch == state.epoch
                except Stale:
                    assert epoch != state.epoch
            board.confirm()

    def frames(self, count):
        """Any frames at all, while nothing runs: golden replies, to the byte."""
        traffic = IdleTraffic(int(self.rng.integers(1 << 32)))
        link, golden = self.board.link, traffic.golden
        for space, offset, data in ((Space.ACTIVATIONS, 0, bytes(self.sizes[Space.ACTIVATIONS])),
                                    (Space.PROGRAM, 0, bytes(self.sizes[Space.PROGRAM]))):
            self.board.write_memory(space, offset, data)
        state = self.board.state()
        golden.host.epoch, golden.owner = state.epoch, state.owner
        for _ in range(-(-count // FRAMES)):
            sent, replies = traffic.played(FRAMES)
            link.write(sent)
            assert link.read(len(replies), TIMEOUT) == replies
            assert link.read(1, TIMEOUT) == b""

    def registers(self):
        """Every register: what it reads behind a reset, and what of it can be written."""
        board, values = self.board, {}
        for register in Register:
            facts = FACTS[register]
            values[register] = self.design.fingerprint if facts.reset is None else facts.reset
            assert board.read_register(register) == values[register], register.name
        board.write_register(Register.FIRST, 0)  # by which a turn begins, where there are turns
        for register in (Register.CONTROL, Register.STATUS):
            values[register] = board.read_register(register)
        patterns = [0xFFFFFFFF, 0, 0xFF00FF00, 0xCCCC3333, 0x5A5A5A5A,
                    int(self.rng.integers(1 << 32))]
        for register in Register:
            if FACTS[register].access is Access.WRITE:
                continue
            for value in patterns[-max(round(len(patterns) * self.share), 2):]:
                board.write_register(register, value)
                if FACTS[register].access is Access.BOTH:
                    values[register] = value & (1 << FACTS[register].bits) - 1
                assert board.read_register(register) == values[register], register.name
        board.write_register(Register.CONTROL, 0xFFFFFFF0)  # no bit of which means anything
        for register, value in values.items():
            assert board.read_register(register) == value, register.name

    def memories(self):
        """Every byte of every memory, in pieces of any size, at any address."""
        board, rng = self.board, self.rng
        for _ in range(2 if self.share == 1 else 1):
            words = rng.integers(0, 256, (self.sizes[Space.PROGRAM] // self.stride, self.stride),
                                 np.uint8)
            activations = rng.integers(0, 256, self.sizes[Space.ACTIVATIONS], np.uint8).tobytes()
            board.load_program(words.tobytes())
            words[:, self.design.columns:] = 0  # there is nothing behind a word
            for at, end in self.pieces(len(activations)):
                board.write_activations(at, activations[at:end])
            for at, end in self.pieces(words.size):
                assert board.read_memory(Space.PROGRAM, at, end - at) == words.tobytes()[at:end]
            for at, end in self.pieces(len(activations)):
                assert board.read_activations(at, end - at) == activations[at:end]

    def pieces(self, size):
        """Return the ends of pieces of so many bytes, in any order."""
        cuts = sorted({0, size, *self.rng.integers(0, size + 1, 12).tolist()})
        found = list(zip(cuts, cuts[1:], strict=False))
        return [found[index] for index in self.rng.permutation(len(found))]

    def refusals(self):
        """What is behind the end of a memory, whatever bit of its address says so, and parts."""
        read, write = self.board.read_memory, self.board.write_memory
        for space, size in self.sizes.items():
            outside = [at for at in (size, *(1 << bit for bit in range(2, 24))) if at >= size]
            if space == Space.SPARSE:  # of which there is anything
                outside = []
            assert size == 0 or not refused(read, space, size - 4, 4), space.name
            assert not outside or refused(read, space, outside[0], 4), space.name
            for at in outside[:max(round(len(outside) * self.share), 1)]:
                assert refused(write, space, at, bytes(4)), (space.name, at)
            if space != Space.ACTIVATIONS and size:
                for at, count in ((0, 1), (0, 2), (0, 3), (1, 3), (2, 2), (3, 1)):
                    assert refused(write, space, at, bytes(count)), space.name
        assert refused(write, Space.COUNTERS, 0, bytes(4))


def refused(access, *arguments):
    """Return whether an access meets no memory."""
    try:
        access(*arguments)
    except NoMemory:
        return True
    return False
