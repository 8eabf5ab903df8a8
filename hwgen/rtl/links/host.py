"""The accelerator's end of the wire: serve the requests that a host sends as frames."""

from typing import Any

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...arch.frames import EPOCH_BITS, EPOCH_LOW, HEADER_SIZE
from .frame_buffer import FrameBuffer
from .frame_check import FrameCheck, Request
from .host_states import HostStates

__all__ = ["BUS", "Host"]

BUS = wiring.Signature({
    "address": Out(32),
    "write": Out(1),
    "read": Out(1),
    "mask": Out(4),
    "w_data": Out(32),
    "r_data": In(32),
    "ack": In(1),
    "error": In(1),
})
"""A bus of 32-bit words, seen from whoever reads and writes.

``read`` or ``write`` is held, and with it ``address`` (in bytes, a multiple of 4), ``mask`` (the
bytes of the word that are meant) and ``w_data``, until the cycle in which ``ack`` is high, which
may be the first one. ``r_data`` and ``error`` count in that cycle only. In the next one there may
be another word, without a pause.
"""


class Host(wiring.Component):
    """Serve the requests of a host, one after the other; docs/protocol.md says what they are.

    Nothing is written before the last byte of a request has come, its CRCs are right, and its epoch
    is the present one. While a request is served and answered, ``rx`` waits.

    A byte a cycle is taken and given, and a word a cycle is read or written when ``bus`` answers
    at once. Only a byte that could be the first of a header makes ``rx`` wait for 14 cycles, when
    eleven more have come. All outputs come from registers, ``rx.ready`` by way of two LUTs. Without
    an ``ack`` the host waits for ever.

    Parameters
    ----------
    near : bool
        Whether its buffer is near, and the clock slow: then there are no registers on the way.
    family : str
        FPGA family.

    Members
    -------
    rx : In(stream.Signature(8))
        What the host sends.
    tx : Out(stream.Signature(8))
        What it gets.
    bus : Out(BUS)
        Where memory is.
    epoch : In(6)
        The present one. A write may change it, until the next request has come.
    """

    rx: stream.Interface
    tx: stream.Interface
    bus: Any
    epoch: Value
    fsm: Any
    """Its states, once it is elaborated."""

    latency = 3
    """Fewest cycles from a request's last byte to the first of its reply: of a write that does not
    count. What reads or writes words takes more, by their number and as the bus answers."""
    interval = 1
    """Cycles between bytes of a reply at best."""

    def __init__(self, *, near: bool = False, family: str = "generic") -> None:
        self.near = near
        self.family = family
        super().__init__({
            "rx": In(stream.Signature(8)),
            "tx": Out(stream.Signature(8)),
            "bus": Out(BUS),
            "epoch": In(EPOCH_BITS),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tx = self.tx
        window = Signal(8 * HEADER_SIZE)
        buffer = FrameBuffer(m, self.bus, self.rx.payload, near=self.near, family=self.family)
        request = Request(m, window)
        check = FrameCheck(m, tx.payload)
        states = HostStates(m, self, request, check, buffer)
        # Known long before the write is judged.
        m.d.sync += states.stale.eq(request.command[EPOCH_LOW:] != self.epoch)
        check.connect(m)
        m.d.comb += states.space.eq(~tx.valid | tx.ready)
        with m.If(tx.ready):
            m.d.sync += tx.valid.eq(0)
        buffer.connect(m)
        with m.FSM() as self.fsm:
            states.hunt()
            states.check_header()
            states.decide()
            states.receive_data()
            states.read()
            states.fetch()
            states.write()
            states.send_header()
            states.send_data()
        return m
