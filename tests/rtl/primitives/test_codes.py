# amaranth: UnusedElaboratable=no
"""Check bits: codes of every width in use, for all flips of one bit and of two."""

from itertools import combinations

import numpy as np
import pytest
from amaranth import *
from amaranth.sim import Simulator

from hwgen.arch.codes import Code
from hwgen.golden.accelerator import codes as golden
from hwgen.rtl.primitives import codes as rtl

from .spec_codes import DAMAGED, CodeSpec

WIDTHS = (8, 16, 24, 32)
"""Bytes of activations, and parts of words of a program of as many columns as there may be."""
CHECKS = {8: 5, 16: 6, 24: 7, 32: 7}


def words_of(width, count=64):
    """Return words: all of one byte, else those with a single one or zero, and random ones."""
    if width == 8:
        return np.arange(256)
    ones = 1 << np.arange(width)
    drawn = np.random.default_rng(width).integers(0, 1 << width, count)
    return np.concatenate([[0, (1 << width) - 1], ones, ~ones & (1 << width) - 1, drawn])


def flipped(code, count):
    """Return masks with so many of the stored bits."""
    return [sum(1 << bit for bit in bits) for bits in combinations(range(code.size), count)]


@pytest.mark.parametrize("width", WIDTHS)
def test_checks(width):
    """There are as many check bits as a Hsiao code of that width needs, or one, of parity."""
    code = Code.of("ecc", width)
    assert code.checks == CHECKS[width]
    assert len({*code.columns}) == width and {bits.bit_count() for bits in code.columns} == {3}
    counts = [row.bit_count() for row in code.rows]
    assert max(counts) - min(counts) <= 1  # no check is of many more bits than another
    assert Code.of("parity", width).checks == 1 and Code.of("none", width) is None


@pytest.mark.parametrize("protect", ["parity", "ecc"])
@pytest.mark.parametrize("width", [1, 2, 3, 5, *WIDTHS, 40])
def test_words(protect, width):
    """What is stored is read; zeros are stored for zero."""
    code, words = Code.of(protect, width), words_of(width) if width in WIDTHS else np.arange(2)
    stored = golden.encode(code, words)
    assert stored.tolist() == [code.encode(int(word)) for word in words]
    data, corrected, detected = golden.decode(code, stored)
    assert (data == words).all() and not corrected.any() and not detected.any()
    assert code.encode(0) == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_ecc(width):
    """Each flipped bit of each word is corrected, and any two are detected."""
    code, words = Code.of("ecc", width), words_of(width)[:, None]
    stored = golden.encode(code, words)
    data, corrected, detected = golden.decode(code, stored ^ flipped(code, 1))
    assert (data == words).all() and corrected.all() and not detected.any()
    _, corrected, detected = golden.decode(code, stored ^ flipped(code, 2))
    assert detected.all() and not corrected.any()


@pytest.mark.parametrize("width", WIDTHS)
def test_parity(width):
    code, words = Code.of("parity", width), words_of(width)[:, None]
    _, corrected, detected = golden.decode(code, golden.encode(code, words) ^ flipped(code, 1))
    assert detected.all() and not corrected.any()


@pytest.mark.parametrize("protect, width", [(protect, width) for protect in ("parity", "ecc")
                                            for width in WIDTHS])
def test_matches_model(protect, width):
    """All words of a byte with no bit flipped, one and two; of longer ones some."""
    code = Code.of(protect, width)
    m = Module()
    given, stored = Signal(width), Signal(code.size)
    encoded, found = Signal(code.size), Signal(width + 2)
    m.d.comb += [encoded.eq(rtl.encode(code, given)),
                 found.eq(Cat(rtl.decode(m, code, stored, "word")))]
    words = words_of(width)[-256:]
    rng = np.random.default_rng(width)
    masks = rng.choice([0, *flipped(code, 1), *flipped(code, 2)], (len(words), 8))
    masks[0, :3] = 0, 1, 3
    data, corrected, detected = golden.decode(code, golden.encode(code, words)[:, None] ^ masks)
    expected = data | corrected.astype(np.int64) << width | detected.astype(np.int64) << width + 1

    async def bench(ctx):
        for word, flips, results in zip(words.tolist(), masks.tolist(), expected.tolist(),
                                        strict=True):
            ctx.set(given, word)
            assert ctx.get(encoded) == code.encode(word)
            for mask, result in zip(flips, results, strict=True):
                ctx.set(stored, code.encode(word) ^ mask)
                assert ctx.get(found) == result

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def slow(*values):
    """Return values of a test that takes seconds, where others like it do not."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.formal
@pytest.mark.parametrize("protect, width", [
    ("ecc", 8), ("ecc", 32), slow("ecc", 16), slow("ecc", 24),
    *(slow("parity", width) for width in WIDTHS)])
def test_proof(protect, width, tmp_path):
    """For all words: one flipped bit is corrected, or detected, and two are detected."""
    CodeSpec(Code.of(protect, width)).prove(tmp_path)


@pytest.mark.formal
@pytest.mark.parametrize("damage", [slow(each) if index else each
                                    for index, each in enumerate(DAMAGED)])
def test_planted_defects(damage, tmp_path):
    with pytest.raises(AssertionError):
        CodeSpec(Code.of("ecc", 8), damage).prove(tmp_path)
