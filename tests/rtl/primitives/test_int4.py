# amaranth: UnusedElaboratable=no
"""Two products of weights of 4 bits from one multiplier: of all weights and activations."""

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.primitives import LATENCY, ecp5, generic, int4
from hwgen.rtl.primitives.pipeline import later

from ...cxxrtl import netlist, run_driver
from ...formal import MODELS

CELLS = {"generic": lambda *shapes: generic.Multiplier(*shapes), "ecp5": ecp5.Multiplier,
         "ecp5 held beside": lambda *shapes: ecp5.Multiplier(*shapes, enable=None),
         "ecp5 fabric": ecp5.FabricMultiplier}
PORTS = {"a": In(signed(8)), "byte": In(8), "pair": In(1), "low": Out(signed(16)),
         "high": Out(signed(12))}


class Both(wiring.Component):
    """Products of a byte of weights, as a cell of the array makes them."""

    def __init__(self, multiplier, shift=0):
        self.multiplier, self.shift = multiplier, shift
        super().__init__(PORTS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.multiplier = multiplier = self.multiplier
        m.d.comb += [multiplier.a.eq(self.a), multiplier.take.eq(1),
                     multiplier.b.eq(int4.operand(int4.encode(self.byte, self.pair)))]
        low, high, carry = int4.part(multiplier.p << self.shift, later(m, self.pair, LATENCY, "p"))
        m.d.comb += [self.low.eq(low), self.high.eq(high + carry)]
        return m


class Netlist(wiring.Component):
    """The same, of a netlist."""

    def __init__(self):
        super().__init__(PORTS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.netlist = Instance(
            "top", i_clk=ClockSignal(), i_rst=ResetSignal(), i_a=self.a, i_byte=self.byte,
            i_pair=self.pair, o_low=self.low, o_high=self.high)
        return m


class Miter(wiring.Component):
    """Whether the products are those of each weight and the activation."""

    def __init__(self, dut):
        self.dut = dut
        super().__init__({"a": In(signed(8)), "byte": In(8), "pair": In(1), "equal": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        low = Mux(self.pair, self.a * self.byte[:4].as_signed(), self.a * self.byte.as_signed())
        high = Mux(self.pair, self.a * self.byte[4:].as_signed(), 0)
        pair = later(m, self.pair, LATENCY, "pair")
        m.d.comb += [
            dut.a.eq(self.a), dut.byte.eq(self.byte), dut.pair.eq(self.pair),
            self.equal.eq((dut.low == later(m, low, LATENCY, "low").as_signed())
                          & (~pair | (dut.high == later(m, high, LATENCY, "high").as_signed())))]
        return m


DRIVER = """\
#include "miter.cc"
#include <cstdint>
#include <cstdio>

int main() {
    cxxrtl_design::p_miter top;
    long cycles = 1 << 17, wrong = 0;
    for (long cycle = 0; cycle < cycles + LATENCY; cycle++) {
        top.p_a.set<uint32_t>(cycle & 255);
        top.p_byte.set<uint32_t>(cycle >> 8 & 255);
        top.p_pair.set<bool>(cycle >> 16 & 1);
        top.p_clk.set<bool>(false); top.step();
        if (cycle >= LATENCY) wrong += !top.p_equal.get<bool>();
        top.p_clk.set<bool>(true); top.step();
    }
    printf("%ld of %ld", wrong, cycles);
}
"""


def count_wrong(folder, dut, models=()):
    """Simulate all operands there are, and count the products that are wrong."""
    return run_driver(Miter(dut), DRIVER, folder, models=models, LATENCY=LATENCY)


@pytest.mark.parametrize("cell", [
    "ecp5", *(pytest.param(each, marks=pytest.mark.slow) for each in CELLS if each != "ecp5")])
def test_all_products(cell, tmp_path):
    dut = Both(CELLS[cell](signed(8), int4.OPERAND))
    assert count_wrong(tmp_path, dut, MODELS["ecp5"].split()) == f"0 of {1 << 17}"


@pytest.mark.slow
def test_defect_is_found(tmp_path):
    dut = Both(generic.Multiplier(signed(8), int4.OPERAND), shift=1)
    assert not count_wrong(tmp_path, dut).startswith("0 of")


@pytest.mark.synth
def test_netlist(tmp_path):
    """What synthesis makes of it gives the same."""
    dut = Both(ecp5.Multiplier(signed(8), int4.OPERAND))
    text, models = netlist(dut, tmp_path)
    assert text.count("MULT18X18D") == 1
    assert count_wrong(tmp_path, Netlist(), models) == f"0 of {1 << 17}"
