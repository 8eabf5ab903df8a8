"""What the host promises at its ports, as a circuit that a prover can check."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.rtl.links.host import Host

from ...formal import Held, Spec


class HostOfReachableStates(Host):
    """The host with what its states say of its outputs.

    Without these assertions an induction would begin in states that never are.
    """

    def elaborate(self, platform):
        m = super().elaborate(platform)

        def only_in(*states):
            return Cat(self.fsm.ongoing(state) for state in states).any()

        m.d.comb += [
            Assert(~self.tx.valid | only_in("HUNT", "SEND", "SEND CRC", "SEND DATA"), "tx"),
            Assert(self.bus.read == only_in("READ"), "read"),
            Assert(self.bus.write == only_in("WRITE"), "write"),
            Assert(self.bus.mask.any() | only_in("HUNT", "CHECK HEAD", "CHECK CRC", "DECIDE"),
                   "mask"),
        ]
        return m


class HostSpec(Spec):
    """What is offered is held until it is taken, on ``tx`` and on the bus; all inputs are free."""

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        rx, tx, bus = dut.rx, dut.tx, dut.bus
        m.d.comb += [self.sync.rst.eq(AnySeq(1)), rx.payload.eq(AnySeq(8)), rx.valid.eq(AnySeq(1)),
                     tx.ready.eq(AnySeq(1)), bus.r_data.eq(AnySeq(32)), bus.ack.eq(AnySeq(1)),
                     bus.error.eq(AnySeq(1))]
        held, runs = Held(m), ~self.sync.rst
        held("tx", tx.valid & ~tx.ready & runs, Cat(tx.valid, tx.payload))
        access = Cat(bus.read, bus.write, bus.address, bus.mask)
        held("bus", (bus.read | bus.write) & ~bus.ack & runs, access)
        held("data", bus.write & ~bus.ack & runs, bus.w_data)
        m.d.comb += [Assert(~(bus.read & bus.write), "two accesses in one"),
                     Assert(bus.address[:2] == 0, "not the address of a word")]
        with m.If(bus.read | bus.write):
            m.d.comb += Assert(bus.mask.any(), "an access to nothing")
        return m
