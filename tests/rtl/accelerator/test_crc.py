"""Programs whose steps have CRCs: what is damaged is found, and what is not takes its cycles."""

from binascii import crc_hqx
from dataclasses import replace

import numpy as np
import pytest
from amaranth import *

import hwgen
from hwgen.arch.descriptors import Descriptors
from hwgen.arch.design import Design
from hwgen.arch.registers import Space
from hwgen.compiler.check import Unsound, check_program
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Accelerator
from hwgen.golden.accelerator.errors import Error, Stopped
from hwgen.network.tensor import Window
from hwgen.rtl.accelerator.checked import remainder
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.compiled import compile_images
from hwgen.runtime.faults.faults import boards, faults
from hwgen.runtime.faults.kinds import words_of
from hwgen.runtime.inference import write_tensor
from hwgen.runtime.simulate import simulate
from hwgen.tools.find import compiler, verilator

from ...bench import simulate as simulate_unit
from ...compiler_bench import Builder, inputs_of, random_chain, verify

simulated = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")

DESIGN = Design(rows=4, columns=6, lines=3, lanes=2, activation_memory=1024, program_memory=4096,
                partial_sums=32, line_pixels=16, steps=16, program_crc=True)


def network():
    """Return a network with steps of most kinds, some of which overlap."""
    build = Builder(3, 5, 6, 3)
    first = build.convolution(5, Window((3, 3), before=(1, 1), after=(1, 1)))
    build.depthwise(Window((3, 3), before=(1, 1), after=(1, 1)))
    build.convolution(5, Window((1, 1)))
    build.sum(build.last, first)
    build.fully_connected(6)
    return build.network()


NETWORK = network()
PROGRAM = compile_images(NETWORK, DESIGN)
IMAGES = {name: np.concatenate([inputs_of(NETWORK, seed)[name] for seed in range(2)])
          for name in NETWORK.inputs}


def damaged(kind, count, seed=0):
    """Yield places of the image where a bit is to be flipped: a byte, and which bit of it."""
    rng, words = np.random.default_rng(seed), words_of(PROGRAM.program)[kind]
    columns = DESIGN.columns
    for word in rng.choice(words, count):
        yield int(word) * columns + int(rng.integers(columns)), int(rng.integers(8))


def verdict(image):
    """Return the error and the step with which the golden model stops."""
    golden = Accelerator.of(DESIGN)
    with pytest.raises(Stopped) as stop:
        golden.run(image, len(PROGRAM.program.steps))
    return stop.value.error, stop.value.step


def flipped(byte, bit):
    """Return the image with a bit that is not as it was compiled."""
    image = bytearray(PROGRAM.program.image)
    image[byte] ^= 1 << bit
    return bytes(image)


@pytest.mark.parametrize("size", [2, 5, 16])
def test_remainder(size):
    """It is the CRC of the standard library, from each first word on."""
    rng = np.random.default_rng(size)
    m = Module()
    word, valid, first = Signal(8 * size), Signal(), Signal()
    crc = remainder(m, word, valid, first)

    async def bench(ctx):
        for _ in range(5):
            data = rng.integers(0, 256, (int(rng.integers(1, 6)), size), np.uint8)
            for index, row in enumerate(data):
                ctx.set(word, int.from_bytes(row.tobytes(), "little"))
                ctx.set(valid, 1)
                ctx.set(first, index == 0)
                await ctx.tick()
                ctx.set(valid, 0)
                await ctx.tick().repeat(int(rng.integers(1, 4)))
            await ctx.tick().repeat(2)
            assert ctx.get(crc) == crc_hqx(data.tobytes(), 0xffff)

    simulate_unit(m, bench)


@pytest.mark.parametrize("kind", ["descriptors", "weights", "parameters"])
def test_golden_model_finds_what_is_damaged(kind):
    """In the first step that reads it, whatever a damaged descriptor says."""
    coding, program = Descriptors.of(DESIGN), PROGRAM.program
    for byte, bit in damaged(kind, 50):
        word = byte // DESIGN.columns
        reads = [place <= word < place + coding.words
                 or step.program <= word < step.program + coding.words_behind(step)
                 for step, place in zip(program.steps, program.places, strict=True)]
        assert verdict(flipped(byte, bit)) == (Error.CRC, reads.index(True))


def test_compiler_checks():
    program = PROGRAM.program
    check_program(program)
    behind = program.places[0] * DESIGN.columns + 80  # no field of a step
    with pytest.raises(Unsound, match="a CRC of it is wrong"):
        check_program(replace(program, image=flipped(behind, 0)))


@pytest.mark.parametrize("seed", range(3))
def test_networks(seed):
    """Random networks are compiled, and the golden model computes them."""
    build = Builder(seed, 7, 6, 5)
    random_chain(build, np.random.default_rng(seed))
    of = DESIGN.replace(activation_memory=1 << 16, program_memory=1 << 18, steps=256,
                        partial_sums=256, line_pixels=64)
    verify(build.network(), of)


@simulated
@pytest.mark.parametrize("columns, check", [
    (6, True), pytest.param(4, False, marks=pytest.mark.slow)])
def test_cycles(columns, check):
    """Every layer is equal and takes the predicted cycles: alone, and behind the one before.

    Descriptors for four columns take a word more than without CRCs.
    """
    program = compile_images(NETWORK, DESIGN.replace(columns=columns))
    found = simulate(program, IMAGES, check=check)
    assert found.equal and found.as_predicted


@simulated
def test_hardware_finds_what_is_damaged():
    """It stops with the code and at the step of the golden model, and then runs as before."""
    with (board := boards(PROGRAM, IMAGES)()).link:
        for name, values in IMAGES.items():
            write_tensor(board.host, board.program, name, values[:1])
        for kind in ("descriptors", "weights", "parameters"):
            for byte, bit in damaged(kind, 20, seed=1):
                with board.link.trial():
                    run_damaged(board, byte, bit)


def run_damaged(board, byte, bit):
    """Run a damaged Program, and then the Program itself."""
    host, columns, program = board.host.copy(), DESIGN.columns, board.program
    word = byte // columns
    stride = 1 << max(2, (columns - 1).bit_length())
    for image in (flipped(byte, bit), program.image):
        row = image[word * columns:(word + 1) * columns].ljust(stride, b"\0")
        host.write_memory(Space.PROGRAM, word * stride, row)
        if image != program.image:
            with pytest.raises(AcceleratorError) as stop:
                host.run(0, len(program.steps), budget=10**6, watchdog=board.watchdog)
            assert (stop.value.code, stop.value.step) == verdict(image)
    assert host.run(0, len(program.steps), budget=10**6) == PROGRAM.cycles


@simulated
def test_no_flip_of_a_program_is_silent():
    """A bit that is flipped at any time is found, or comes too late to matter."""
    found = faults(PROGRAM, IMAGES, kinds=["descriptors", "weights", "parameters"], flips=60)
    for kind in found.kinds:
        assert kind.number("wrong") == kind.number("hung") == 0
        assert {trial.code for trial in kind.trials if trial.outcome == "detected"} == {Error.CRC}


@pytest.mark.parametrize("fields, sentence", [
    ({"engine": "bitserial", "lines": 1},
     "program_crc must be false with engine 'bitserial', not true: "),
    ({"lanes": 1, "lines": 1, "compact": True},
     "program_crc must be false with compact True, not true: "),
    ({"decompress": True}, "program_crc must be false with decompress True, not true: "),
    ({"tables": 1}, "program_crc must be false with tables 1, not true: "),
    ({"program_crc": 1}, "program_crc must be true or false, not 1")])
def test_design_wrong(fields, sentence):
    with pytest.raises(UserError, match=sentence):
        DESIGN.replace(**fields)


@pytest.mark.slow
def test_other_designs_are_as_they_were():
    plain = DESIGN.replace(program_crc=False)
    assert "crc" not in plain.to_toml() and "crc" not in plain.name
    assert "crc" in DESIGN.name and DESIGN.fingerprint != plain.fingerprint
    assert "checked_word" in hwgen.verilog(DESIGN) and "checked_word" not in hwgen.verilog(plain)
