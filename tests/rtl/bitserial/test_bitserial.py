# amaranth: UnusedElaboratable=no
import random

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.formats import Format, NumberKind
from hwgen.errors import UserError
from hwgen.golden.bitserial import array as golden
from hwgen.rtl.bitserial.array import BitSerial
from sim.bitserial.bit_tiles import BitWorkload, WindowWorkload, formats
from sim.regression import simulate as simulate_verilog

from ...cases import quick
from ...formal import prove
from ..tile_player import play
from .spec_bitserial import BitSerialSpec

ACTIVATIONS = formats((NumberKind.UNSIGNED, NumberKind.SIGNED))
WEIGHTS = formats(tuple(NumberKind))


@pytest.mark.parametrize("form", WEIGHTS)
def test_format(form):
    """What a format says of its range is so, and words give back what they were made of."""
    rng = np.random.default_rng(form.code)
    every = np.unique(form.value(np.arange(256)))
    assert (every.min(), every.max(), len(every)) == (form.low, form.high, 1 << form.bits)
    assert Format.from_code(form.code) == form
    for rows in (1, 8, 13, 32):
        weights = rng.choice(every, (2, rows, 3))
        words = form.to_words(weights)
        assert words.shape == (2, form.words(rows), 3)
        np.testing.assert_array_equal(form.from_words(words, rows), weights)


@pytest.mark.parametrize("values, form", [
    ([0, 1], Format(1, NumberKind.UNSIGNED)), ([-1, 1], Format(1, NumberKind.BIPOLAR)),
    ([0], Format(1, NumberKind.UNSIGNED)), ([-1, 0], Format(1)), ([-1, 0, 1], Format(2)),
    ([-3, 3], Format(3)),
    ([127, -128], Format(8)), ([0, 255], Format(8, NumberKind.UNSIGNED)),
])
def test_fewest_bits(values, form):
    assert Format.of(np.array(values)) == form


@pytest.mark.parametrize("bits, kind", [
    (0, NumberKind.SIGNED), (9, NumberKind.UNSIGNED), (2, NumberKind.BIPOLAR)])
def test_bits_wrong(bits, kind):
    with pytest.raises(UserError, match=f"^bits of a .* must be from 1 to [18], not {bits}$"):
        Format(bits, kind)


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match="^there are weights that 2 bits do not hold$"):
        Format(2).to_words([[2]])


@pytest.mark.parametrize("a", ACTIVATIONS)
def test_model(a):
    rng = np.random.default_rng(a.code)
    model = golden.BitSerial(13, 3)
    for w in WEIGHTS:
        work = BitWorkload(BitSerial(13, 3))
        for tile in [*work.extremes(a, w), work.tile(a, w, 5)]:
            above = rng.integers(0, 256, tile.vectors.shape) << a.bits
            sums = model.matrix(tile.vectors & (1 << a.bits) - 1 | above,
                                w.to_words(tile.weights), a, w)
            np.testing.assert_array_equal(sums, tile.vectors @ tile.weights)


@pytest.mark.parametrize("a", ACTIVATIONS, ids=lambda form: f"{form.kind.name}{form.bits}")
def test_matches_model(a):
    """All pairs of formats in value and cycle, each behind another one, with pauses."""
    random.seed(a.code)
    work = BitWorkload(BitSerial(3, 2))
    tiles = []
    for w in WEIGHTS:
        tiles += [work.tile(a, w, 2), random.choice(work.extremes(a, w))]
    random.shuffle(tiles)
    work.check(play(work, tiles, gap=0.2), tiles)


@pytest.mark.parametrize("rows, columns", [(2, 1), (9, 3), (32, 2)])
def test_sizes(rows, columns):
    random.seed(rows)
    work = BitWorkload(BitSerial(rows, columns))
    tiles = [work.tile(random.choice(ACTIVATIONS), random.choice(WEIGHTS), random.randrange(1, 6))
             for _ in range(8)]
    tiles += work.extremes(Format(8, NumberKind.UNSIGNED), Format(8, NumberKind.UNSIGNED))
    work.check(play(work, tiles, gap=0.1), tiles)


@pytest.mark.parametrize("weight_bits", [1, 2, 3, 4])
def test_few_planes(weight_bits):
    """An array that keeps fewer planes has all formats of so many bits."""
    random.seed(weight_bits)
    work = BitWorkload(BitSerial(8, 2, weight_bits=weight_bits))
    tiles = [work.tile(Format(3), w, 2) for w in formats(tuple(NumberKind), weight_bits)] * 2
    work.check(play(work, tiles), tiles)


def test_interval():
    """Tiles lose no cycle whose vectors take longer than the next tile's weights."""
    work = BitWorkload(BitSerial(8, 2))
    for bits in (1, 2, 8):
        a, w = Format(bits), Format(bits)
        count, length = 4, 8
        tiles = [work.tile(a, w, length) for _ in range(count)]
        played = play(work, tiles, ahead=tiles[0].w.words(work.dut.rows))
        work.check(played, tiles)
        taken = played.cycles[-1] - played.activations[0] + 1
        assert taken == count * length * bits * bits + work.dut.latency + 1


@pytest.mark.parametrize("rows, lines", [(10, 3), (2, 1), (9, 2)])
@pytest.mark.parametrize("gap", [0.0, 0.3])
def test_windows(rows, lines, gap):
    """Each column's own pixels, of any formats; some only prime the windows of others."""
    random.seed(rows + lines)
    work = WindowWorkload(BitSerial(rows, 2, lines=lines))
    tiles = work.tiles(12)
    work.check(play(work, tiles, gap=gap), tiles)


@pytest.mark.parametrize("wrong, message", [
    ({"lines": 2}, "Lines must be an integer whose square is no more than the 2 rows, not 2"),
    ({"rows": 1}, "Rows must be an integer of at least 2, not 1"),
    ({"columns": 0}, "Columns must be an integer of at least 1, not 0"),
    ({"weight_bits": 9}, "Weight bits must be from 1 to 8, not 9"),
    ({"family": "x"}, "Family must be one of .*, not 'x'"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        BitSerial(**({"rows": 2, "columns": 1} | wrong))


@pytest.mark.formal
@pytest.mark.slow
def test_contract(tmp_path):
    """Ready, valid and every sum are as the spec says, whatever comes in, resets included."""
    dut = BitSerial(2, 1, weight_bits=2)
    prove(BitSerialSpec(dut), tmp_path, depth=dut.latency + 12)


COCOTB = {
    "generic": Design(rows=5, columns=3),
    "ecp5": Design(rows=16, columns=2, family="ecp5"),
    "ice40": Design(rows=13, columns=3, family="ice40"),
    "wide": Design(rows=64, columns=2, family="gowin"),
}


@pytest.mark.parametrize("name", quick(COCOTB, "generic"))
def test_verilog_matches_model(name, tmp_path):
    simulate_verilog("bitserial", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                     seed=0).check()
