"""What a host port promises, as a circuit that a prover can check.

The host, the steps and the memories are any; a run begins only where it is told to.
"""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.arch.registers import Space
from hwgen.rtl.accelerator.fast_host_port import FastHostPort

from ...formal import Spec


class ServedHostPort(FastHostPort):
    """With what an induction needs to know of a request that is served."""

    def elaborate(self, platform):
        m, bus = super().elaborate(platform), self.bus
        waited = Signal(range(64))
        m.d.sync += waited.eq(Mux((bus.read | bus.write) & ~bus.ack, waited + 1, 0))
        kept = Cat(self.offset, self.written, self.mask, self.writes)
        asked = Cat(bus.address[:24], bus.w_data, bus.mask, bus.write)
        m.d.comb += [
            Assert(~self.answered | (self.serving & (self.wait == 0))),
            Assert(~self.serving | ((kept == asked) & (bus.read | bus.write))),
            *(Assert(~self.serving | (there == ((bus.address[24:] == space)
                                      & (bus.address[:24] < self.ends[space]))))
              for space, there in self.there.items()),
            Assert(Mux(self.serving, waited + self.wait, waited) <= self.read_latency + 3),
            Assert(~self.serving | self.answered | (self.wait != 0)),
            Assert(~self.serving | self.locked | ~self.run.busy),
        ]
        return m


class HostPortSpec(Spec):
    """Each request is answered once, in time; memories are the steps' in all of a run.

    What is written without an error is in the memory a little later, and nothing else ever is.
    """

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        bus, run, steps = dut.bus, dut.run, dut.accesses
        far = isinstance(dut, FastHostPort)
        self.environment(m)
        asked, waited = bus.read | bus.write, Signal(range(64))
        m.d.sync += waited.eq(Mux(asked & ~bus.ack, waited + 1, 0))
        m.d.comb += [Assert(~bus.ack | asked, "an answer to nobody"),
                     Assert(waited <= dut.read_latency + 4, "an answer too late")]

        # The memories are the steps' in the cycle after one in which something ran.
        running = Signal()
        m.d.sync += running.eq(run.busy)
        written = Signal(8 * dut.columns)
        address, mask, data = dut.program.address, dut.program.write_mask, dut.program.write_data
        with m.If(running):
            m.d.comb += [Assert(address == steps.program_address, "another's word in a run"),
                         Assert(mask == 0, "a host's word in a run")]
        # A write without an error comes to its memory so many cycles later.
        taken = bus.ack & bus.write & ~bus.error
        expected = Cat(taken & (bus.address[24:] == Space.PROGRAM),
                       taken & (bus.address[24:] == Space.ACTIVATIONS), bus.address[:24],
                       bus.mask, bus.w_data)
        of_steps = Cat(steps.write_mask, steps.write_address, steps.write_data)
        for stage in range(2 * far):
            before, expected = expected, Signal.like(expected, name=f"expected_{stage}")
            m.d.sync += expected.eq(before)
        if far:
            before, of_steps = of_steps, Signal.like(of_steps)
            m.d.sync += of_steps.eq(before)
        program, activations = expected[0], expected[1]
        offset, bytes_, word = expected[2:26], expected[26:30], expected[30:]
        stride = (max((dut.columns - 1).bit_length(), 2))
        part = offset[2:stride] if stride > 2 else Const(0, 1)
        m.d.comb += [
            written.eq(word.replicate(len(mask))),
            Assert(mask == Mux(program, 1 << part, 0)[:len(mask)], "which part of a word"),
            Assert(~mask.any() | ((address == offset[stride:]) & (data == written)), "a word"),
        ]
        own = dut.activations
        stepped = of_steps[:len(steps.write_mask)]
        with m.If(activations):
            m.d.comb += [Assert(own.write_mask == bytes_, "which bytes"),
                         Assert((own.write_address == offset[:len(own.write_address)])
                                & (own.write_data[:32] == word), "bytes")]
        with m.Else():
            m.d.comb += Assert(own.write_mask == stepped, "bytes that nobody wrote")
            with m.If(stepped.any()):
                m.d.comb += Assert(Cat(own.write_address, own.write_data[:8 * len(stepped)])
                                   == of_steps[len(stepped):], "bytes of a step")
        return m

    def environment(self, m):
        """Let a host ask for anything and wait for its answer, and runs be as long as they like."""
        dut = self.dut
        bus, run, steps = dut.bus, dut.run, dut.accesses
        request = Cat(bus.address, bus.mask, bus.w_data, bus.read, bus.write)
        waits, before, free = Signal(), Signal(len(request)), Signal(len(request))
        m.d.comb += [
            self.sync.rst.eq(0), free.eq(AnySeq(len(request))),
            request.eq(Mux(waits, before, Mux(free[-2:] == 3, 0, free))),
        ]
        m.d.sync += [waits.eq((bus.read | bus.write) & ~bus.ack), before.eq(request)]
        began, ran, writes = Signal(), Signal(), Signal()
        m.d.sync += [began.eq(run.start), ran.eq(run.busy)]
        m.d.comb += [run.busy.eq(began | (ran & AnySeq(1))), writes.eq(ran & run.busy)]
        inputs = [run.error, run.step, run.cycles, run.counted, run.step_cycles, run.clear,
                  dut.activations.read_data, dut.program.read_data, steps.read_address,
                  steps.write_address, steps.write_data, steps.program_address]
        m.d.comb += [signal.eq(AnySeq(len(signal))) for signal in inputs]
        m.d.comb += steps.write_mask.eq(Mux(writes, AnySeq(len(steps.write_mask)), 0))
