"""What the host promises at its ports, as a circuit that a prover can check."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert


class HostSpec(Elaboratable):
    """What is offered is held until it is taken, on ``tx`` and on the bus; all inputs are free."""

    def __init__(self, dut):
        self.dut = dut
        self.sync = ClockDomain("sync")

    def held(self, m, name, waits, values):
        """Assert that after a cycle in which something waits, it is there again."""
        waited = Signal(name=f"{name}_waited")
        before = Signal(len(values), name=f"{name}_before")
        m.d.sync += [waited.eq(waits & ~self.sync.rst), before.eq(values)]
        with m.If(waited):
            m.d.comb += Assert(values == before, f"{name} did not wait")

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        m.submodules.dut = dut = self.dut
        rx, tx, bus = dut.rx, dut.tx, dut.bus
        m.d.comb += [self.sync.rst.eq(AnySeq(1)), rx.payload.eq(AnySeq(8)), rx.valid.eq(AnySeq(1)),
                     tx.ready.eq(AnySeq(1)), bus.r_data.eq(AnySeq(32)), bus.ack.eq(AnySeq(1)),
                     bus.error.eq(AnySeq(1))]
        self.held(m, "tx", tx.valid & ~tx.ready, Cat(tx.valid, tx.payload))
        access = Cat(bus.read, bus.write, bus.address, bus.mask)
        self.held(m, "bus", (bus.read | bus.write) & ~bus.ack, access)
        self.held(m, "data", bus.write & ~bus.ack, bus.w_data)
        m.d.comb += [Assert(~(bus.read & bus.write), "two accesses in one"),
                     Assert(bus.address[:2] == 0, "not the address of a word")]
        with m.If(bus.read | bus.write):
            m.d.comb += Assert(bus.mask.any(), "an access to nothing")
        return m
