"""What two streams beside a bus promise, as a circuit that a prover can check."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.arch.registers import Register, StreamRegister
from hwgen.rtl.links.axi_stream import HOST, OUTPUT, SETTLE
from hwgen.rtl.links.bus_address import bus_address, is_partial

from ...formal import Held, Spec


class AxiStreamSpec(Spec):
    """No word is lost, doubled, changed, or moved while steps run; the host's accesses are its own.

    Whoever offers holds the offer. The bus does what it likes, when it likes, and steps run when
    they like.
    """

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        host, bus = dut.host, dut.bus
        m.d.comb += [self.sync.rst.eq(0), dut.busy.eq(AnySeq(1)), dut.m_axis_tready.eq(AnySeq(1)),
                     bus.r_data.eq(AnySeq(32)), bus.error.eq(AnySeq(1))]
        held = Held(m)
        under_way = bus.read | bus.write
        m.d.comb += bus.ack.eq(under_way & AnySeq(1))
        access = Cat(bus.read, bus.write, bus.address, bus.mask, bus.w_data)
        held("bus", under_way & ~bus.ack, access)
        held("m_axis", dut.m_axis_tvalid & ~dut.m_axis_tready,
             Cat(dut.m_axis_tvalid, dut.m_axis_tdata, dut.m_axis_tlast, dut.m_axis_tkeep))
        self.offer(m, "host", host.read | host.write, host.ack,
                   Cat(host.read, host.write, host.address, host.mask, host.w_data))
        self.offer(m, "word", dut.s_axis_tvalid, dut.s_axis_tready,
                   Cat(dut.s_axis_tdata, dut.s_axis_tkeep, dut.s_axis_tvalid))

        # What the registers must be, and whose the access on the bus may be.
        to, from_, words, status = (Signal.like(dut.registers[which], name=f"model_{which.name}")
                                    for which in StreamRegister)
        for which, model in zip(StreamRegister, (to, from_, words, status), strict=True):
            m.d.comb += Assert(model == dut.registers[which], f"{which.name}")
        own = (host.read | host.write) & (host.address[4:] == StreamRegister.INPUT_ADDRESS >> 4)
        of_host, of_input, of_output = Signal(), Signal(), Signal()
        m.d.comb += [
            of_host.eq((host.read | host.write) & ~own & (access == Cat(
                host.read, host.write, host.address, host.mask, host.w_data))),
            of_input.eq(bus.write & dut.s_axis_tvalid & (access[2:] == Cat(
                bus_address(to, dut.shift), dut.s_axis_tkeep, dut.s_axis_tdata))
                & ~is_partial(to, dut.shift, dut.s_axis_tkeep)),
            of_output.eq(bus.read & words.any() & (Cat(bus.address, bus.mask) == Cat(
                bus_address(from_, dut.shift), C(0b1111, 4))) & ~dut.m_axis_tvalid),
        ]
        with m.If(under_way):
            m.d.comb += [Assert(dut.owner <= OUTPUT),
                         Assert(Array([of_host, of_input, of_output])[dut.owner], "nobody's")]

        # What becomes of it.
        ran, again, given = Signal(), Signal(), Signal()
        m.d.sync += ran.eq(under_way & ~bus.ack & (ran | dut.busy))
        m.d.comb += again.eq(bus.ack & bus.error & (ran | dut.busy))
        with m.If(under_way):
            m.d.comb += Assert(ran == dut.ran)
        passed = host.ack & ~own
        m.d.comb += given.eq(bus.ack & ~passed & ~dut.s_axis_tready & ~again)
        with m.If(passed):
            m.d.comb += [Assert(bus.ack & of_host & (host.error == bus.error), "host: access"),
                         Assert(host.r_data == bus.r_data, "host: data")]
        with m.If(dut.s_axis_tready):
            lost = ~under_way & is_partial(to, dut.shift, dut.s_axis_tkeep)
            m.d.comb += Assert(dut.s_axis_tvalid & (lost | (bus.ack & of_input & ~again)), "word")
            m.d.sync += [to.eq(to + 4), status[0].eq(status[0] | lost | bus.error)]
        after, data, last = Signal(), Signal(32), Signal()
        m.d.sync += after.eq(given)
        with m.If(given):
            m.d.comb += Assert(of_output, "nobody gets what was read")
            m.d.sync += [from_.eq(from_ + 4), words.eq(words - 1), last.eq(words == 1),
                         status[1].eq(status[1] | bus.error),
                         data.eq(Mux(bus.error, 0, bus.r_data))]
        with m.If(after):
            m.d.comb += Assert(dut.m_axis_tvalid & (dut.m_axis_tdata == data)
                               & (dut.m_axis_tlast == last), "m_axis")
        with m.If(host.ack & own):
            m.d.comb += Assert(~under_way & ~host.error, "a register in the middle of an access")
            with m.Switch(host.address[:4]):
                for which, model in zip(StreamRegister, (to, from_, words, status), strict=True):
                    with m.Case(which & 0xF):
                        m.d.comb += Assert(host.r_data == model, f"{which.name} reads otherwise")
                        with m.If(host.write):
                            m.d.sync += model.eq(model & ~host.w_data if model is status
                                                 else host.w_data)

        # Streams begin nothing while steps run, or may be about to.
        was_under_way, was_free, settled = Signal(), Signal(), Signal(range(SETTLE + 1))
        m.d.comb += Assert(settled == dut.settled)
        m.d.sync += [was_under_way.eq(under_way), was_free.eq(~dut.busy & (settled == 0))]
        with m.If(settled != 0):
            m.d.sync += settled.eq(settled - 1)
        with m.If(passed & bus.write & (bus.address == Register.CONTROL)):
            m.d.sync += settled.eq(SETTLE)
        with m.If(under_way & ~was_under_way & (dut.owner != HOST)):
            m.d.comb += Assert(was_free, "a stream in a run")
        return m

    def offer(self, m, name, asked, taken, values):
        """Drive what is offered: it stays until it is taken. A host reads or writes, not both."""
        dut = self.dut
        waits, before = Signal(name=f"{name}_waits"), Signal(len(values), name=f"{name}_before")
        free = Signal(len(values), name=f"{name}_free")
        m.d.comb += [free.eq(AnySeq(len(values))), values.eq(Mux(waits, before, free))]
        if name == "host":
            m.d.comb += [values[1].eq(Mux(waits, before[1], free[1] & ~free[0])),
                         dut.host.address[:2].eq(0)]
        m.d.sync += [waits.eq(asked & ~taken), before.eq(values)]
