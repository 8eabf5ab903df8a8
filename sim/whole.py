"""What a whole accelerator must do, whatever top level is around it.

All of it blocks, as the runtime does, so it is called behind ``cocotb.task.bridge``.
"""

import numpy as np

from hwgen.compiler.sparse_memory import unpacked
from hwgen.cost.cycles import Array
from hwgen.golden import network as golden
from hwgen.golden.accelerator import Accelerator
from hwgen.golden.binary import BinaryAccelerator
from hwgen.registers import FACTS, Access, Register, Space
from hwgen.runtime.client import NoMemory
from hwgen.runtime.inference import BUDGET, load, run, stored, whole
from hwgen.runtime.predictions import predictions
from hwgen.steps import Mode

from .any_steps import StepMaker
from .small_networks import inputs_of, programs

__all__ = ["Whole"]


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
        model.run(words.tobytes(), len(steps))
        cycles = self.board.run(0, len(steps), budget=BUDGET, watchdog=1 << 16)
        np.testing.assert_array_equal(self.activations(), model.memory, str(steps))
        return cycles

    def write_program(self, words):
        """Write the words of a program, each at a multiple of a power of two."""
        spread = np.zeros((len(words), self.stride), np.uint8)
        spread[:, :self.design.columns] = words
        self.board.load_program(spread.tobytes())

    def registers(self):
        """Every register: what it reads behind a reset, and what of it can be written."""
        board, values = self.board, {}
        for register in Register:
            facts = FACTS[register]
            values[register] = self.design.fingerprint if facts.reset is None else facts.reset
            assert board.read_register(register) == values[register], register.name
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
        board.write_register(Register.CONTROL, 0xFFFFFFF8)  # no bit of which means anything
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
