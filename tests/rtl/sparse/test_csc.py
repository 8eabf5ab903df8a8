# amaranth: UnusedElaboratable=no
from itertools import combinations

import numpy as np
import pytest

from hwgen.compiler.csc import encode, storage
from hwgen.compress.codebook import cluster, share_weights
from hwgen.errors import UserError
from hwgen.golden.sparse.decoder import EntryFormat, decode, transfers
from hwgen.rtl.sparse.decoder import Decoder
from sim.regression import simulate_unit as simulate
from sim.sparse.matrices import random_format, random_matrix

from ...cases import quick
from ...formal import prove
from ...mutation import mutant
from .spec_sparse import DecoderSpec


def test_model():
    """Entries put together by hand: the index in the low bits, here two; index 3 is padding."""
    matrix = np.zeros((9, 3), np.int64)
    matrix[[0, 1, 4], 0] = [5, -1, 7]
    matrix[8, 2] = -8
    form = EntryFormat(index_bits=2, value_bits=4)
    lane, = encode(matrix, form).lanes
    assert lane.pointers.tolist() == [0, 3, 3, 5]
    assert lane.entries.tolist() == [5 << 2, 15 << 2, 7 << 2 | 2, 1 << 2 | 3, 8 << 2 | 1]
    assert transfers(form, [lane.column(c) for c in range(3)], 9) == [
        (0, 5, True, False), (1, -1, True, False), (4, 7, True, True),
        (0, 0, False, True), (8, -8, True, True)]


@pytest.mark.parametrize("gap, padding", [
    (0, []), (2, []), (3, [3]), (5, [3]), (6, [3, 3]), (7, [7]), (9, [7]), (10, [7, 3]),
    (11, [7, 3]), (12, [7, 3]), (13, [7, 3, 3]), (14, [7, 7]), (100, [7] * 14)])
def test_padding(gap, padding):
    """An entry of three bits stands for 3 or 7 zeros."""
    matrix = np.zeros((gap + 1, 1), np.int64)
    matrix[gap] = -1
    compressed = encode(matrix, EntryFormat(index_bits=2, value_bits=1))
    entries = compressed.lanes[0].entries.tolist()
    assert entries[:-1] == padding
    assert entries[-1] == (gap - sum(padding)) | 1 << 2
    np.testing.assert_array_equal(decode(compressed), matrix)


def test_lanes():
    """Row r belongs to lane r modulo their number; a lane may have no row."""
    matrix = np.arange(1, 6)[:, None]
    found = encode(matrix, EntryFormat(), 3).lanes
    assert [(lane.entries >> 4).tolist() for lane in found] == [[1, 4], [2, 5], [3]]
    lanes = encode(matrix, EntryFormat(), 7).lanes
    assert [len(lane.entries) for lane in lanes] == [1] * 5 + [0] * 2


def check_matrices(seed, count, largest):
    """Encode and decode matrices of all kinds."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        form = random_format(rng)
        matrix = random_matrix(rng, form, largest)
        compressed = encode(matrix, form, int(rng.integers(1, 18)))
        np.testing.assert_array_equal(decode(compressed), matrix)
        for lane in compressed.lanes:
            assert lane.pointers[0] == 0 and lane.pointers[-1] == len(lane.entries)
            assert ((0 <= lane.entries) & (lane.entries < 1 << form.width)).all()
            assert len(lane.pointers) == matrix.shape[1] + 1


@pytest.mark.parametrize("seed", range(4))
def test_decoded_is_encoded(seed):
    check_matrices(seed, 500, 24)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 24))
def test_decoded_is_encoded_of_many(seed):
    check_matrices(seed, 1000, 24)
    check_matrices(seed, 20, 600)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 700), (70000, 1)])
@pytest.mark.parametrize("density", [0, 0.01, 1])
@pytest.mark.parametrize("index_bits", range(2, 9))
def test_decoded_is_encoded_at_the_edges(shape, density, index_bits):
    rng = np.random.default_rng(index_bits)
    matrix = rng.integers(1, 128, shape) * (rng.random(shape) < density)
    matrix[-1, -1] = density > 0  # the longest gap
    compressed = encode(matrix, EntryFormat(index_bits=index_bits), 1)
    np.testing.assert_array_equal(decode(compressed), matrix)


def test_transfers_are_decoded():
    """What the decoder gives is the matrix, too."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        form = random_format(rng)
        matrix = random_matrix(rng, form, 24)
        lane, = encode(matrix, form).lanes
        column, found = 0, np.zeros_like(matrix)
        for row, weight, some, last in transfers(
                form, [lane.column(c) for c in range(matrix.shape[1])], len(matrix)):
            found[row, column] += weight
            assert some == (weight != 0)
            column += last
        assert column == matrix.shape[1]
        np.testing.assert_array_equal(found, matrix)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("seed", range(10))
def test_codebook_is_the_best(seed, count):
    """No other weights stand for these with a smaller error."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-9, 10, 40) if seed % 2 else rng.integers(3, 12, 40)
    book = cluster(weights, count)

    def error(codebook):
        return ((weights - share_weights(weights, codebook)) ** 2).sum()

    assert len(set(book)) == count and 0 not in book
    candidates = [n for n in range(-10, 13) if n]
    assert error(book) == min(error(other) for other in combinations(candidates, count))


@pytest.mark.parametrize("count", [2, 4, 16, 64, 256])
def test_codebook(count):
    weights = np.random.default_rng(count).normal(0, 30, (50, 60)).round().clip(-128, 127)
    book = cluster(weights.astype(int), count)
    form = EntryFormat(value_bits=max(count - 1, 1).bit_length(), codebook=book)
    matrix = share_weights(weights.astype(int), book)
    np.testing.assert_array_equal(decode(encode(matrix, form, 4)), matrix)
    np.testing.assert_array_equal(matrix == 0, weights == 0)


def test_codebook_of_few_weights():
    assert set(cluster(np.array([0, 3, 3, 0]), 4)) >= {3}
    assert len(cluster(np.zeros(3, int), 2)) == 2


def test_storage():
    """Bits counted by hand for a matrix of 40 weights, three of them not 0."""
    matrix = np.zeros((20, 2), np.int64)
    matrix[[0, 19], 0] = 1
    matrix[3, 1] = 2
    bits = storage(encode(matrix, EntryFormat(index_bits=4, value_bits=8)))
    assert (bits.nonzeros, bits.padding, bits.entries) == (3, 1, 4)
    assert bits.dense == 40 * 8
    assert bits.bitmap == 40 + 3 * 8
    assert bits.run_length == 4 * 12
    assert bits.csc == 4 * 12 + 3 * 3  # three pointers to 0 to 4
    form = EntryFormat(index_bits=4, value_bits=1, codebook=(1, 2))
    bits = storage(encode(matrix, form, 2))
    assert bits.entries == 3  # half as many rows a lane: no padding
    assert (bits.dense, bits.bitmap) == (40 * 8, 40 + 3 + 16)
    assert bits.csc == 3 * 5 + 2 * 3 * 2 + 16


@pytest.mark.parametrize("fields, message", [
    ({"index_bits": 1}, "^index_bits must be 2 to 8, not 1$"),
    ({"index_bits": 9}, "^index_bits must be 2 to 8, not 9$"),
    ({"value_bits": 0}, "^value_bits must be 1 to 8, not 0$"),
    ({"value_bits": 2.0}, "^value_bits must be 1 to 8, not 2.0$"),
    ({"value_bits": 1, "codebook": (1, 2, 3)}, "must have 2 to 2 weights, not 3$"),
    ({"codebook": (1,)}, "must have 2 to 256 weights, not 1$"),
    ({"codebook": (1, 1)}, "must differ$"),
    ({"codebook": (1, 128)}, "must be -128 to 127, not 128$"),
])
def test_format_wrong(fields, message):
    with pytest.raises(UserError, match=message):
        EntryFormat(**fields)


@pytest.mark.parametrize("matrix, fields, lanes, message", [
    ([[8]], {"value_bits": 4}, 1, "^values of 4 bits hold weights of -8 to 7, not 8$"),
    ([[0, 3]], {"codebook": (1, 2)}, 1, "^the codebook has no weight 3$"),
    ([[1]], {}, 0, "^lanes must be at least 1, not 0$"),
    ([1], {}, 1, "^weights must be a matrix .*, not of shape"),
    (np.zeros((0, 3)), {}, 1, "^weights must be a matrix .*, not of shape"),
])
def test_matrix_wrong(matrix, fields, lanes, message):
    with pytest.raises(UserError, match=message):
        encode(np.array(matrix), EntryFormat(**fields), lanes)


@pytest.mark.parametrize("count", [1, 257])
def test_codebook_size_wrong(count):
    with pytest.raises(UserError, match=f"must have 2 to 256 weights, not {count}"):
        cluster(np.array([1]), count)


COCOTB = {
    "direct": {"rows": 32},
    "codebook": {"rows": 200, "value_bits": 4, "codebook": True},
    "narrow": {"rows": 64, "index_bits": 2, "value_bits": 1},
    "one-row": {"rows": 1, "index_bits": 2, "value_bits": 3, "codebook": True},
    "wide": {"rows": 3000, "index_bits": 8, "value_bits": 8, "codebook": True},
    "three": {"rows": 3, "index_bits": 3, "value_bits": 5},
    "long": {"rows": 5000, "index_bits": 2, "value_bits": 2},
}


@pytest.mark.parametrize("name", quick(COCOTB, "codebook"))
def test_verilog_matches_model(name, tmp_path):
    simulate("csc", tmp_path, **COCOTB[name]).check()


@pytest.mark.slow
@pytest.mark.parametrize("codebook", [False, True])
@pytest.mark.parametrize("index_bits", range(2, 9))
def test_verilog_of_every_index_width_matches_model(index_bits, codebook, tmp_path):
    simulate("csc", tmp_path, rows=77, index_bits=index_bits, value_bits=10 - index_bits,
             codebook=codebook, seed=index_bits).check()


SPECS = {
    "direct": Decoder(6, index_bits=2, value_bits=2),
    "codebook": Decoder(4, index_bits=2, value_bits=1, codebook=True),
    "one-row": Decoder(1, index_bits=2, value_bits=2),
    "wide": Decoder(20, index_bits=3, value_bits=3),
}


@pytest.mark.formal
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] if name in ("wide", "direct") else [])
    for name in SPECS])
def test_contract(name, tmp_path):
    """Every entry comes out once and in order, whatever comes in and however all wait."""
    prove(DecoderSpec(SPECS[name]), tmp_path, depth=12)


@pytest.mark.formal
@pytest.mark.parametrize("right, wrong", [
    ("moves.eq(~self.o.valid | self.o.ready)", "moves.eq(1)"),
    ("self.i.ready.eq(moves)", "self.i.ready.eq(1)"),
    ("reached + ~padding", "reached + 1"),
    ("with m.If(taken & p.last)", "with m.If(self.i.valid & p.last)"),
    ("self.i.valid & (weighs | p.last)", "self.i.valid & weighs"),
])
def test_contract_can_fail(right, wrong, tmp_path):
    """The proof of a decoder with a defect does not go through."""
    defect = mutant(Decoder, right, wrong)
    with pytest.raises(AssertionError, match="proof did fail"):
        prove(DecoderSpec(defect(6, index_bits=2, value_bits=2)), tmp_path, depth=12)


@pytest.mark.parametrize("options, kind, message", [
    ({"rows": 0}, TypeError, "^Rows must be a positive integer, not 0$"),
    ({"rows": 4, "index_bits": 1}, ValueError, "^Index bits must be 2 to 8, not 1$"),
    ({"rows": 4, "value_bits": 9}, ValueError, "^Value bits must be 1 to 8, not 9$"),
])
def test_decoder_wrong(options, kind, message):
    with pytest.raises(kind, match=message):
        Decoder(**options)
