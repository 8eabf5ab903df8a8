"""Where a host's side with a clock of its own meets the accelerator's."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer  # type: ignore[import-untyped]
from amaranth.lib.wiring import In, Out

from ...arch.frames import EPOCH_BITS
from .host import BUS

__all__ = ["HOST", "Crossing"]

HOST = "host"
"""The clock domain of a host's side, where it has its own."""

SETTLE = 4
"""Cycles from an answer on ``o`` until ``present`` is what a write makes of it, at most."""


class Crossing(wiring.Component):
    """Carry the accesses of a bus from the clock domain ``host`` to ``sync``, and the answers back.

    Each access of ``i`` is one of ``o``, and is answered as that is, whatever the two clocks are:
    none is lost, doubled or changed. They are done one after the other, a few cycles of either
    clock each.

    A flag crosses through two registers for every access, and another one for its answer; while
    they differ, an access is under way. What belongs to a flag is in registers a cycle before it
    changes, and stays until the other flag has come. A reset changes neither flag:

    - What is under way when ``host`` is reset is done, and the next access waits for it.
    - What ``o`` has not answered when ``sync`` is reset, and what comes during the reset, is
      answered with an error.

    ``epoch`` is ``present``, after two edges of the host's clock. If a write changes it within
    :data:`SETTLE` cycles, ``epoch`` follows before the write is answered.

    Members
    -------
    i : In(BUS), epoch : Out(6)
        In the domain ``host``, whose reset may take an access back.
    o : Out(BUS), present : In(6)
        In the domain ``sync``. Its reset has ``o`` forget an access.
    """

    host_domain = HOST

    i: Any
    o: Any
    present: Value
    epoch: Value
    asked: Signal
    answered: Signal
    """The flags, once it is elaborated."""
    settled: Signal
    """That of the answer in the cycles behind it; the last one crosses."""
    kept: Signal
    """Whether the access writes, its address, its mask, and what it writes."""
    fsm: Any
    awake: Signal

    def __init__(self) -> None:
        super().__init__({"i": In(BUS), "o": Out(BUS), "present": In(EPOCH_BITS),
                          "epoch": Out(EPOCH_BITS)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        self.asked, self.answered = asked, answered = (
            Signal(name="asked", reset_less=True), Signal(name="answered", reset_less=True))
        self.settled = settled = Signal(SETTLE, name="settled", reset_less=True)
        arrived, returned = Signal(), Signal()
        m.submodules.asked = FFSynchronizer(asked, arrived)
        m.submodules.answered = FFSynchronizer(settled[-1], returned, o_domain=HOST)
        m.submodules.epoch = FFSynchronizer(self.present, self.epoch, o_domain=HOST)

        access = Cat(i.write, i.address, i.mask, i.w_data)
        self.kept = kept = Signal.like(access, name="kept", reset_less=True)
        with m.FSM(domain=HOST) as self.fsm:
            with m.State("IDLE"):
                with m.If((i.read | i.write) & (asked == returned)):
                    m.d[HOST] += kept.eq(access)
                    m.next = "ASK"
            with m.State("ASK"):
                m.d[HOST] += asked.eq(~asked)
                m.next = "WAIT"
            with m.State("WAIT"):
                with m.If(asked == returned):
                    m.d.comb += i.ack.eq(1)
                    m.next = "IDLE"

        here = Signal()
        self.awake = awake = Signal()  # there was no reset a cycle ago
        data, error = Signal(32, reset_less=True), Signal(reset_less=True)
        m.d.comb += [here.eq(arrived ^ answered), Cat(o.address, o.mask, o.w_data).eq(kept[1:]),
                     i.r_data.eq(data), i.error.eq(error)]
        m.d.sync += [awake.eq(1), settled.eq(Cat(answered, settled)),
                     o.write.eq(here & awake & kept[0] & ~o.ack),
                     o.read.eq(here & awake & ~kept[0] & ~o.ack)]
        with m.If(here & (o.ack | ~awake)):
            m.d.sync += [answered.eq(arrived), data.eq(o.r_data), error.eq(o.error | ~awake)]
        return m
