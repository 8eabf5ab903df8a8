# amaranth: UnusedElaboratable=no
import pytest
from amaranth import *
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.primitives import shifted_add, signed_add

from ...formal import MODELS, yosys


class Signed(wiring.Component):
    """The adder with a sign, and what it must give; its register makes it a cycle late."""

    def __init__(self, left, right, family):
        self.family = family
        super().__init__({"left": In(left), "right": In(right), "zero": In(2), "subtract": In(1),
                          "equal": Out(1)})

    def elaborate(self, platform):
        m = Module()
        found = signed_add(m, self.family, "dut", (self.left, self.zero[0]),
                           (self.right, self.zero[1]), self.subtract)
        x, y = Mux(self.zero[0], 0, self.left), Mux(self.zero[1], 0, self.right)
        exact = Signal(signed(16), reset_less=True)
        m.d.sync += exact.eq(Mux(self.subtract, x - y, x + y))
        m.d.comb += self.equal.eq(found == exact)
        return m


class Shifted(wiring.Component):
    """The adder with a shift, and what it must give."""

    def __init__(self, x, y, by, family):
        self.by = by
        self.family = family
        super().__init__({"x": In(x), "y": In(y), "shift": In(1), "equal": Out(1)})

    def elaborate(self, platform):
        m = Module()
        found = shifted_add(m, self.family, "dut", self.x, self.y, self.by, self.shift)
        m.d.comb += self.equal.eq(found == self.x + (self.y << Mux(self.shift, self.by, 0)))
        return m


@pytest.mark.formal
@pytest.mark.parametrize("family", ["generic", "ecp5"])
def test_adders_proven(family, tmp_path):
    """For all operands, with the model of the vendor's cell."""
    script = []
    for index, (dut, skip) in enumerate([
            (Signed(signed(5), signed(5), family), 1), (Signed(signed(4), signed(7), family), 1),
            (Signed(signed(6), signed(1), family), 1), (Shifted(4, 4, 2, family), 0),
            (Shifted(6, 5, 4, family), 0)]):
        (tmp_path / f"dut_{index}.il").write_text(rtlil.convert(dut, name="top"))
        script += ["design -reset", f"read_rtlil dut_{index}.il",
                   f"read_verilog -defer {MODELS['ecp5']}", "hierarchy -check -top top", "proc",
                   "flatten", "setattr -unset init w:*", "async2sync", "opt_clean",
                   f"sat -seq 2 -prove-skip {skip} -prove equal 1 -verify"]
    yosys("\n".join(script) + "\n", tmp_path)
