"""Whose turn it is, and which writes still count."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arch.frames import EPOCH_BITS
from ...arch.registers import OWNER_BITS

__all__ = ["Turns"]


class Turns(wiring.Component):
    """Count epochs, and keep the number of the host whose turn it is.

    Every run begins another epoch, and so does every turn. As the host port takes only writes of
    the present epoch, a request to run steps can be repeated at will: it runs them once.

    Members
    -------
    start, busy : In(1)
        A run begins where ``start`` is high while ``busy`` is low.
    turn : In(1), number : In(16)
        A host of that number begins its turn.
    epoch : Out(6)
        One more, in the cycle after a run or a turn has begun.
    owner : Out(16)
        The number with which the present turn began.
    """

    start: Value
    busy: Value
    turn: Value
    number: Value
    epoch: Value
    owner: Value

    latency = 1
    interval = 1

    def __init__(self) -> None:
        super().__init__({
            "start": In(1), "busy": In(1), "turn": In(1), "number": In(OWNER_BITS),
            "epoch": Out(EPOCH_BITS), "owner": Out(OWNER_BITS),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.If(self.turn | (self.start & ~self.busy)):
            m.d.sync += self.epoch.eq(self.epoch + 1)
        with m.If(self.turn):
            m.d.sync += self.owner.eq(self.number)
        return m
