# amaranth: UnusedElaboratable=no
import random
from itertools import product

import numpy as np
import pytest
from amaranth import Shape, signed, unsigned

from hwgen.arch.design import Design
from hwgen.generate.design import component, model
from hwgen.golden.systolic import systolic as golden
from hwgen.rtl.systolic.systolic import OutputStationary, WeightStationary, sum_shape
from sim.regression import simulate
from sim.systolic.tiles import PRIME, Workload

from ...cases import quick, some
from ...formal import prove
from ..tile_player import play
from .spec_systolic import OutputStationarySpec, WeightStationarySpec

TYPES = ["int2", "int4", "int8", "int16", "uint2", "uint4", "uint8", "uint16"]
SHAPES = [(1, 1), (1, 7), (3, 5), (8, 8), (9, 16), (16, 4)]


@pytest.mark.parametrize("terms", [1, 2, 3, 9, 64, 1000])
@pytest.mark.parametrize("w", [signed(2), signed(8), unsigned(3), unsigned(8)])
@pytest.mark.parametrize("a", [signed(2), signed(8), unsigned(3), unsigned(8)])
def test_sum_shape(a, w, terms):
    shape = sum_shape(a, w, terms)

    def ends(shape):
        low = -(1 << shape.width - 1) if shape.signed else 0
        return low, low + (1 << shape.width) - 1

    products = [x * y for x in ends(a) for y in ends(w)]
    low, high = ends(shape)
    assert low <= terms * min(products) and terms * max(products) <= high
    low, high = ends(Shape(shape.width - 1, shape.signed))
    assert terms * min(products) < low or high < terms * max(products)


@pytest.mark.parametrize("rows, columns", SHAPES)
def test_model(rows, columns):
    rng = np.random.default_rng(rows)
    a, w = rng.integers(-128, 128, (20, rows)), rng.integers(-128, 128, (rows, columns))
    stationary = golden.WeightStationary(rows=rows, columns=columns)
    np.testing.assert_array_equal(stationary.matrix(a, w), np.einsum("vr,rc->vc", a, w))
    w = rng.integers(-128, 128, (20, columns))
    sums = golden.OutputStationary(rows=rows, columns=columns).matrix(a, w)
    np.testing.assert_array_equal(sums, np.einsum("kr,kc->rc", a, w)[::-1])


@pytest.mark.parametrize("width, signed, value, kept", [
    (8, True, 127, 127), (8, True, 128, -128), (8, True, -129, 127), (8, False, 256, 0),
    (8, False, 255, 255), (1, False, 3, 1), (64, True, -5, -5), (63, True, 2**62, -(2**62)),
])
def test_wrap(width, signed, value, kept):
    assert golden.wrap(np.array([value]), width, signed) == [kept]


@pytest.mark.parametrize("rows, lines, kernel, packed_rows", [
    (9, 3, (3, 3), 0), (16, 3, (3, 3), 0), (10, 3, (3, 3), 0), (12, 3, (2, 4), 0),
    (5, 1, (1, 5), 0), (9, 9, (9, 1), 0), (4, 2, (2, 1), 0), (16, 3, (3, 3), 7),
])
def test_model_convolves(rows, lines, kernel, packed_rows):
    """A depthwise tile is a convolution, each column of a channel of its own."""
    height, width, columns = kernel[0], 12, 3
    rng = np.random.default_rng(rows)
    image = rng.integers(-128, 128, (height, width, columns))
    taps = rng.integers(-128, 128, (*kernel, columns))
    array = golden.WeightStationary(rows=rows, columns=columns, lines=lines,
                                    packed_rows=packed_rows)
    weights = np.zeros((rows, columns), np.int64)
    weights[rows - packed_rows:] = 1
    for line in range(height):
        first = [row for row in range(rows) if array.line(row) == line][0]
        for tap in range(kernel[1]):  # the newest pixel is in a line's first row
            weights[first + tap] = taps[line, kernel[1] - 1 - tap]
    pixels = np.zeros((width, lines, columns), np.int64)
    pixels[:, :height] = image.transpose(1, 0, 2)
    sums = array.depthwise(pixels, weights)[kernel[1] - 1:]
    direct = [(image[:, x:x + kernel[1]] * taps).sum(axis=(0, 1))
              for x in range(width - kernel[1] + 1)]
    np.testing.assert_array_equal(sums, direct)


@pytest.mark.parametrize("activations, weights, lines", some([*product(TYPES, TYPES, [0, 2])], 25))
def test_weight_stationary_matches_model(activations, weights, lines):
    random.seed(0)
    work = Workload(Design(rows=3, columns=2, lines=lines, activations=activations,
                           weights=weights))
    ends = ("low", "high")
    tiles = [work.matrix_tile(2, *extremes) for extremes in product(ends, ends)]
    tiles += [work.matrix_tile(length) for length in (1, 3, 7)]
    tiles += [work.depthwise_tile(length) for length in (8, 3) if lines] + [work.matrix_tile(1)]
    work.check(play(work, tiles, gap=0.3), tiles)


@pytest.mark.parametrize("fields", [
    {"rows": 1, "columns": 2, "packed_rows": 1}, {"rows": 2, "columns": 2, "packed_rows": 2},
    {"rows": 2, "columns": 4, "packed_rows": 1}, {"rows": 4, "columns": 5, "packed_rows": 3},
    {"rows": 5, "columns": 3, "packed_rows": 2, "lines": 2},
    {"rows": 4, "columns": 4, "packed_rows": 3, "lines": 1},
    *({"rows": 3, "columns": 2, "packed_rows": 2, "accumulator": bits} for bits in (2, 11, 40)),
    {"rows": 5, "columns": 2, "packed_rows": 3, "depth": 1},
])
def test_packed_rows_match_model(fields):
    """At the ends of the range, too, where the products of two columns overlap most."""
    random.seed(0)
    work = Workload(Design(**fields))
    ends = ("low", "high")
    tiles = [work.matrix_tile(2, *extremes) for extremes in product(ends, ends)]
    tiles += [work.matrix_tile(length) for length in (1, 3, 9)]
    tiles += [work.depthwise_tile(length) for length in (8, 3) if work.design.lines]
    tiles.append(work.matrix_tile(1))
    for gap in (0.0, 0.3):
        work.check(play(work, tiles, gap=gap), tiles)


@pytest.mark.parametrize("activations, weights", some([*product(TYPES, TYPES)], 15))
def test_output_stationary_matches_model(activations, weights):
    random.seed(0)
    work = Workload(Design(dataflow="os", rows=3, columns=2, depth=7, activations=activations,
                           weights=weights))
    ends = ("low", "high")
    tiles = [work.matrix_tile(7, *extremes) for extremes in product(ends, ends)]
    tiles += [work.matrix_tile(length) for length in (1, 1, 3, 7)]
    work.check(play(work, tiles, gap=0.3), tiles)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
@pytest.mark.parametrize("accumulator", [2, 5, 11, 40, 64])
def test_accumulator(dataflow, accumulator):
    """A sum wraps in a narrower accumulator, and keeps its sign in a wider one."""
    random.seed(accumulator)
    work = Workload(Design(dataflow=dataflow, rows=3, columns=2, accumulator=accumulator))
    tiles = [work.matrix_tile(5) for _ in range(3)]
    work.check(play(work, tiles), tiles)


@pytest.mark.parametrize("rows, columns", SHAPES[:3])  # the larger ones: in the cocotb bench
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_interval(dataflow, rows, columns):
    """N tiles of P vectors take N * P + latency cycles, and an array that drains its last rows."""
    for beyond in (0, 3):
        work = Workload(Design(dataflow=dataflow, rows=rows, columns=columns))
        tiles = [work.matrix_tile(rows + beyond) for _ in range(3)]
        played = play(work, tiles, ahead=work.dut.rows if dataflow == "ws" else 0)
        work.check(played, tiles)
        taken = played.cycles[-1] - played.activations[0] + 1
        drain = {"ws": 0, "os": rows - 1}[dataflow]
        assert taken == 3 * (rows + beyond) + work.dut.latency + drain


@pytest.mark.parametrize("rows, columns", SHAPES)
def test_latency(rows, columns):
    """The formulas of the documentation."""
    stationary = component(Design(rows=rows, columns=columns))
    assert stationary.latency == rows + columns + 2
    stationary = component(Design(rows=rows, columns=columns, dataflow="os"))
    assert stationary.latency == rows + columns + 3
    packed = WeightStationary(rows, columns, signed(8), signed(8), depth=rows, packed_rows=1)
    assert packed.latency == rows + (columns + 1) // 2 + 4


@pytest.mark.parametrize("rows", [9, 11, 16])
def test_depthwise_keeps_nine_cells_busy(rows):
    """In a 3x3 tile nine cells of every column multiply a pixel by a tap for every sum."""
    array = model(Design(rows=rows, columns=2, lines=3))
    taps = np.zeros((rows, 2), np.int64)
    for line in range(3):
        first = [row for row in range(rows) if array.line(row) == line][0]
        taps[first:first + 3] = 1
    pixels = np.ones((10, 3, 2), np.int64)
    assert (array.depthwise(pixels, taps, np.zeros((rows, 2)))[2:] == 9).all()
    assert (array.taps(pixels, np.zeros((rows, 2)))[2:] * taps).sum() == 8 * 9 * 2


COCOTB = {
    **{f"ws-{rows}x{columns}": Design(rows=rows, columns=columns) for rows, columns in SHAPES},
    "ws-3x5-mixed": Design(rows=3, columns=5, activations="uint8", weights="int4"),
    "ws-9x16-depthwise": Design(rows=9, columns=16, lines=3),
    "ws-5x2-lines5": Design(rows=5, columns=2, lines=5, activations="int16", weights="uint16"),
    "os-1x7": Design(dataflow="os", rows=1, columns=7, depth=9),
    "os-8x8": Design(dataflow="os", rows=8, columns=8, activations="uint4"),
    "ws-8x8-ecp5": Design(rows=8, columns=8, lines=3, family="ecp5", device="LFE5U-85F", dsps=50),
    "ws-9x5-packed": Design(rows=9, columns=5, lines=2, packed_rows=4),
    "ws-8x8-packed-ecp5": Design(rows=8, columns=8, packed_rows=8, family="ecp5",
                                 device="LFE5U-85F"),
    "ws-8x7-packed-ecp5": Design(rows=8, columns=7, lines=3, packed_rows=4, family="ecp5",
                                 device="LFE5U-85F", dsps=35),
    "os-5x5-ecp5": Design(dataflow="os", rows=5, columns=5, family="ecp5", dsps=9),
    "ws-4x4-ice40": Design(rows=4, columns=4, family="ice40", device="iCE40UP5K"),
    "ws-5x3-ice40-wide": Design(rows=5, columns=3, activations="int12", family="ice40",
                                device="iCE40UP5K"),
    "ws-5x8-gowin": Design(rows=5, columns=8, family="gowin", device="GW1NR-9C"),
}


@pytest.mark.parametrize("name", quick(
    COCOTB, "ws-5x2-lines5", "ws-9x5-packed", "os-1x7"))
def test_verilog_matches_model(name, tmp_path):
    simulate("systolic", COCOTB[name], tmp_path, simulator="verilator", waves=False,
             seed=0).check()


@pytest.mark.slow
@pytest.mark.parametrize("rows, columns", [*SHAPES, (64, 1), (1, 64), (17, 23), (32, 32)])
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_verilog_of_every_shape_matches_model(dataflow, rows, columns, tmp_path):
    design = Design(dataflow=dataflow, rows=rows, columns=columns, depth=100,
                    lines=min(rows, 3) if dataflow == "ws" else 0)
    simulate("systolic", design, tmp_path, simulator="verilator", waves=False, seed=1).check()


@pytest.mark.slow
@pytest.mark.parametrize("weights", TYPES)
@pytest.mark.parametrize("activations", TYPES)
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_verilog_of_every_type_matches_model(dataflow, activations, weights, tmp_path):
    design = Design(dataflow=dataflow, rows=4, columns=3, activations=activations,
                    weights=weights)
    simulate("systolic", design, tmp_path, simulator="verilator", waves=False, seed=2).check()


SPECS = {
    "ws-2x2": (WeightStationarySpec, WeightStationary(2, 2, signed(2), signed(2), depth=2)),
    "ws-1x2": (WeightStationarySpec, WeightStationary(1, 2, unsigned(2), signed(2), depth=1)),
    "ws-3x1": (WeightStationarySpec, WeightStationary(3, 1, signed(2), unsigned(2), depth=3)),
    "ws-3x1-lines": (WeightStationarySpec,
                     WeightStationary(3, 1, signed(2), signed(2), depth=3, lines=2)),
    "os-2x2": (OutputStationarySpec, OutputStationary(2, 2, signed(2), signed(2), depth=8)),
    "os-1x2": (OutputStationarySpec, OutputStationary(1, 2, unsigned(2), signed(2), depth=8)),
    "os-3x1": (OutputStationarySpec, OutputStationary(3, 1, signed(2), unsigned(2), depth=8)),
}


@pytest.mark.formal
@pytest.mark.parametrize("name", quick(SPECS, "os-1x2", "ws-3x1-lines"))
def test_contract(name, tmp_path):
    """Ready, valid and every sum are as the spec says, whatever comes in, resets included."""
    spec, dut = SPECS[name]
    prove(spec(dut), tmp_path, depth=dut.latency + 2 * dut.rows + 3)


@pytest.mark.formal
def test_contract_can_fail(tmp_path):
    """The proof of a spec that promises a cycle less does not go through."""
    class Hasty(WeightStationary):
        latency = WeightStationary(1, 1, signed(2), signed(2), depth=1).latency - 1

    dut = Hasty(1, 1, signed(2), signed(2), depth=1)
    with pytest.raises(AssertionError, match="proof did fail"):
        prove(WeightStationarySpec(dut), tmp_path, depth=8)


@pytest.mark.parametrize("parameters, message", [
    ((0, 1, signed(8), signed(8), 1), r"^Rows must be a positive integer, not 0$"),
    ((1, 2.0, signed(8), signed(8), 1), r"^Columns must be a positive integer, not 2.0$"),
    ((1, 1, signed(8), signed(8), "1"), r"^Depth must be a positive integer, not '1'$"),
])
def test_size_wrong(parameters, message):
    *parameters, depth = parameters
    with pytest.raises(TypeError, match=message):
        WeightStationary(*parameters, depth=depth)


def test_lines_wrong():
    with pytest.raises(ValueError, match=r"^Lines must be 0 to the 2 rows, not 3$"):
        WeightStationary(2, 2, signed(8), signed(8), depth=2, lines=3)


def test_lines_wrong_where_sums_stay():
    with pytest.raises(ValueError, match=r"^Lines must be 0 where sums stay, not 1$"):
        OutputStationary(2, 2, signed(8), signed(8), depth=2, lines=1)


@pytest.mark.parametrize("kind, options, message", [
    (WeightStationary, {"packed_rows": 3}, r"^Packed rows must be 0 to 2, not 3$"),
    (OutputStationary, {"packed_rows": 1}, r"^Packed rows must be 0 to 0, not 1$"),
    (WeightStationary, {"packed_rows": 1, "lines": 2}, r"^Lines must be 0 to the 1 rows, not 2$"),
    (WeightStationary, {"packed_rows": 1, "family": "gowin"}, r"^Family must be one of \('gen"),
])
def test_packed_rows_wrong(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(2, 2, signed(8), signed(8), depth=2, **options)


def test_operands_of_packed_rows_wrong():
    with pytest.raises(ValueError, match=r"^Operands of packed rows must be signed\(8\), not "
                                         r"signed\(8\) and signed\(4\)$"):
        WeightStationary(2, 2, signed(8), signed(4), depth=2, packed_rows=1)


def test_family_wrong():
    with pytest.raises(ValueError, match=r"^Family must be one of "):
        WeightStationary(2, 2, signed(8), signed(8), depth=2, family="xilinx")


def test_prime_vectors_give_no_sums():
    random.seed(3)
    work = Workload(Design(rows=3, columns=1, lines=1))
    tile = work.depthwise_tile(6)
    tile.kinds = [PRIME] * 6
    tiles = [work.matrix_tile(1), tile, work.matrix_tile(1)]
    played = play(work, tiles)
    work.check(played, tiles)
    assert len(played.sums) == 2
