"""What the controller of a memory chip promises, as a circuit that a prover can check.

All inputs are free in every cycle, reset too. What is promised is of the ports;
:meth:`SdramSpec.link` says besides what that is in the state of the controller, so that the proof
is an induction.
"""

from amaranth import *
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert
from amaranth.utils import exact_log2

from hwgen.arch.sdram import (
    BURST,
    CAPTURES,
    CAS_LATENCY,
    MODE,
    POWER_UP_REFRESHES,
    SETTLE,
)
from hwgen.arch.sdram import (
    SdramCommand as Command,
)
from hwgen.rtl.external.sdram import Sdram

from ...formal import Spec

STATES = ("POWER", "REFRESH", "MODE", "WAIT", "BURST", "CLOSE")


def inside(kind):
    """Return a controller that shows which of :data:`STATES` it is in."""
    class Inside(kind):
        def __init__(self, **sizes):
            super().__init__(**sizes)
            self.states = Signal(len(STATES))

        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.states.eq(Cat(map(self.fsm.ongoing, STATES)))
            return m

    return Inside


class SdramSpec(Spec):
    """The chip is told nothing in a wrong state or too soon; requests are pages; refreshes come.

    Each request that is taken is one page, in its cycles, and there is no other. A refresh comes
    for each that is due, and waits for no more than a page.

    Parameters
    ----------
    kind : type
        :class:`Sdram`, or one with a defect; the others are its parameters.
    """

    def __init__(self, kind=Sdram, **sizes):
        super().__init__(inside(kind)(**sizes))

    def elaborate(self, platform):
        m, dut = Module(), self.dut
        self.m = m
        m.domains += self.sync
        m.submodules.dut = dut.elaborate(platform)  # now, so that its state can be named below
        m.d.comb += [self.sync.rst.eq(AnySeq(1)), dut.capture.eq(AnyConst(3))]
        for port in (dut.request.valid, dut.request.payload, dut.restart, dut.i, dut.dq_i):
            m.d.comb += Value.cast(port).eq(AnySeq(len(Value.cast(port))))
        command = Cat(dut.ras_n, dut.cas_n, dut.we_n)
        self.given = {each: command == each for each in Command}
        self.ago = {}
        self.powered = self.ever(self.given[Command.MODE])
        self.chip()
        self.requests()
        self.words()
        self.refreshes()
        self.link()
        return m

    def since(self, name, event, most):
        """Return the cycles since an event, ``most`` if they are more or there was none.

        ``ago`` has them under a name, with the event of this cycle, and with ``most``.
        """
        count = Signal(range(most + 1), init=most, name=f"since_{name}")
        self.m.d.sync += count.eq(Mux(event, 1, Mux(count == most, most, count + 1)))
        self.ago[name] = Mux(event, 0, count), most
        return count == most

    def ever(self, event):
        """Return whether there was an event, or is in this cycle."""
        was = Signal()
        self.m.d.sync += was.eq(was | event)
        return was | event

    def before(self, value, cycles=1):
        """Return what a value was."""
        for _ in range(cycles):
            old, value = value, Signal.like(value)
            self.m.d.sync += value.eq(old)
        return value

    def check(self, when, *holds):
        """Assert what holds in some cycles."""
        with self.m.If(when):
            self.m.d.comb += [Assert(each) for each in holds]

    def chip(self):
        """No command comes in a wrong state of a bank, or too soon after another one."""
        m, dut, given = self.m, self.dut, self.given
        opens, closes = given[Command.ACTIVATE], given[Command.PRECHARGE]
        accesses = given[Command.READ] | given[Command.WRITE]
        opened, bank = Signal(), Signal(2)
        with m.If(opens):
            m.d.sync += [opened.eq(1), bank.eq(dut.bank)]
        with m.Elif(closes):
            m.d.sync += opened.eq(0)
        closed_long = self.since("close", closes, dut.precharge)
        rested = (self.since("refresh", given[Command.REFRESH], dut.refresh)
                  & self.since("mode", given[Command.MODE], dut.mode))
        burst_over = self.since("access", accesses, BURST)
        refreshes, begun = Signal(range(POWER_UP_REFRESHES + 1)), Signal(range(dut.power_up + 1))
        self.begins = ~refreshes[-1] & ~((refreshes == POWER_UP_REFRESHES - 1)
                                         & given[Command.REFRESH])
        m.d.sync += [refreshes.eq(refreshes + (given[Command.REFRESH] & ~refreshes[-1])),
                     begun.eq(begun + (begun != dut.power_up))]
        self.check(~given[Command.NONE], begun == dut.power_up)
        self.check(opens, self.powered, ~opened, closed_long, rested)
        self.check(accesses, opened, dut.bank == bank, ~dut.address[10],
                   self.since("open", opens, dut.activate), burst_over)
        self.check(closes, dut.address[10], rested)
        self.check(closes & opened, burst_over, self.since("word", dut.dq_oe, dut.recovery))
        self.closed = self.ever(closes)
        self.check(given[Command.REFRESH], self.closed, ~opened, closed_long, rested)
        self.check(given[Command.MODE], refreshes[-1], ~opened, closed_long, rested,
                   dut.address == MODE, dut.bank == 0)
        m.d.comb += Assert(dut.dqm == ~self.powered)
        self.opened, self.bank, self.begun, self.refreshed = opened, bank, begun, refreshes

    def requests(self):
        """Each request has the commands of its page in their cycles, and each page a request.

        ``age`` counts from the cycle behind that in which it was taken, in which its ACTIVATE is
        on the pins; it is 0 while there is no page.
        """
        m, dut, given = self.m, self.dut, self.given
        last = dut.activate + dut.words
        self.taken = dut.request.valid & dut.request.ready
        self.age, self.writes = Signal(range(last + dut.recovery + 1)), Signal()
        self.asked = asked = Signal(dut.page_bits)
        self.closes = closes = self.age == Mux(self.writes, last + dut.recovery, last + 1)
        with m.If(self.taken):
            m.d.sync += [self.age.eq(1), asked.eq(dut.request.p.page),
                         self.writes.eq(dut.request.p.write)]
            m.d.comb += [Assert(self.age == 0), Assert(self.powered)]
        with m.Elif(closes):
            m.d.sync += self.age.eq(0)
        with m.Elif(self.age != 0):
            m.d.sync += self.age.eq(self.age + 1)
        self.within = (self.age > dut.activate) & (self.age <= last)
        word = (self.age - dut.activate - 1)[:exact_log2(dut.words)]
        accesses = self.within & (word[:exact_log2(BURST)] == 0)
        m.d.comb += [Assert(given[Command.ACTIVATE] == (self.age == 1)),
                     Assert(given[Command.READ] == (accesses & ~self.writes)),
                     Assert(given[Command.WRITE] == (accesses & self.writes))]
        self.check(self.powered, given[Command.PRECHARGE] == closes)
        high = dut.page_bits - 2 - dut.row_bits
        self.check(self.age == 1, dut.bank == asked[:2], dut.address == asked[2 + high:])
        self.check(accesses, dut.address == Cat(word, asked[2:2 + high]))

    def words(self):
        """Words leave with their WRITE and come with their READ, and are nowhere else."""
        m, dut = self.m, self.dut
        takes = (self.age >= dut.activate) & (self.age < dut.activate + dut.words)
        self.reading = [takes & ~self.writes]  # now, a cycle ago, ...
        for _ in range(SETTLE):
            self.reading.append(self.before(self.reading[-1]))
        come = Array(self.reading[2 + CAS_LATENCY + capture] for capture in range(CAPTURES))
        m.d.comb += [Assert(dut.i_take == (takes & self.writes)),
                     Assert(dut.dq_oe == (self.within & self.writes)),
                     Assert(dut.o_valid == come[dut.capture])]
        # On the bus are words of one or the other, with a cycle between them.
        near = self.reading[1 + CAS_LATENCY] | self.reading[2 + CAS_LATENCY]
        m.d.comb += Assert(~(dut.dq_oe & near))
        self.check(dut.dq_oe, dut.dq_o == self.before(dut.i))
        self.check(dut.o_valid, dut.o == self.before(dut.dq_i))
        self.check(dut.idle, ~dut.o_valid, *(~read for read in self.reading))

    def refreshes(self):
        """What is due comes, soon; what comes was due, or a restart; and nothing is forgotten."""
        m, dut = self.m, self.dut
        restarts = dut.restart & dut.idle
        self.timer = timer = Signal(range(1, dut.refresh_every + 1), init=dut.refresh_every)
        due = timer == 1
        m.d.sync += timer.eq(Mux(self.begins | due | restarts, dut.refresh_every, timer - 1))
        # Due in this cycle, on the pins in the next one at the soonest.
        given = self.given[Command.REFRESH] & self.before(self.powered)
        debt = Signal(range(dut.most_owed + 2))
        pays = given & ~self.before(restarts)
        m.d.sync += debt.eq(debt + due - pays)
        self.check(pays, debt != 0)
        self.check(self.before(restarts), given)
        self.late, self.pays, self.owed = Signal(range(256)), pays, debt - pays
        m.d.sync += self.late.eq(Mux((debt == pays) | pays, 0, self.late + 1))
        m.d.comb += [Assert(debt <= dut.most_owed),
                     Assert(self.late <= dut.interval + dut.recovery),
                     Assert(~(self.taken & (due | (debt != pays)))),
                     Assert(~(self.taken & dut.restart)),
                     Assert(~(dut.idle & (due | (debt != pays))))]

    def link(self):
        """What has been seen says in which state the controller is, and what it counts."""
        m, dut, age = self.m, self.dut, self.age
        power, refresh, mode, wait, burst, close = dut.states
        last = dut.activate + dut.words
        page, left = (age != 0) & ~self.closes, dut.left
        ago = {name: cycles for name, (cycles, _) in self.ago.items()}

        # Power-up, by the cycle.
        precharged = dut.power_up - 1 + dut.precharge
        begins = precharged + POWER_UP_REFRESHES * dut.refresh
        cycle = Signal(range(begins + 2))
        m.d.sync += cycle.eq(cycle + (cycle <= begins))
        refreshed = self.refreshed + self.given[Command.REFRESH]
        m.d.comb += [
            Assert(self.powered == (cycle > begins)),
            Assert(power == (cycle < dut.power_up)),
            Assert(mode == ((cycle > begins - dut.refresh) & (cycle <= begins))),
            Assert(refresh == ((cycle >= dut.power_up) & (cycle <= begins - dut.refresh))),
            Assert(self.begun == Mux(cycle < dut.power_up, cycle, dut.power_up)),
            Assert(self.closed == ~power)]
        self.check(power, left + 1 + cycle == dut.power_up - 1, refreshed == 0, dut.refreshes == 0)
        self.check(refresh, dut.refreshes == refreshed, refreshed < POWER_UP_REFRESHES,
                   left + 1 + cycle == precharged + dut.refreshes * dut.refresh)
        self.check(mode, left + 1 + cycle == begins)
        self.check(cycle > begins - dut.refresh, refreshed >= POWER_UP_REFRESHES,
                   dut.refreshes == 0)

        # A page, by its age.
        m.d.comb += [Assert(burst == ((age != 0) & (age < last))),
                     Assert(close == ((age >= last) & ~self.closes)),
                     Assert(wait == (self.powered & ~page)), Assert(~page | self.powered),
                     Assert(age <= Mux(self.writes, last + dut.recovery, last + 1)),
                     Assert(self.opened == (age > 1)),
                     Assert(dut.word == Mux(burst & (age > dut.activate), age - dut.activate, 0))]
        self.check(burst, left == Mux(age < dut.activate, dut.activate - 1 - age, -1))
        self.check(close, left + 1 == Mux(self.writes, last + dut.recovery - 1, last) - age)
        high = dut.page_bits - 2 - dut.row_bits
        self.check(page, dut.kept == Cat(self.writes, self.asked[2:2 + high]),
                   dut.bank == self.asked[:2])
        self.check(self.opened, self.bank == self.asked[:2])

        # What was given is long enough ago, or will be.
        for name in ("close", "refresh", "mode"):
            self.check(~page, ago[name] + left + 2 >= self.ago[name][1])
            self.check(page, ago[name] == self.ago[name][1])
        self.check(burst, ago["open"] + left + 2 >= dut.activate)
        self.check(burst & (dut.word != 0), ago["access"] == (dut.word - 1)[:exact_log2(BURST)])
        self.check(~burst | (dut.word == 0), ago["access"] == Mux(age == last, BURST - 1, BURST))
        self.check(~(self.writes & page), ago["word"] == dut.recovery)
        self.check(self.writes & page & (age > last), ago["word"] == age - last)
        self.check(self.writes & burst & (age <= dut.activate), ago["word"] == dut.recovery)

        # Words that are to come left the chip's row behind.
        m.d.comb += [Assert(dut.passing == Cat(self.reading[1:])),
                     Assert(dut.under_way == dut.passing.any())]
        for cycles, read in enumerate(self.reading[1:], 1):
            self.check(wait & read, cycles + left >= dut.precharge)
            self.check(page & self.writes & read, cycles > age + dut.precharge)
            self.check(~self.powered, ~read)

        # Refreshes that are due are no more than the cycles since there was none.
        longest = last + dut.recovery - 1 + dut.precharge
        behind = self.owed * dut.refresh_every
        m.d.comb += [Assert(dut.timer + 2 == self.timer), Assert(dut.owed == self.owed)]
        self.check(page, behind + 2 <= age + self.timer, self.late <= age)
        self.check(wait, behind + left + 2 <= longest + self.timer,
                   self.pays | (self.late + left + 1 <= longest))
        self.check(~self.powered, self.late == 0, behind + left + dut.refresh_every <= self.timer
                   + Mux(mode, dut.refresh, 2 * dut.power_up + dut.refresh + dut.precharge))
