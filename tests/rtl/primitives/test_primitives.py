# amaranth: UnusedElaboratable=no
import random

import pytest
from amaranth import *
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.primitives import delays, ecp5, generic, gowin, ice40

from ...bench import simulate
from ...cases import some
from ...cxxrtl import run_driver
from ...formal import MODELS, Miter, prove_equal


def mixes(*widths):
    """Return all mixes of signed and unsigned operands of these pairs of widths."""
    return [(Shape(a, a_signed), Shape(b, b_signed)) for a, b in widths
            for a_signed in (False, True) for b_signed in (False, True)]


def enabled(enable):
    """Return a function that makes an ECP5 multiplier with this clock enable."""
    return lambda a, b: ecp5.Multiplier(a, b, enable=enable)


CELLS = {
    "fabric": (None, generic.FabricMultiplier, []),
    "ecp5 held beside": ("ecp5", enabled(None), mixes((8, 8))),
    "ecp5 CE1": ("ecp5", enabled(1), mixes((5, 7), (16, 16))),
    "ecp5 CE2": ("ecp5", enabled(2), [(signed(8), signed(8))]),
    "ecp5 CE3": ("ecp5", enabled(3), [(unsigned(8), signed(8))]),
    "ecp5 fabric": ("ecp5", ecp5.FabricMultiplier, mixes((8, 8), (5, 7), (7, 2), (16, 15))),
    "ice40 whole": ("ice40", ice40.Multiplier, [
        *mixes((16, 16)), (signed(9), unsigned(16)), (unsigned(16), signed(3))]),
    "ice40 pair": ("ice40", ice40.MultiplierPair, mixes((8, 8), (5, 7))),
    "ice40 common": ("ice40", ice40.CommonPair, mixes((8, 8), (5, 7))),
    "gowin": ("gowin", gowin.Multiplier, mixes((8, 8), (9, 9), (10, 2), (16, 16))),
}
"""For each multiplier: the family of its cell, how to make it, its shapes for simulation."""

FAMILIES = {family: [name for name, cell in CELLS.items() if cell[0] == family]
            for family in ("ecp5", "ice40", "gowin")}


def values(shape):
    """Return the least and the greatest value of a shape."""
    half = 1 << (shape.width - shape.signed)
    return (-half if shape.signed else 0), half - 1


@pytest.mark.parametrize(("make", "shapes"), [
    (generic.Multiplier, mixes((2, 2), (8, 8), (16, 16), (3, 11), (16, 2))),
    *((generic.FabricMultiplier, mixes(*widths)) for widths in (
        [(width, width) for width in range(2, 10)], [(width, width) for width in range(10, 17)],
        [(2, 16), (16, 2), (5, 8), (8, 5), (3, 12), (16, 15)])),
])
def test_multiplier_matches_integers(make, shapes):
    rng = random.Random(1)
    duts = [make(a, b) for a, b in shapes]
    top = Module()
    top.submodules += duts
    results = []

    async def testbench(ctx):
        held = {}
        expected = []
        for cycle in range(400):
            products = []
            for dut in duts:
                a, b = (rng.choice([*values(shape), rng.randint(*values(shape))])
                        for shape in (dut.a_shape, dut.b_shape))
                take = cycle == 0 or rng.random() < 0.3
                if take:
                    held[dut] = b
                products.append(a * held[dut])
                ctx.set(dut.a, a)
                ctx.set(dut.b, b)
                ctx.set(dut.take, take)
            expected.append(products)
            if cycle >= generic.LATENCY:
                results.append([ctx.get(dut.p) for dut in duts]
                               == expected[cycle - generic.LATENCY])
            await ctx.tick()

    simulate(top, testbench)
    assert all(results)


@pytest.mark.formal
@pytest.mark.parametrize("widths", [
    [(2, 3), (3, 3)], pytest.param([(2, 2), (4, 3), (4, 4)], marks=pytest.mark.slow)])
@pytest.mark.parametrize("cell", some([*CELLS], 4))
def test_multiplier_proven(cell, widths, tmp_path):
    family, make, _ = CELLS[cell]
    prove_equal([make(a, b) for a, b in mixes(*widths)], tmp_path, family=family)


class Defect(wiring.Component):
    """A multiplier of which some of the cell's parameters are wrong."""

    def __init__(self, dut, **parameters):
        self.dut = dut
        self.a_shape, self.b_shape = dut.a_shape, dut.b_shape
        self.parameters = parameters
        super().__init__(dut.signature)

    def elaborate(self, platform):
        m = self.dut.elaborate(platform)
        m.submodules.dsp.parameters.update(self.parameters)
        for name in self.signature.members:
            inner, outer = getattr(self.dut, name), getattr(self, name)
            m.d.comb += (outer.eq(inner) if name == "p" else inner.eq(outer))
        return m


@pytest.mark.formal
@pytest.mark.parametrize(("family", "make", "defect"), some([
    ("ecp5", enabled(1), {"REG_INPUTB_CE": "CE0"}),  # b follows each operand
    ("ecp5", enabled(1), {"REG_INPUTB_CE": "CE2"}),  # an enable that nothing drives
    ("ecp5", enabled(1), {"REG_INPUTB_CLK": "CLK1"}),  # a clock that nothing drives
    ("ecp5", enabled(1), {"REG_PIPELINE_CLK": "NONE"}),
    ("ecp5", enabled(None), {"REG_PIPELINE_CLK": "CLK0"}),
    ("ecp5", enabled(1), {"REG_OUTPUT_CE": "CE1"}),  # the chip has no such choice
    ("ice40", ice40.Multiplier, {"B_REG": Const(0, 1)}),
    ("ice40", ice40.Multiplier, {"PIPELINE_16x16_MULT_REG2": Const(0, 1)}),
    ("ice40", ice40.Multiplier, {"NEG_TRIGGER": Const(1, 1)}),
    ("gowin", gowin.Multiplier, {"PIPE_REG": Const(1, 1)}),
    ("gowin", gowin.Multiplier, {"AREG": Const(0, 1)}),
], 4))
def test_proof_finds_defect(family, make, defect, tmp_path):
    with pytest.raises(AssertionError, match="ERROR"):
        prove_equal([Defect(make(signed(3), signed(2)), **defect)], tmp_path, family=family)


@pytest.mark.formal
@pytest.mark.parametrize(("family", "make"), [
    ("ecp5", enabled(1)), ("ecp5", enabled(None)), ("ice40", ice40.Multiplier),
    ("gowin", gowin.Multiplier)])
def test_proof_finds_no_defect(family, make, tmp_path):
    prove_equal([Defect(make(signed(3), signed(2)))], tmp_path, family=family)


class Miters(wiring.Component):
    """Many multipliers, each beside its definition, on the low bits of the same operands."""

    LANES = 2

    def __init__(self, duts):
        self.duts = duts
        super().__init__({"a": In(16).array(self.LANES), "b": In(16).array(self.LANES),
                          "take": In(1).array(self.LANES), "equal": Out(len(duts))})

    def elaborate(self, platform):
        m = Module()
        for index, dut in enumerate(self.duts):
            m.submodules[f"miter_{index}"] = miter = Miter(dut)
            for lane in range(len(miter.a)):
                m.d.comb += [miter.a[lane].eq(self.a[lane]), miter.b[lane].eq(self.b[lane]),
                             miter.take[lane].eq(self.take[lane])]
            m.d.comb += self.equal[index].eq(miter.equal)
        return m


DRIVER = """\
#include "miter.cc"
#include <cstdint>
#include <cstdio>

static uint64_t state = 1;

static uint32_t draw() {  // xorshift64*
    state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
    return (state * 2685821657736338717ull) >> 32;
}

static uint32_t corner(int index) {  // the least, the most and their neighbours, of each width
    uint32_t bit = 1u << (index / 4);
    uint32_t values[] = {bit, bit - 1, -bit, bit + 1};
    return values[index % 4] & 0xffff;
}

static uint32_t operand() { return draw() & 1 ? draw() & 0xffff : corner(draw() % 64); }

int main() {
    cxxrtl_design::p_miter top;
    uint64_t equal = ~0ull;
    for (int cycle = 0; cycle < CORNERS + RANDOM; cycle++) {
        bool corners = cycle < CORNERS;
        top.p_a____0.set<uint32_t>(corners ? corner(cycle % 64) : operand());
        top.p_b____0.set<uint32_t>(corners ? corner(cycle / 64) : operand());
        top.p_take____0.set<bool>(corners || draw() % 4 == 0);
        top.p_a____1.set<uint32_t>(corners ? corner(cycle / 64) : operand());
        top.p_b____1.set<uint32_t>(corners ? corner(cycle % 64) : operand());
        top.p_take____1.set<bool>(corners || draw() % 4 == 0);
        top.p_clk.set<bool>(false); top.step();
        if (cycle >= LATENCY) equal &= top.p_equal.get<uint64_t>();
        top.p_clk.set<bool>(true); top.step();
    }
    printf("%llx", (unsigned long long)equal);
}
"""


def simulate_equal(duts, workdir, *, family, cycles):
    """Compare multipliers with their definition on all corners and on random operands.

    Returns the indices of those that once differed. Yosys compiles the design, with the model of
    the vendor's cell, to C++ (CXXRTL), since pysim knows no Instance and is too slow.
    """
    equal = int(run_driver(Miters(duts), DRIVER, workdir, models=[MODELS[family]], CORNERS=4096,
                           RANDOM=cycles, LATENCY=generic.LATENCY), 16)
    return [index for index in range(len(duts)) if not equal >> index & 1]


def different(family, workdir, *, cycles, every=1):
    """Return the multipliers of a family that differ from their definition in simulation.

    Of the shapes of each, the first of every few is compared: of ``every`` so many.
    """
    cases = [(cell, *shapes) for cell in FAMILIES[family] for shapes in CELLS[cell][2][::every]]
    duts = [CELLS[cell][1](a, b) for cell, a, b in cases]
    return [cases[index] for index in simulate_equal(duts, workdir, family=family, cycles=cycles)]


@pytest.mark.parametrize("family", [
    pytest.param(family, marks=[pytest.mark.slow] * (family == "ecp5")) for family in FAMILIES])
def test_multiplier_simulated(family, tmp_path):
    assert different(family, tmp_path, cycles=20_000, every=4) == []


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_multiplier_simulated_long(family, tmp_path):
    assert different(family, tmp_path, cycles=200_000) == []


def test_simulation_finds_defect(tmp_path):
    duts = [Defect(enabled(1)(signed(8), signed(8))),
            Defect(enabled(1)(signed(8), signed(8)), REG_PIPELINE_CLK="NONE"),
            Defect(enabled(1)(signed(8), signed(8)), REG_INPUTB_CE="CE0")]
    assert simulate_equal(duts, tmp_path, family="ecp5", cycles=100) == [1, 2]


@pytest.mark.parametrize("width", [1, 5])
@pytest.mark.parametrize("delay", [delays.Delay, delays.LutRamDelay])
def test_delay(delay, width):
    rng = random.Random(width)
    cycles = [*range(41), 17, 0, 3, 33]  # some twice: they share what they can
    dut = delay(width, cycles)
    words = [[rng.getrandbits(width) for _ in cycles] for _ in range(150)]

    def pack(row):
        return sum(word << (index * width) for index, word in enumerate(row))

    async def testbench(ctx):
        for now, row in enumerate(words):
            ctx.set(dut.i, pack(row))
            seen = ctx.get(dut.o)
            for index, late in enumerate(cycles):
                if now >= late:
                    word = seen >> (index * width) & ((1 << width) - 1)
                    assert word == words[now - late][index], (now, late)
            await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize(("make", "a", "b", "message"), [
    (ice40.MultiplierPair, 9, 8, "Operand a must have at most 8 bits, not 9"),
    (ice40.Multiplier, 8, 17, "Operand b must have at most 16 bits, not 17"),
    (gowin.Multiplier, 18, 8, r"Operand a must fit 18 bits signed, not unsigned\(18\)"),
])
def test_operand_wrong(make, a, b, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make(unsigned(a), unsigned(b))


@pytest.mark.parametrize(("a", "b", "cell"), [
    (signed(9), signed(9), "MULT9X9"),
    (unsigned(8), signed(2), "MULT9X9"),
    (unsigned(9), signed(2), "MULT18X18"),
    (signed(2), signed(10), "MULT18X18"),
])
def test_gowin_cell(a, b, cell):
    assert gowin.Multiplier(a, b).elaborate(None).submodules.dsp.type == cell


def test_gowin_parameters_are_single_bits():
    text = rtlil.convert(gowin.Multiplier(signed(8), signed(8)))
    assert "parameter \\PIPE_REG 1'0\n" in text
    assert "parameter \\OUT_REG 1'1\n" in text
