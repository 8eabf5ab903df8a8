# amaranth: UnusedElaboratable=no
import itertools
import random

import pytest
from amaranth import *
from amaranth.lib import wiring

from hwgen.rtl.primitives import ecp5, generic
from hwgen.rtl.primitives.packed import SHIFT, WIDTH, PackedMultiplier, packed_signature

from ...bench import simulate
from ...cxxrtl import netlist, run_driver
from ...formal import MODELS, PackedMiter, prove_equal

LATENCY = generic.LATENCY + 1
"""Cycles until both products can be parted."""
SIZES = [(8, 10), (8, 8), (8, 9), (4, 5), (3, 5), (1, 1)]
"""Widths and shifts."""
CELLS = {"generic": PackedMultiplier, "ecp5": ecp5.PackedMultiplier,
         "ecp5 held beside": lambda *size: ecp5.PackedMultiplier(*size, enable=None)}


def ends(low, high):
    """Return the least values of a range, the greatest ones, and those about 0."""
    return sorted({low, low + 1, -1, 0, 1, high - 1, high} & {*range(low, high + 1)})


class Defect(PackedMultiplier):
    """A packed multiplier of which some bits of a port are 0."""

    def __init__(self, dut, bits):
        self.dut, self.bits = dut, bits
        super().__init__(dut.width, dut.shift)

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        for name in self.signature.members:
            inner, outer = (Value.cast(getattr(each, name)) for each in (self.dut, self))
            source, target = (inner, outer) if name in ("p", "excess") else (outer, inner)
            kept = self.bits.get(name, slice(None))
            m.d.comb += target[kept].eq(source[kept])
        return m


@pytest.mark.parametrize(("width", "shift"), SIZES)
def test_products_are_parted(width, shift):
    """Of all mixes of the ends of the range, and of random operands that are not always taken."""
    rng = random.Random(shift)
    dut = PackedMultiplier(width, shift)
    half = 1 << width - 1
    ranges = [(-half, half - 1), (0, 2 * half - 1), (-half, half - 1)]
    items = [*((True, *each) for each in itertools.product(*(ends(*each) for each in ranges))),
             *((rng.random() < 0.5, *(rng.randint(*each) for each in ranges))
               for _ in range(300))]
    expected, found = [], []

    async def testbench(ctx):
        low, high = 0, 0
        for take, a, *b in [*items, *[(False, 0, 0, 0)] * LATENCY]:
            low, high = b if take else (low, high)
            expected.append([a * low, a * high])
            ctx.set(dut.a, a)
            ctx.set(dut.b, {"low": b[0], "high": b[1]})
            ctx.set(dut.take, take)
            before = ctx.get(dut.p)
            await ctx.tick()
            excess = ctx.get(dut.excess)
            found.append([(excess << shift) + before.low, before.high - excess])

    simulate(dut, testbench)
    assert found[LATENCY - 1:-1] == expected[:len(items)]


@pytest.mark.formal
@pytest.mark.parametrize("sizes", [
    [(2, 2), (3, 3)], pytest.param([(2, 3), (3, 4), (4, 4), (4, 5)], marks=pytest.mark.slow)])
@pytest.mark.parametrize("cell", CELLS)
def test_packed_proven(cell, sizes, tmp_path):
    prove_equal([CELLS[cell](*size) for size in sizes], tmp_path, family="ecp5",
                latency=LATENCY, miter=PackedMiter)


@pytest.mark.formal
@pytest.mark.parametrize("defect", [{"b": slice(1, None)}, {"excess": slice(0, -1)}])
def test_proof_finds_defect(defect, tmp_path):
    with pytest.raises(AssertionError, match="ERROR"):
        prove_equal([Defect(PackedMultiplier(2, 2), defect)], tmp_path, latency=LATENCY,
                    miter=PackedMiter)


DRIVER = """\
#include "miter.cc"
#include <cstdint>
#include <cstdio>

static const int ends[] = {-128, -127, -96, -65, -64, -63, -33, -32, -31, -2, -1,
                           0, 1, 2, 31, 32, 33, 62, 63, 64, 65, 96, 126, 127};
static const int count = sizeof ends / sizeof *ends;

int main() {
    cxxrtl_design::p_miter top;
    long cycles = ALL ? 1 << 24 : count * count * count + 100000, wrong = 0;
    uint64_t state = 1;
    for (long cycle = 0; cycle < cycles + LATENCY; cycle++) {
        int a = cycle, low = cycle >> 8, high = cycle >> 16;
        bool take = true;
        if (!ALL && cycle < count * count * count) {
            a = ends[cycle % count], low = ends[cycle / count % count];
            high = ends[cycle / count / count];
        } else if (!ALL) {
            state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
            uint64_t drawn = state * 2685821657736338717ull >> 32;
            a = drawn, low = drawn >> 8, high = drawn >> 16, take = drawn >> 31;
        }
        top.p_a.set<uint32_t>(a & 255);
        top.p_low.set<uint32_t>(low & 255);
        top.p_high.set<uint32_t>(high & 255);
        top.p_take____0.set<bool>(take);
        top.p_clk.set<bool>(false); top.step();
        if (cycle >= LATENCY) wrong += !top.p_equal.get<bool>();
        top.p_clk.set<bool>(true); top.step();
    }
    printf("%ld of %ld", wrong, cycles);
}
"""


def count_wrong(dut, folder, models=(), *, all_cases=False):
    """Simulate a packed multiplier with models of cells, and count the products that are wrong."""
    return run_driver(PackedMiter(dut), DRIVER, folder, models=models, LATENCY=LATENCY,
                      options=["-O2" if all_cases else "-O0"], ALL=int(all_cases))


CASES = [pytest.param(False, f"0 of {24**3 + 100_000}", id="ends"),
         pytest.param(True, f"0 of {1 << 24}", id="all", marks=pytest.mark.slow)]


@pytest.mark.parametrize(("all_cases", "none"), CASES)
@pytest.mark.parametrize("cell", CELLS)
def test_packed_simulated(cell, all_cases, none, tmp_path):
    """At full width, with the ends of all ranges, and with all operands there are."""
    models = MODELS["ecp5"].split()
    assert count_wrong(CELLS[cell](), tmp_path, models, all_cases=all_cases) == none


def test_simulation_finds_defect(tmp_path):
    dut = Defect(PackedMultiplier(), {"excess": slice(0, -1)})
    assert not count_wrong(dut, tmp_path).startswith("0 of")


class Flat(wiring.Component):
    """The ports of a packed multiplier, those of its netlist inside."""

    def __init__(self):
        self.width, self.shift = WIDTH, SHIFT
        super().__init__(packed_signature())

    def elaborate(self, platform):
        m = Module()
        m.submodules.netlist = Instance(
            "top", i_clk=ClockSignal(), i_rst=ResetSignal(), i_a=self.a,
            i_b=Value.cast(self.b), i_take=self.take, o_p=Value.cast(self.p),
            o_excess=self.excess)
        return m


@pytest.mark.synth
@pytest.mark.parametrize("enable", [None, 1])
def test_netlist(enable, tmp_path):
    """What synthesis makes of it, which may take apart what it was given, gives the same."""
    dut = ecp5.PackedMultiplier(enable=enable)
    text, models = netlist(dut, tmp_path)
    assert "MULT18X18D" in text and "CCU2C" in text
    assert count_wrong(Flat(), tmp_path, models).startswith("0 of")


@pytest.mark.parametrize(("make", "size", "message"), [
    (PackedMultiplier, (8, 7), "Shift must be 8 to 15 for operands of 8 bits, not 7"),
    (PackedMultiplier, (8, 16), "Shift must be 8 to 15 for operands of 8 bits, not 16"),
    (ecp5.PackedMultiplier, (8, 11), "Width and shift must be at most 18 together, not 19"),
])
def test_size_wrong(make, size, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        make(*size)
