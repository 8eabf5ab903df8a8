# amaranth: UnusedElaboratable=no
from fractions import Fraction

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import ROUNDINGS
from hwgen.compiler.image import parameter_words
from hwgen.golden.accelerator import post as golden
from hwgen.golden.network import arithmetic
from hwgen.rtl.accelerator.post import Lane
from hwgen.rtl.compact.post import AddingLane, CompactLane
from sim.accelerator.requantisation import CORNERS, parameters, sums

from ...bench import simulate
from ...cases import quick


def exact(total, by, column, rounding):
    """Return a requantised sum, in Python's integers and fractions."""
    bias, multiplier, shift = (int(field[column]) for field in (by.bias, by.multiplier, by.shift))
    total = (total + bias + (1 << 31)) % (1 << 32) - (1 << 31)
    if rounding == "even":
        return round(Fraction(total * multiplier, 1 << (31 + shift)))
    if rounding == "single":
        return int((Fraction(total * multiplier, 1 << (31 + shift)) + Fraction(1, 2)).__floor__())
    high = (Fraction(total * multiplier, 1 << 31) + Fraction(1, 2)).__floor__()
    magnitude = (Fraction(abs(high), 1 << shift) + Fraction(1, 2)).__floor__()
    return magnitude if high >= 0 else -magnitude


def corners(rng, columns):
    """Return parameters with every shift in turn, and sums with all corners among them."""
    by = parameters(rng, columns)
    by = golden.Parameters(by.bias, by.multiplier, np.arange(columns) % 32)
    extreme = np.repeat(np.array(CORNERS)[:, None], columns, axis=1)
    return by, np.concatenate([arithmetic.wrap(extreme - by.bias), extreme, sums(rng, by, 30)])


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("seed", range(5))
def test_model(seed, rounding):
    by, values = corners(np.random.default_rng(seed), 96)
    expected = [[exact(int(value), by, column, rounding) for column, value in enumerate(vector)]
                for vector in values]
    wide = golden.Post(rounding).wide(values, by)
    np.testing.assert_array_equal(wide, expected)
    assert -(1 << 31) <= wide.min() and wide.max() < 1 << 31


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_model_is_that_of_networks(rounding):
    by, values = corners(np.random.default_rng(9), 96)
    np.testing.assert_array_equal(
        golden.Post(rounding).wide(values, by),
        arithmetic.scale(arithmetic.wrap(values + by.bias), by.multiplier, -by.shift, rounding))


@pytest.mark.parametrize("wide, zero_point, low, high, byte", [
    (5, 3, -128, 127, 8), (125, 3, -128, 127, 127), (-126, -3, -128, 127, -128),
    ((1 << 31) - 1, -128, -128, 127, 127), (-(1 << 31), 127, -128, 127, -128),
    (5, 0, 6, 127, 6), (5, 0, -128, 4, 4), (5, 0, 9, 4, 9), (12, 0, 9, 4, 4)])
def test_model_clamps(wide, zero_point, low, high, byte):
    assert golden.Post("tflm").narrow(np.array([wide]), zero_point, low, high) == [byte]


@pytest.mark.parametrize("second", [1, -0x12345678])
def test_parameters(second):
    """Byte b of a column's 72 bits is in word b; a sign is bit 68."""
    by = golden.Parameters(np.array([-2, 1]), np.array([0x12345678, second]), np.array([31, 0]))
    words = by.to_words()
    signed = second & (1 << 31) - 1 | (second < 0) << 36
    for column, bits in enumerate((0xfffffffe | 0x12345678 << 32 | 31 << 63, 1 | signed << 32)):
        assert words.astype(np.uint8)[:, column].tobytes() == bits.to_bytes(9, "little")
    np.testing.assert_array_equal(parameter_words(by.bias, by.multiplier, by.shift),
                                  words.view(np.uint8))
    again = golden.Parameters.from_words(words, signed=True)
    for field in ("bias", "multiplier", "shift"):
        np.testing.assert_array_equal(getattr(again, field), getattr(by, field))


@pytest.mark.parametrize("kind", [Lane, CompactLane, AddingLane])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_lane_matches_model(kind, rounding):
    """A sum every cycle, every shift with every kind of sum; and the latencies."""
    rng = np.random.default_rng(1)
    by, values = corners(rng, 32)
    low, high, zero_point = -100, 90, -7
    model = golden.Post(rounding)
    wide = model.wide(values, by).ravel().tolist()
    narrow = model.narrow(np.array(wide), zero_point, low, high).tolist()
    dut, got = kind(rounding, "generic", hard=True), []

    async def testbench(ctx):
        ctx.set(dut.low, low)
        ctx.set(dut.high, high)
        ctx.set(dut.zero_point, zero_point)
        for n in range(len(wide) + dut.latency):
            if n < len(wide):
                column = n % 32
                ctx.set(dut.sum, int(values.flat[n]))
                ctx.set(dut.parameters, {"bias": int(by.bias[column]),
                                         "multiplier": int(by.multiplier[column]),
                                         "shift": int(by.shift[column])})
            got.append((ctx.get(dut.wide), ctx.get(dut.o)))
            await ctx.tick()

    simulate(dut, testbench)
    assert [pair[0] for pair in got][dut.wide_latency:dut.wide_latency + len(wide)] == wide
    assert [pair[1] for pair in got][dut.latency:] == narrow


def halves(total):
    """Return the upper and the lower half of 32 bits, each with a sign."""
    return tuple((half + (1 << 15)) % (1 << 16) - (1 << 15) for half in (total >> 16, total))


@pytest.mark.parametrize("square", [False, True])
def test_model_of_products(square):
    """In Python's integers; behind a shift of 1 less rounding, what comes is the product itself."""
    by, values = corners(np.random.default_rng(3), 32)
    found = golden.Post("tflm").product(values, by, square=square)
    for index, total in np.ndenumerate(values):
        upper, lower = halves(int(total))
        bias, shift = int(by.bias[index[1]]), int(by.shift[index[1]])
        whole = (lower << 16 | lower & 0xffff if square else int(total)) + bias
        product = Fraction(2 * halves(whole)[0] * lower, 1 << shift)
        away = (abs(product) + Fraction(1, 2)).__floor__() * (1 if product >= 0 else -1)
        assert found[index] == (away + (1 << 31)) % (1 << 32) - (1 << 31)


@pytest.mark.parametrize("kind, rounding, hard", [
    (Lane, "tflm", True), (Lane, "tflm", False), (CompactLane, "single", False),
    (AddingLane, "even", True), (AddingLane, "tflm", True)])
def test_lane_that_multiplies(kind, rounding, hard):
    """Products, squares, and what every lane does; one kind after the other."""
    by, values = corners(rng := np.random.default_rng(4), 32)
    values = values[rng.permutation(len(values))[:12]]
    negative = rng.random(32) < 0.5
    by = golden.Parameters(by.bias, by.multiplier - (negative.astype(np.int64) << 31), by.shift)
    model, dut = golden.Post(rounding), kind(rounding, "generic", hard=hard, products=True)

    async def testbench(ctx):
        for factors in (0, 1, 3):
            expected = model.product(values, by, square=factors == 3) if factors else \
                model.wide(values, by)
            ctx.set(dut.factors, {"product": factors & 1, "square": factors >> 1})
            await ctx.tick().repeat(dut.wide_latency)
            found = []
            for n in range(values.size + dut.wide_latency):
                column = n % 32
                ctx.set(dut.sum, int(values.flat[n % values.size]))
                ctx.set(dut.parameters, {
                    "bias": int(by.bias[column]), "shift": int(by.shift[column]),
                    "multiplier": int(by.multiplier[column]) & (1 << 31) - 1,
                    "negative": int(negative[column])})
                found.append(ctx.get(dut.wide))
                await ctx.tick()
            assert found[dut.wide_latency:] == expected.ravel().tolist()

    simulate(dut, testbench)


def test_lane_that_adds_takes_as_long():
    for name in ("latency", "wide_latency"):
        assert getattr(AddingLane, name) == getattr(CompactLane, name)


def test_lane_rounding_wrong():
    with pytest.raises(ValueError, match=r"^Rounding must be one of .*, not 'odd'$"):
        Lane("odd", "generic")


def of(columns, lanes, **fields):
    """Return the Design of a small accelerator."""
    return Design(rows=4, columns=columns, lanes=lanes, activation_memory=64, program_memory=64,
                  partial_sums=4, **fields)


COCOTB = {
    "array": Design(rows=8, columns=8),
    "one-lane": of(6, 1),
    "odd": of(7, 3, rounding="single"),
    "all-lanes": of(5, 5, rounding="single"),
    "even": of(6, 3, rounding="even"),
    "ecp5": of(4, 3, family="ecp5", device="LFE5U-85F", hard_lanes=1),
    "ecp5-single": of(4, 4, family="ecp5", device="LFE5U-85F", hard_lanes=4,
                      rounding="single"),
    "ice40": of(4, 2, family="ice40", device="iCE40UP5K", hard_lanes=1),
    "gowin": of(4, 2, family="gowin", device="GW1NR-9C", hard_lanes=2),
}


@pytest.mark.parametrize("name", quick(COCOTB, "ice40"))
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("post", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()


@pytest.mark.slow
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("columns, lanes", [(32, 32), (32, 5), (19, 18), (4, 4), (31, 1)])
def test_verilog_of_every_shape_matches_model(columns, lanes, rounding, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("post", of(columns, lanes, rounding=rounding), tmp_path,
                        simulator="verilator", waves=False, seed=1).check()
