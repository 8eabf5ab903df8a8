"""Programs that stream: what their images hold, what the checker refuses, and what does not fit."""

import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.program import Program
from hwgen.compiler.streaming import most_held
from hwgen.errors import UserError

from ..compiler_bench import with_step
from ..rtl.accelerator.test_accelerator_layers import any_network

DESIGN = Design(rows=9, columns=16, lines=3, lanes=16, activation_memory=1 << 16,
                program_memory=8192, partial_sums=32, line_pixels=64, external="IS42S16160@110")


@pytest.fixture(scope="module")
def program():
    """Return a Program in which a step has words again."""
    found = (compile_network(any_network(seed, "tflm"), DESIGN) for seed in range(7, 80, 2))
    return next(each for each in found if any(step.again for step in each.steps))


def test_words_are_there_once(program):
    assert check_program(program) is None
    coding = Descriptors.of(DESIGN)
    own = sum(coding.words_behind(step) for step in program.steps if not step.again)
    assert len(program.image) == 16 * (own + coding.words * len(program.steps))
    for before, step in zip(program.steps, program.steps[1:], strict=False):
        assert not step.again or (before.holds and step.program == before.program)


def test_a_file_keeps_it(program, tmp_path):
    program.save(tmp_path / "it.program")
    assert Program.load(tmp_path / "it.program").places == program.places


def test_words_that_are_not_held(program):
    first = next(index for index, step in enumerate(program.steps) if step.holds)
    with pytest.raises(Unsound, match="it has words again that are not held"):
        check_program(with_step(program, first, holds=False))


def test_words_that_are_elsewhere(program):
    index = next(index for index, step in enumerate(program.steps) if not step.again)
    with pytest.raises(Unsound, match="its words are not behind its descriptor"):
        check_program(with_step(program, index, program=program.steps[index].program + 1))


def test_more_than_the_ring_holds():
    """A step holds nearly all of the ring: that is known before a run hangs."""
    found = (compile_network(any_network(seed, "tflm"), DESIGN) for seed in range(1, 80, 2))
    program, index = next(
        (each, number) for each in found for number, step in enumerate(each.steps)
        if Descriptors.of(DESIGN).words_behind(step) > most_held(DESIGN))
    with pytest.raises(Unsound, match="the ring has no room for the words for which it waits"):
        check_program(with_step(program, index, holds=True))


def test_refusal_offers_it():
    network = any_network(23, "tflm")
    with pytest.raises(UserError, match="or let them stream from a memory chip that the board has: "
                       "external, such as IS42S16160@110, with program_memory 16384$"):
        compile_network(network, DESIGN.replace(external=None, program_memory=1 << 14))
    preset = Design.load("ulx3s-85f").replace(program_memory=1 << 14)
    with pytest.raises(UserError, match="; or let them stream from a memory chip, as on the preset "
                       "ulx3s-85f:stream$"):
        compile_network(network, preset)
    with pytest.raises(UserError, match="program_memory must be [0-9]+ or more$"):
        compile_network(network, preset.replace(tables=1))  # no Design has both


def test_more_than_the_chip_holds(monkeypatch):
    monkeypatch.setattr("hwgen.compiler.streaming.PAGE_BYTES", 1)
    with pytest.raises(UserError, match="external must be a larger one"):
        compile_network(any_network(23, "tflm"), DESIGN.replace(external="GW2AR-18@100"))
