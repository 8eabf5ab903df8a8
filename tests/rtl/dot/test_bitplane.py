# amaranth: UnusedElaboratable=no
import numpy as np
import pytest
from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert

from hwgen.arch.design import Design
from hwgen.golden.dot import bitplane as golden
from hwgen.rtl.dot.bitplane import BitPlane, Tag
from hwgen.rtl.primitives.popcount import PopulationCount
from sim.dot.planes import KINDS, exhaustive, products

from ...bench import simulate
from ...formal import prove

LANES = [2, 3, 4, 5, 8, 13, 16, 31, 128]


def play(dut, work):
    """Return what comes of products, one after the other, and when; lanes are bits of a number."""
    found = []

    async def testbench(ctx):
        cycle = 0
        for product in [*work, None]:
            pairs = golden.order(**product.formats) if product else [None] * (dut.latency + 1)
            if product:
                of_a = golden.planes(product.a, product.a_bits)
                of_b = golden.planes(product.b, product.b_bits)
            for pair in pairs:
                tag = {"valid": 0}
                if pair:
                    tag = {name: getattr(pair, name) for name in
                           ("first", "shift", "negative", "last")} | {"valid": 1}
                    ctx.set(dut.a, int("".join(map(str, of_a[pair.a][::-1])), 2))
                    ctx.set(dut.b, int("".join(map(str, of_b[pair.b][::-1])), 2))
                ctx.set(dut.tag, tag)
                if ctx.get(dut.o_valid):
                    found.append((cycle, ctx.get(dut.o)))
                await ctx.tick()
                cycle += 1

    simulate(dut, testbench, budget=100_000)
    return found


def sums(dut, work):
    """Return the sums of products, which must come at the right cycles."""
    found = play(dut, work)
    ends = np.cumsum([product.a_bits * product.b_bits for product in work])
    assert [cycle for cycle, _ in found] == (ends - 1 + dut.latency).tolist()
    return [word >> (dut.tail - (product.a_bits + product.b_bits - 2))
            for (_, word), product in zip(found, work, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_model(kind):
    for product in products(np.random.default_rng(0), 5, [1, 2, 3, 7, 8, 15, 16], [kind]):
        assert golden.BitPlane().dot(product.a, product.b, **product.formats) == product.exact


def test_model_exhaustive():
    for product in exhaustive(np.random.default_rng(0), 2):
        assert golden.BitPlane().dot(product.a, product.b, **product.formats) == product.exact


def test_model_xnor():
    """Bits are +1 and -1, so numbers of more bits are odd."""
    rng = np.random.default_rng(1)
    for bits in range(1, 9):
        a, b = rng.integers(0, 1 << bits, (2, 6))
        odd = [2 * x - ((1 << bits) - 1) for x in (a, b)]
        assert golden.BitPlane("xnor").dot(a, b, bits, bits, a_signed=False,
                                           b_signed=False) == odd[0] @ odd[1]


@pytest.mark.parametrize("bits", [(1, 1), (4, 7), (16, 16)])
def test_order(bits):
    """Every pair of planes once, by rising weight; one cycle each."""
    pairs = list(golden.order(*bits, a_signed=True, b_signed=True))
    assert len({(pair.a, pair.b) for pair in pairs}) == len(pairs) == bits[0] * bits[1]
    weights = [pair.a + pair.b for pair in pairs]
    assert np.cumsum([pair.shift for pair in pairs]).tolist() == weights
    assert [pair.first for pair in pairs] == [True] + [False] * (len(pairs) - 1)
    assert [pair.last for pair in pairs] == [False] * (len(pairs) - 1) + [True]


@pytest.mark.parametrize("gate", ["and", "xor"])
@pytest.mark.parametrize("lanes", LANES)
def test_count(lanes, gate):
    rng = np.random.default_rng(lanes)
    dut = PopulationCount(lanes, gate, "generic")
    every = (1 << lanes) - 1
    work = [(every, every), (0, every), (0, 0)]
    work += [tuple(int.from_bytes(rng.bytes(16), "little") & every for _ in range(2))
             for _ in range(40)]
    found = []

    async def testbench(ctx):
        for n in range(len(work) + dut.latency):
            a, b = work[min(n, len(work) - 1)]
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            ctx.set(dut.complement, n % 2)
            found.append(((n + 1) % 2, ctx.get(dut.o), ctx.get(dut.one)))
            await ctx.tick()

    simulate(dut, testbench)
    for (a, b), (complement, o, one) in zip(work, found[dut.latency:], strict=True):
        count = (a & b if gate == "and" else a ^ b).bit_count()
        inverted = complement * ((1 << dut.width) - 1)
        assert (o ^ inverted) + (one ^ complement) == count


@pytest.mark.parametrize("lanes", LANES)
def test_matches_model(lanes):
    rng = np.random.default_rng(lanes)
    work = list(products(rng, lanes, precisions=[1, 2, 5], kinds=["random", "low", "high"]))
    dut = BitPlane(lanes, depth=1)
    assert sums(dut, work) == [golden.BitPlane().dot(p.a, p.b, **p.formats) for p in work]


@pytest.mark.parametrize("lanes", [2, 4, 32, 128])
def test_xnor_matches_model(lanes):
    rng = np.random.default_rng(lanes)
    work = list(products(rng, lanes, precisions=[1, 3], kinds=["random", "low", "high"]))
    dut, model = BitPlane(lanes, gate="xnor", precision=3, depth=1), golden.BitPlane("xnor")
    assert [2 * half for half in sums(dut, work)] == [
        model.dot(p.a, p.b, **p.formats) for p in work]


@pytest.mark.parametrize("wrong, message", [
    ({"lanes": 1}, "lanes must be an integer of at least 2, not 1"),
    ({"lanes": 4, "gate": "or"}, "gate must be one of .*, not 'or'"),
    ({"lanes": 4, "family": "x"}, "family must be one of .*, not 'x'"),
    ({"lanes": 4, "precision": 17}, "precision must be 1 to 16, not 17"),
    ({"lanes": 4, "depth": 0}, "depth must be an integer of at least 1, not 0"),
    ({"lanes": 6, "gate": "xnor"}, "lanes must be a power of two with xnor, not 6"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        BitPlane(**wrong)


class ProductSpec(Elaboratable):
    """One product of free numbers, from planes in their order: it must be what ``*`` gives."""

    def __init__(self, a_shape, b_shape, lanes):
        self.a_shape = a_shape
        self.b_shape = b_shape
        self.lanes = lanes
        self.sync = ClockDomain("sync")
        self.dut = BitPlane(lanes, precision=max(a_shape.width, b_shape.width), depth=1)
        self.pairs = list(golden.order(a_shape.width, b_shape.width, a_signed=a_shape.signed,
                                       b_signed=b_shape.signed))

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        m.submodules.dut = dut = self.dut
        m.d.comb += self.sync.rst.eq(0)
        a, b = ([Signal(shape, name=f"{name}_{lane}") for lane in range(self.lanes)]
                for name, shape in (("a", self.a_shape), ("b", self.b_shape)))
        for value in (*a, *b):
            m.d.comb += Value.cast(value).eq(AnyConst(len(value)))
        step = Signal(range(len(self.pairs) + 1))
        with m.Switch(step):
            for index, pair in enumerate(self.pairs):
                with m.Case(index):
                    m.d.sync += step.eq(index + 1)
                    m.d.comb += [dut.a.eq(Cat(x[pair.a] for x in a)),
                                 dut.b.eq(Cat(y[pair.b] for y in b)),
                                 dut.tag.eq(Tag.const({
                                     "valid": 1, "first": pair.first, "shift": pair.shift,
                                     "negative": pair.negative, "last": pair.last}))]
        shifts = self.a_shape.width + self.b_shape.width - 2
        with m.If(dut.o_valid):
            m.d.comb += Assert(dut.o >> (dut.tail - shifts)
                               == sum((x * y for x, y in zip(a, b, strict=True)), start=C(0)))
        ended = Signal(8)
        m.d.sync += ended.eq(ended + 1)
        m.d.comb += Assert(dut.o_valid == (ended == len(self.pairs) - 1 + dut.latency))
        return m


@pytest.mark.formal
@pytest.mark.parametrize("a, b, lanes", [
    (unsigned(2), unsigned(2), 2), (signed(3), signed(3), 2), (signed(2), unsigned(3), 2),
    (signed(1), signed(2), 4),
    pytest.param(signed(4), signed(4), 2, marks=pytest.mark.slow),
    pytest.param(unsigned(3), signed(3), 4, marks=pytest.mark.slow)])
def test_equals_multiplication(a, b, lanes, tmp_path):
    """Proof, for all numbers."""
    spec = ProductSpec(a, b, lanes)
    prove(spec, tmp_path, depth=len(spec.pairs) + spec.dut.latency + 1)


COCOTB = {
    "generic": Design(rows=1, columns=1),
    "ecp5": Design(rows=2, columns=1, family="ecp5"),
    "ice40": Design(rows=2, columns=1, family="ice40"),
    "wide": Design(rows=16, columns=1),
    "wide-ecp5": Design(rows=16, columns=1, family="ecp5"),
    "wide-ice40": Design(rows=16, columns=1, family="ice40"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COCOTB)
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("bitplane", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()
