# amaranth: UnusedElaboratable=no
import numpy as np
import pytest
from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert

from hwgen.arch.design import Design
from hwgen.golden.dot import serial as golden
from hwgen.golden.dot.bitplane import order, planes
from hwgen.rtl.dot.serial import SerialParallel, Tag
from sim.dot.planes import KINDS, exhaustive, products

from ...bench import simulate
from ...formal import prove


def pairs(product):
    """Return the planes of a product's serial operand, in order."""
    return list(order(product.a_bits, 1, a_signed=product.a_signed, b_signed=False))


def sums(dut, work):
    """Return the sums of products, which must come at the right cycles: one for each plane."""
    found = []

    async def testbench(ctx):
        cycle = 0
        for product in [*work, None]:
            steps = pairs(product) if product else [None] * (dut.latency + 1)
            for pair in steps:
                tag = {"valid": 0}
                if pair:
                    tag = {name: getattr(pair, name) for name in
                           ("first", "shift", "negative", "last")} | {"valid": 1}
                    plane = planes(product.a, product.a_bits)[pair.a]
                    ctx.set(dut.a, int("".join(map(str, plane[::-1])), 2))
                    ctx.set(dut.b, product.b.tolist())
                ctx.set(dut.tag, tag)
                if ctx.get(dut.o_valid):
                    found.append((cycle, ctx.get(dut.o)))
                await ctx.tick()
                cycle += 1

    simulate(dut, testbench, budget=100_000)
    ends = np.cumsum([product.a_bits for product in work])
    assert [cycle for cycle, _ in found] == (ends - 1 + dut.latency).tolist()
    return [word >> (dut.tail - (product.a_bits - 1))
            for (_, word), product in zip(found, work, strict=True)]


def model(product):
    return golden.dot(product.a, product.b, product.a_bits, signed=product.a_signed)


def fitting(work, shape):
    """Return the products whose parallel numbers have that shape."""
    return [product for product in work
            if (product.b_bits, product.b_signed) == (shape.width, shape.signed)]


@pytest.mark.parametrize("kind", KINDS)
def test_model(kind):
    for product in products(np.random.default_rng(0), 5, [1, 2, 3, 7, 8, 15, 16], [kind]):
        assert model(product) == product.exact


def test_model_exhaustive():
    for product in exhaustive(np.random.default_rng(0), 2):
        assert model(product) == product.exact


@pytest.mark.parametrize("shape", [unsigned(1), signed(1), signed(2), unsigned(8), signed(16)])
@pytest.mark.parametrize("lanes", [1, 2, 3, 8])
def test_matches_model(lanes, shape):
    rng = np.random.default_rng(lanes)
    work = fitting(products(rng, lanes, sorted({1, 3, 16, shape.width}),
                            ["random", "low", "high"]), shape)
    assert sums(SerialParallel(lanes, shape, depth=1), work) == [model(p) for p in work]


@pytest.mark.parametrize("signs", [False, True])
def test_exhaustive(signs):
    """All numbers of up to 4 by 4 bits; narrow parallel numbers come extended."""
    work = [product for product in exhaustive(np.random.default_rng(0), 1)
            if product.b_signed == signs]
    dut = SerialParallel(1, Shape(4, signs), precision=4, depth=1)
    assert sums(dut, work) == [product.exact for product in work]


@pytest.mark.parametrize("wrong, message", [
    ({"lanes": 0}, "lanes must be an integer of at least 1, not 0"),
    ({"shape": unsigned(17)}, "shape must have 1 to 16 bits, not unsigned.17."),
    ({"shape": unsigned(0)}, "shape must have 1 to 16 bits, not unsigned.0."),
    ({"family": "x"}, "family must be one of .*, not 'x'"),
    ({"precision": 0}, "precision must be 1 to 16, not 0"),
    ({"depth": 1.5}, "depth must be an integer of at least 1, not 1.5"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SerialParallel(**({"lanes": 2, "shape": signed(4)} | wrong))


class ProductSpec(Elaboratable):
    """One product of free numbers: it must be what ``*`` gives, in as many cycles as bits."""

    def __init__(self, a_shape, b_shape, lanes):
        self.a_shape = a_shape
        self.b_shape = b_shape
        self.lanes = lanes
        self.sync = ClockDomain("sync")
        self.dut = SerialParallel(lanes, b_shape, precision=a_shape.width, depth=1)
        self.pairs = list(order(a_shape.width, 1, a_signed=a_shape.signed, b_signed=False))

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        m.submodules.dut = dut = self.dut
        m.d.comb += self.sync.rst.eq(0)
        a, b = ([Signal(shape, name=f"{name}_{lane}") for lane in range(self.lanes)]
                for name, shape in (("a", self.a_shape), ("b", self.b_shape)))
        for value in (*a, *b):
            m.d.comb += value.eq(AnyConst(len(value)))
        cycle = Signal(8)
        m.d.sync += cycle.eq(cycle + 1)
        m.d.comb += [port.eq(value) for port, value in zip(dut.b, b, strict=True)]
        with m.Switch(cycle):
            for index, pair in enumerate(self.pairs):
                with m.Case(index):
                    m.d.comb += [dut.a.eq(Cat(x[pair.a] for x in a)),
                                 dut.tag.eq(Tag.const({
                                     "valid": 1, "first": pair.first, "shift": pair.shift,
                                     "negative": pair.negative, "last": pair.last}))]
        exact = sum((x * y for x, y in zip(a, b, strict=True)), start=C(0))
        with m.If(dut.o_valid):
            m.d.comb += Assert(dut.o == exact)  # the tail has just the bits that shifts fill
        m.d.comb += Assert(dut.o_valid == (cycle == len(self.pairs) - 1 + dut.latency))
        return m


@pytest.mark.formal
@pytest.mark.parametrize("a, b, lanes", [
    (unsigned(2), unsigned(3), 2), (signed(3), signed(3), 1), (signed(3), unsigned(2), 3),
    (signed(1), signed(1), 4),
    pytest.param(signed(4), signed(4), 2, marks=pytest.mark.slow)])
def test_equals_multiplication(a, b, lanes, tmp_path):
    """Proof, for all numbers."""
    spec = ProductSpec(a, b, lanes)
    prove(spec, tmp_path, depth=len(spec.pairs) + spec.dut.latency + 1)


COCOTB = {
    "generic": Design(rows=3, columns=1),
    "unsigned": Design(rows=4, columns=1, weights="uint4"),
    "one": Design(rows=1, columns=1, weights="int16"),
    "ecp5": Design(rows=5, columns=1, family="ecp5"),
    "ice40": Design(rows=2, columns=1, weights="uint16", family="ice40"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COCOTB)
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("serial", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()
