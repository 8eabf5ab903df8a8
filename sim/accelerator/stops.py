"""How a whole accelerator stops: at what is wrong, after too long, and when it is told to."""

from contextlib import suppress

import numpy as np

from hwgen.arch.descriptors import START_WORDS, Descriptors
from hwgen.arch.registers import ACKNOWLEDGE, GO, Register, Space
from hwgen.arch.steps import PARAMETER_WORDS, Mode, Step
from hwgen.cost.cycles import Array
from hwgen.golden.accelerator.accelerator import Error, Stopped
from hwgen.runtime.client import NoMemory

from .dut import golden_model
from .host_view import check_reset, is_refused
from .runs import steps
from .wrong_steps import long_loops, plain, write_fields, wrong_fields

__all__ = ["endless", "ends", "errors", "interrupt", "reset", "stop", "watchdog"]

SPARED = {"binary": 1}
"""Cycles less than those of a step that a watchdog may have; of others than these engines 3."""


def errors(bench):
    """Every error, by whatever bit of a descriptor: nothing else changes, and it goes on."""
    maker, model, forms = bench.maker, bench.model(), Descriptors.of(bench.design)
    bench.fill_tables(model)
    wrong = list(wrong_fields(bench.design))
    chosen = bench.rng.permutation(len(wrong))[:bench.part(len(wrong), 5)]
    seen = set()
    for count, index in enumerate(chosen.tolist()):
        if count % 40 == 0:
            made, words = maker.program(2)
            while made[0].mode == Mode.SUMS:  # of which nobody knows after some errors
                made, words = maker.program(2)
            bench.write_program(words)
        at = len(made) - 1
        seen.add(stops(bench, model, words, at, made[at].program, wrong[index]))
        if count % 40 == 39 or count == len(chosen) - 1:
            np.testing.assert_array_equal(bench.activations(), model.memory)
    design = bench.design
    assert len(chosen) < len(wrong) or seen == set(Error) - {
        Error.WATCHDOG, Error.STOPPED, Error.MEMORY, *[Error.SUMS] * (design.engine == "binary"),
        *[Error.CRC] * (not design.program_crc)}
    if not forms.binary:
        for _ in range(bench.part(20, 2)):
            in_turn(bench)
    steps(bench, 2)


def stops(bench, model, words, at, program, fields):
    """Run steps up to one that has wrong fields, and return the error."""
    forms = Descriptors.of(bench.design)
    where = slice(at * forms.words, (at + 1) * forms.words)
    words[where] = np.frombuffer(forms.write(plain(bench.design, program)), np.uint8).reshape(
        -1, bench.design.columns)
    write_fields(bench.design, words, at, fields)
    try:
        model.run(bench.image(words), at + 1)
        raise AssertionError(f"nothing is wrong with {fields}")
    except Stopped as stopped:
        expected = (stopped.error, stopped.step)
    bench.write_program(words[where], where.start)
    assert bench.failure(0, at + 1, watchdog=1 << 16) == expected, fields
    # Of its own output, nobody knows how much it wrote.
    first = fields.get("output", len(model.memory) // 2)
    own = model.memory[first:][:bench.design.columns * max(fields.get("tiles", 2), 2)]
    own[:] = np.frombuffer(bench.board.read_activations(first, len(own)), np.int8)
    return expected[0]


def in_turn(bench):
    """Of steps that overlap, of which any may be wrong, the first one that is stops the run."""
    design, count = bench.design, bench.maker.draw(2, 3)
    forms, size = Descriptors.of(design), design.activation_memory
    place = forms.words_of(count)
    words = np.zeros((place + design.rows + PARAMETER_WORDS, design.columns), np.uint8)
    for index in range(count):
        # While so many vectors are issued the next step's descriptor and words come.
        x = min(bench.maker.draw(60, 140), size - max(design.rows, design.columns))
        step = Step(mode=Mode.MATRIX, overlaps=True, last_columns=design.columns, program=place,
                    x=x, row_bytes=2 * size, output=size // 2)
        words[index * forms.words:][:forms.words] = np.frombuffer(
            forms.write(step), np.uint8).reshape(-1, design.columns)
        fields = [{}, {"last_columns": 0}, {"program": design.program_words - 2}, {"pieces": 2},
                  {"x_step": 1, "base": size - x + 1},
                  {"output_x_step": 1, "output": size - design.columns - x + 2}]
        share = [0.4, 0.05, 0.05, 0.1, 0.2, 0.2]  # of the last vector alone is said the most
        write_fields(design, words, index, fields[bench.rng.choice(len(fields), p=share)])
    try:
        golden_model(design).run(bench.image(words), count)
        expected = None
    except Stopped as stopped:
        expected = (stopped.error, stopped.step)
    bench.write_program(words)
    found = bench.failure(0, count, watchdog=1 << 16)
    assert found == expected, f"{found} and not {expected}"


def watchdog(bench):
    """A step may take its cycles, and some less, but no fewer; whatever bits they have."""
    maker, model = bench.maker, bench.model()
    while (step := (made := maker.program(1))[0][0]).mode == Mode.SUMS or step.to_sums:
        pass  # which cannot be run again
    bench.fill_tables(model)
    cycles = Array.of(bench.design).cycles(step)
    least = cycles - SPARED.get(bench.design.engine, 3)
    limits = [least - 1, least, cycles, cycles + 1, *(1 << bit for bit in range(32))]
    bench.write_program(made[1])
    for limit in limits[:bench.part(len(limits), 6)]:
        expected = (Error.WATCHDOG, 0) if limit < least else None
        assert bench.failure(0, 1, watchdog=limit) == expected, (limit, cycles)
    bench.hold(model, *made)
    overdue(bench)


def overdue(bench):
    """A step that takes long is stopped, by whichever bit of the turns of a loop it does."""
    forms, array, long = Descriptors.of(bench.design), Array.of(bench.design), list(
        long_loops(bench.design))
    step = plain(bench.design, forms.words).replace(output=0)
    bench.write_program(np.zeros((forms.words + PARAMETER_WORDS, bench.design.columns), np.uint8))
    for index in bench.rng.permutation(len(long))[:bench.part(len(long), 5)]:
        words = np.frombuffer(forms.write(step), np.uint8).reshape(-1, bench.design.columns).copy()
        write_fields(bench.design, words, 0, long[index])
        bench.write_program(words)
        limit = max(array.cycles(step.replace(**{name: 3})) for name in long[index])
        assert bench.failure(0, 1, watchdog=limit + 9) == (Error.WATCHDOG, 0), long[index]


def stop(bench):
    """While steps run nothing can be reached but registers; a host can stop them, any time."""
    board = bench.board
    for pause in range(0, 120, 13 if bench.share == 1 else 50):
        count, words = endless(bench)
        bench.write_program(words)
        board.start(0, count, watchdog=0xFFFFFFFF)
        board.link.wait(pause)
        for access in ((board.read_memory, Space.ACTIVATIONS, 0, 1),
                       (board.write_memory, Space.ACTIVATIONS, 0, bytes(4)),
                       (board.write_memory, Space.PROGRAM, 0, bytes(4)))[pause % 3:]:
            assert is_refused(*access), access
        for register in (Register.FIRST, Register.COUNT, Register.WATCHDOG):
            board.write_register(register, 7)
        board.write_register(Register.CONTROL, GO)
        assert board.state().busy
        board.stop()
        assert bench.end() == Error.STOPPED
        assert [board.read_register(register) for register in (
            Register.FIRST, Register.COUNT, Register.WATCHDOG)] == [0, count, 0xFFFFFFFF]
        steps(bench, 2)


def ends(bench):
    """A host that does not wait is refused until a run has ended, and then it reads and writes."""
    board, model = bench.board, bench.model()
    bench.fill(model)
    for index in range(bench.part(60, 8)):
        made, words = bench.maker.program(1)
        bench.write_program(words)
        model.run(bench.image(words), 1)
        board.start(0, 1)
        at = 4 * int(bench.rng.integers(len(model.memory) // 4))
        expected, data = model.memory[at:at + 4].tobytes(), bench.rng.bytes(4)
        if index % 2:
            insist(board.write_memory, Space.ACTIVATIONS, at, data)
            model.memory[at:at + 4] = np.frombuffer(data, np.int8)
        else:
            assert insist(board.read_memory, Space.ACTIVATIONS, at, 4) == expected, made
        assert not board.state().busy, "memory that was reached while steps ran"
        np.testing.assert_array_equal(bench.activations(), model.memory, str(made))


def insist(access, *arguments):
    """Ask for memory until it is there, and return what it gives."""
    for _ in range(5000):
        with suppress(NoMemory):
            return access(*arguments)
    raise AssertionError("a run does not end")


def reset(bench):
    """A reset of one cycle in the middle of a run leaves nothing of it."""
    count, words = endless(bench)
    for pause in range(0, 80, 11 if bench.share == 1 else 70):
        bench.write_program(words)
        bench.board.start(0, count, watchdog=5000)
        bench.board.link.wait(pause)
        bench.reset()
        check_reset(bench)
        steps(bench, 1)


def interrupt(bench):
    """It comes with the end of a run, and goes with the next one or when it is acknowledged."""
    board, irq = bench.board, bench.board.link.dut.irq

    def level():
        status = board.read_register(Register.STATUS)
        assert int(irq.value) == status >> 1 & 1, "the port and the register differ"
        return int(irq.value)

    assert level() == 0
    count, words = endless(bench)
    for acknowledge in (True, False, True):
        bench.write_program(words)
        board.start(0, count)
        assert level() == 0 and board.state().busy
        board.stop()
        assert bench.end() == Error.STOPPED and level() == 1
        board.write_register(Register.CONTROL, ACKNOWLEDGE if acknowledge else 0xFFFFFFF8)
        assert level() == (not acknowledge)
    steps(bench, 1)
    assert level() == 1


def endless(bench, x=999, y=99):
    """Return a program that takes long, and how many steps it has: one of so many vectors."""
    words, forms = bench.design.program_words, Descriptors.of(bench.design)
    count = words // 2 // forms.words if forms.binary else 1
    place = count * forms.words
    step = plain(bench.design, place).replace(**(
        {"pieces": words - place - START_WORDS} if forms.binary else {"x": x, "y": y}))
    return count, np.frombuffer(forms.write(step) * count, np.uint8).reshape(
        place, bench.design.columns)
