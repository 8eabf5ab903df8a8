# amaranth: UnusedElaboratable=no
"""Long multipliers in DSP blocks, by the model of their vendor, beside their definition."""

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.primitives import generic, ice40

from ...cxxrtl import run_driver
from ...formal import MODELS

SIZES = [(16, 0), (15, 1 << 14), (15, (1 << 32) - 1 - 0xffff * 0x7fff), (1, 0), (16, 0, True),
         (16, 1 << 14, True), (16, (1 << 31) - 1 - 0xffff * 0x7fff, True)]


class Pairs(wiring.Component):
    """Each multiplier beside its definition."""

    def __init__(self, duts):
        self.duts = duts
        super().__init__({"a": In(signed(32)), "b": In(16), "equal": Out(len(duts))})

    def elaborate(self, platform):
        m = Module()
        for index, dut in enumerate(self.duts):
            m.submodules[f"dut_{index}"] = dut
            m.submodules[f"is_{index}"] = definition = generic.LongMultiplier(
                dut.width, dut.more, dut.b_shape.signed)
            for each in (dut, definition):
                m.d.comb += [each.a.eq(self.a), each.b.eq(self.b)]
            m.d.comb += self.equal[index].eq(dut.p == definition.p)
        return m


DRIVER = """\
#include "miter.cc"
#include <cstdint>
#include <cstdio>

int main() {
    cxxrtl_design::p_miter top;
    uint64_t state = 1, equal = ~0ull;
    for (int cycle = 0; cycle < 100000; cycle++) {
        state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
        uint64_t word = state * 2685821657736338717ull;
        uint32_t a = word >> 32, b = word >> 8 & 0xffff;
        uint32_t corners[] = {0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffff0000, ~0u};
        if (word & 1) a = corners[word >> 3 & 7];
        if (word & 2) b = corners[word >> 24 & 7] >> (word >> 28 & 1) & 0xffff;
        top.p_a.set<uint32_t>(a);
        top.p_b.set<uint32_t>(b);
        top.p_clk.set<bool>(false); top.step();
        if (cycle >= LATENCY) equal &= top.p_equal.get<uint64_t>();
        top.p_clk.set<bool>(true); top.step();
    }
    printf("%llx", (unsigned long long)equal);
}
"""


class Defect(ice40.LongMultiplier):
    """One of which the upper block does not add what the lower one has."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.submodules.high.parameters["BOTADDSUB_LOWERINPUT"] = Const(1, 2)
        return m


def equal(duts, workdir):
    """Return which of them were equal to their definition in every cycle."""
    bits = int(run_driver(Pairs(duts), DRIVER, workdir, models=[MODELS["ice40"]],
                          LATENCY=generic.LongMultiplier.latency), 16)
    return [bits >> index & 1 for index in range(len(duts))]


@pytest.mark.slow
def test_simulated(tmp_path):
    assert equal([ice40.LongMultiplier(*size) for size in SIZES], tmp_path) == [1] * len(SIZES)


def test_simulation_finds_defect(tmp_path):
    assert equal([Defect(16), ice40.LongMultiplier(16)], tmp_path) == [0, 1]


@pytest.mark.parametrize("arguments, text", [
    ((17,), "Width must be from 1 to 16, not 17"), ((0,), "Width must be from 1 to 16, not 0"),
    ((16, 1 << 17), "More must be from 0 to 131070, not 131072"),
    ((16, 98304, True), "More must be from 0 to 98302, not 98304")])
def test_wrong(arguments, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        ice40.LongMultiplier(*arguments)
