"""What a crossing of two clocks promises, as a circuit that a prover can check."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.rtl.links.crossing import HOST, SETTLE, Crossing

from ...formal import Held, Spec

SYNC, EPOCH = "sync", "epoch"
ARRIVE, RETURN = 3, 3
"""Edges of a clock at which a flag is seen by it at last: one may come too early to be sure."""
ANSWER = 2
"""Edges of the accelerator's clock, besides those at which its bus is asked."""


class Steps:
    """The platform of a proof in which a step may be an edge of either clock, of both, or of none.

    A synchroniser may see each bit as it was before it changed for one step more.

    Members
    -------
    stages : dict
        By the domain to which a flag crosses, and of the epoch: the input as it was in the step
        before, and the two registers.
    """

    def __init__(self):
        self.stages = {what: [Signal(width, name=f"{name}_{what}", reset_less=True)
                              for name in ("before", "caught", "crossed")]
                       for what, width in ((SYNC, 1), (HOST, 1), (EPOCH, 6))}

    def get_ff_sync(self, synchroniser):
        """Return what stands for the two registers of a synchroniser."""
        m = Module()
        i, domain = synchroniser.i, synchroniser._o_domain
        before, caught, crossed = self.stages[domain if len(i) == 1 else EPOCH]
        m.d.step += before.eq(i)
        m.d[domain] += [caught.eq(i ^ ((i ^ before) & AnySeq(len(i)))), crossed.eq(caught)]
        m.d.comb += synchroniser.o.eq(crossed)
        return m


class CrossingInside(Crossing):
    """A crossing that shows what it is doing.

    Members
    -------
    at : Signal
        Whether a flag is behind each of the registers that it passes, from the one that the host
        toggles to the one in which the host sees the answer, and not behind the next one.
    states : Signal
        Of the host's side: IDLE, ASK, WAIT.
    keeps, woke : Signal
        What it keeps of an access, and whether there was no reset a cycle ago.
    """

    def __init__(self):
        super().__init__()
        self.at = Signal(8 + SETTLE)
        self.states = Signal(3)
        self.keeps = Signal(69)
        self.woke = Signal()

    def elaborate(self, platform):
        m = super().elaborate(platform)
        way = Cat(self.asked, *platform.stages[SYNC], self.answered, self.settled,
                  *platform.stages[HOST])
        m.d.comb += [
            self.at.eq(way[:-1] ^ way[1:]), self.keeps.eq(self.kept), self.woke.eq(self.awake),
            self.states.eq(Cat(self.fsm.ongoing(state) for state in ("IDLE", "ASK", "WAIT"))),
        ]
        return m


class CrossingSpec(Spec):
    """Each access is done once, and answered as it was done, whenever the clocks have their edges.

    The host holds an access until it is answered. The bus answers what it is asked, as it likes and
    when it likes. Each side is reset when it likes, and forgets the access.
    """

    def __init__(self):
        self.edges = {domain: Signal(name=f"edge_{domain}") for domain in (SYNC, HOST)}
        self.resets = {domain: Signal(name=f"reset_{domain}") for domain in (SYNC, HOST)}
        self.crossing = CrossingInside()
        self.platform = Steps()
        clocked = EnableInserter(self.edges)(ResetInserter(self.resets)(self.crossing))
        super().__init__(DomainRenamer({HOST: SYNC, "step": SYNC})(clocked))

    def elaborate(self, platform):
        m, dut = self.new_module(), self.crossing
        i, o = dut.i, dut.o
        m.d.comb += self.sync.rst.eq(0)
        for signal in (*self.edges.values(), *self.resets.values()):
            m.d.comb += signal.eq(AnySeq(1))
        idle, ask, wait = dut.states
        asking, answering = dut.at[:4].any(), dut.at[4:].any() | (wait & ~dut.at.any())
        access = Cat(i.read, i.write, i.address, i.mask, i.w_data)
        waits = self.host(m, access)
        asked, told = o.read | o.write, Cat(o.read, o.write, o.address, o.mask, o.w_data)
        m.d.comb += [o.ack.eq(asked & AnySeq(1)), Cat(o.r_data, o.error).eq(AnySeq(33))]

        # What was sent, and what becomes of it.
        sent, result = Signal.like(access, name="sent"), Signal(33)
        done, hurt = Signal(), Signal()  # by the bus; a reset of its side has come since
        with m.If(self.edges[SYNC]):
            with m.If(o.ack):
                m.d.sync += [done.eq(1), result.eq(Cat(o.r_data, o.error))]
            with m.If(self.resets[SYNC]):
                m.d.sync += hurt.eq(1)
        with m.If(self.edges[HOST] & ask):
            m.d.sync += [sent.eq(access), done.eq(0), hurt.eq(0)]
        answer = Mux(done, Cat(i.r_data, i.error) == result, hurt & i.error)
        with m.If(asked):
            m.d.comb += [Assert(told == sent, "another access"), Assert(~done, "done twice")]
        with m.If(i.ack):
            m.d.comb += [Assert(waits & (access == sent), "nobody's answer"),
                         Assert(answer, "another answer")]
        held = Held(m)
        held("o", asked & ~(self.edges[SYNC] & (o.ack | self.resets[SYNC])), told)
        held("kept", dut.at.any() | ~idle, dut.keeps)
        held("answer", answering, Cat(i.r_data, i.error))

        # Where an induction begins: one flag is under way at most, and what was sent with it.
        m.d.comb += [
            Assert((dut.at & (dut.at - 1)) == 0, "two flags"),
            Assert(~ask | ~dut.at.any(), "asked twice"),
            Assert(~asked | (dut.at[3] & dut.woke), "asked of nobody"),
            Assert(~ask | (waits & (dut.keeps == access[1:])), "keeps another access"),
            Assert(~wait | (waits & (access == sent)), "waits for another access"),
            Assert((~asking & ~answering) | ((sent[1:] == dut.keeps) & (sent[0] ^ sent[1]))),
            Assert(~asking | ~done, "answered before"),
            Assert(~answering | answer, "answers otherwise"),
            Assert(~dut.at[2:4].any() | dut.woke | hurt),
        ]
        self.in_time(m, asked)
        self.same_epoch(m, hurt)
        return m

    def host(self, m, access):
        """Drive what the host asks for, and return whether it asks."""
        i = self.crossing.i
        waits = i.read | i.write
        free = Signal.like(access, name="free")
        held = Signal.like(access, name="held_access")
        m.d.comb += [access.eq(held), free.eq(AnySeq(len(access)))]
        with m.If(self.edges[HOST]):
            with m.If(i.ack | ~waits):
                m.d.sync += [held.eq(free), held[1].eq(free[1] & ~free[0])]
            with m.If(self.resets[HOST]):
                m.d.sync += held.eq(0)
        m.d.comb += Assert(~(i.read & i.write), "a host of two minds")
        return waits

    def in_time(self, m, asked):
        """Assert that edges of both clocks are all that an answer takes, besides the bus's time."""
        dut = self.crossing
        idle, ask, wait = dut.states
        accelerators, hosts, before = Signal(8), Signal(8), Signal(2)
        there, back = dut.at[:4 + SETTLE], dut.at[4 + SETTLE:]
        with m.If(self.edges[SYNC] & there.any() & ~asked):
            m.d.sync += accelerators.eq(accelerators + 1)
        with m.If(self.edges[HOST]):
            with m.If(back.any()):
                m.d.sync += hosts.eq(hosts + 1)
            with m.If(ask):
                m.d.sync += [accelerators.eq(0), hosts.eq(0)]
            m.d.sync += before.eq(Mux((dut.i.read | dut.i.write) & idle & ~dut.at.any()
                                      & ~self.resets[HOST], before + 1, 0))
        m.d.comb += [Assert(before <= 1, "sent late"), Assert(before == ask)]
        limits = [0, 1, 2, Mux(asked | ~dut.woke, ARRIVE + 1, ARRIVE)]
        limits += [ARRIVE + ANSWER + cycle for cycle in range(SETTLE)]
        for at, limit in zip(there, limits, strict=True):
            m.d.comb += Assert(~at | (accelerators <= limit), "asked or answered late")
        for limit, at in enumerate(back):
            m.d.comb += Assert(~at | (hosts <= limit), "seen late")
        m.d.comb += [Assert(accelerators <= ARRIVE + ANSWER + SETTLE, "answered late"),
                     Assert(~there.any() | (hosts == 0), "seen early"),
                     Assert(hosts <= RETURN, "seen late")]

    def same_epoch(self, m, hurt):
        """Assert that the epoch has come with the answer that it came behind."""
        dut, edge = self.crossing, self.edges[SYNC]
        present, left = Signal(6), Signal(range(SETTLE))
        m.d.comb += dut.present.eq(present)
        with m.If(edge):
            with m.If(dut.o.ack):
                m.d.sync += left.eq(SETTLE - 1)
            with m.Elif(left != 0):
                m.d.sync += left.eq(left - 1)
            with m.If(dut.o.ack | (left != 0) | self.resets[SYNC]):
                m.d.sync += present.eq(AnySeq(6))
        with m.If(dut.i.ack & ~hurt):
            m.d.comb += Assert(dut.epoch == present, "another epoch")
        m.d.comb += Assert((left == 0) | dut.at[4:3 + SETTLE].any(), "it changes late")
        for passed, at in enumerate(dut.at[4:4 + SETTLE]):
            m.d.comb += Assert(~at | (left + passed < SETTLE), "it changes late")
        before, caught, crossed = (stage == present for stage in self.platform.stages[EPOCH])
        back, seen = dut.at[4 + SETTLE:], dut.states[2] & ~dut.at.any()
        with m.If(~hurt):
            m.d.comb += [Assert(~back.any() | before), Assert(~back[2] | caught),
                         Assert(~seen | (before & caught & crossed))]
