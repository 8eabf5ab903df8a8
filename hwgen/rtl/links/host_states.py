"""The states of a host: it takes a request, serves it at the bus, and answers."""

from typing import Any

from amaranth import *

from ...arch import frames
from .frame_buffer import FrameBuffer
from .frame_check import FrameCheck, Request

__all__ = ["HostStates"]


class HostStates:
    """Statements for the states of a host, to be added within its ``m.FSM()``, in this order.

    Parameters
    ----------
    host : Host
        Whose ports they drive.
    request, check, buffer
        What the host knows of a frame.
    """

    def __init__(self, m: Module, host: Any, request: Request, check: FrameCheck,
                 buffer: FrameBuffer) -> None:
        self.m = m
        self.rx, self.tx, self.bus, self.near = host.rx, host.tx, host.bus, host.near
        self.request, self.check, self.buffer = request, check, buffer
        self.stale = Signal()          # the write is of another epoch
        self.status = Signal(frames.Status)   # of the reply
        self.data = Signal()           # data follow in the reply
        self.space = Signal()          # `tx` takes a byte

    def hunt(self) -> None:
        """Wait for what may be a header."""
        m, rx, check = self.m, self.rx, self.check
        with m.State("HUNT"):
            # The last byte of a reply keeps the way to the CRC until it is taken.
            m.d.comb += rx.ready.eq(~self.tx.valid)
            m.d.sync += [check.index.eq(0), check.good.eq(1), check.begin.eq(1)]
            with m.If(rx.valid & rx.ready):
                m.d.sync += self.request.shift(rx.payload)
                with m.If(self.request.next_oldest == frames.REQUEST_SYNC):
                    m.next = "CHECK HEAD"

    def check_header(self) -> None:
        """Count what may be a header, and compare its CRC."""
        m, request, check = self.m, self.request, self.check
        with m.State("CHECK HEAD"):
            m.d.sync += [*check.count(request.oldest), request.shift(request.oldest),
                         check.index.eq(check.index + 1)]
            with m.If(check.index == frames.HEAD_SIZE - 1):
                m.next = "CHECK CRC"

        with m.State("CHECK CRC"):
            with m.If(~check.fresh):
                m.d.sync += [request.shift(request.oldest), *check.compare(request.oldest)]
                with m.If(check.index == frames.CRC_SIZE - 1):
                    m.next = "DECIDE"

    def decide(self) -> None:
        """Begin what the request asks for."""
        m, bus, request, buffer = self.m, self.bus, self.request, self.buffer
        with m.State("DECIDE"):
            m.d.sync += [
                buffer.row.eq(0),
                buffer.lane.eq(request.address[:2]),
                buffer.left.eq(request.last),
                buffer.words.eq(request.words),
                self.check.index.eq(0),
                bus.address.eq(Cat(C(0, 2), request.address[2:])),
                bus.mask.eq(request.first_mask
                            & Mux(request.words.any(), 0b1111, request.last_mask)),
            ]
            with m.If(self.check.failed):
                m.next = "HUNT"
            with m.Elif(request.command == frames.Command.READ):
                m.d.sync += bus.read.eq(1)
                m.next = "READ"
            with m.Elif(request.command[:frames.EPOCH_LOW] == frames.Command.WRITE):
                m.next = "RECEIVE DATA"
            with m.Else():
                self.reply(frames.Status.UNKNOWN)

    def receive_data(self) -> None:
        """Keep the data of a write, and judge them by their CRC and by the epoch."""
        m, rx, check, buffer = self.m, self.rx, self.check, self.buffer
        with m.State("RECEIVE DATA"):
            m.d.comb += rx.ready.eq(1)
            with m.If(rx.valid):
                m.d.comb += buffer.put.eq(1 << buffer.lane)
                m.d.sync += [*check.count(rx.payload), *buffer.next_byte()]
                with m.If(buffer.lane == 3):
                    m.d.sync += buffer.row.eq(buffer.row + 1)
                with m.If(buffer.left == 0):
                    m.next = "RECEIVE CRC"

        with m.State("RECEIVE CRC"):
            m.d.comb += rx.ready.eq(~check.fresh)
            with m.If(rx.valid & rx.ready):
                m.d.sync += check.compare(rx.payload)
                with m.If(check.index == frames.CRC_SIZE - 1):
                    m.next = "JUDGE"

        with m.State("JUDGE"):
            m.d.sync += buffer.row.eq(0)
            m.next = "FETCH"
            with m.If(check.failed):
                self.reply(frames.Status.DAMAGED)
            with m.Elif(self.stale):
                self.reply(frames.Status.STALE)

    def read(self) -> None:
        """Read the words of the bus into the buffer."""
        m, bus, buffer = self.m, self.bus, self.buffer
        with m.State("READ"):
            with m.If(bus.ack):
                m.d.comb += buffer.put.eq(bus.mask)
                m.d.sync += buffer.row.eq(buffer.row + 1)
                self._next_word()
                with m.If(bus.error):
                    m.d.sync += bus.read.eq(0)
                    self.reply(frames.Status.REFUSED)
                with m.Elif(buffer.words == 0):
                    m.d.sync += [bus.read.eq(0), self.data.eq(1)]
                    m.next = "REWIND"

        # The last word is on its way to the buffer.
        with m.State("REWIND"):
            m.d.sync += buffer.row.eq(0)
            m.next = "FETCH"

    def fetch(self) -> None:
        """Fill the stages from the buffer to the bus, or to ``tx``: three, or one if it is near."""
        m, buffer = self.m, self.buffer
        with m.State("FETCH"):
            buffer.next_row(m)
            m.next = "LOAD" if self.near else "FETCH SECOND"

        if not self.near:
            with m.State("FETCH SECOND"):
                buffer.next_row(m)
                m.next = "LOAD"

        with m.State("LOAD"):
            if not self.near:
                buffer.next_row(m)
            buffer.give(m)
            with m.If(self.data):
                self.reply(frames.Status.DATA)
            with m.Else():
                m.d.sync += self.bus.write.eq(1)
                m.next = "WRITE"

    def write(self) -> None:
        """Write the buffer to the words of the bus."""
        m, bus, buffer = self.m, self.bus, self.buffer
        with m.State("WRITE"):
            with m.If(bus.ack):
                buffer.next_row(m)
                self._next_word()
                buffer.give(m)
                with m.If(bus.error):
                    m.d.sync += bus.write.eq(0)
                    self.reply(frames.Status.REFUSED)
                with m.Elif(buffer.words == 0):
                    m.d.sync += bus.write.eq(0)
                    self.reply(frames.Status.DONE)

    def send_header(self) -> None:
        """Send the header, most of which is the request's, and the CRC of what was sent.

        Zeros take the place of the request, so that none of it is left when hunting begins.
        """
        m, tx, request, check = self.m, self.tx, self.request, self.check
        with m.State("SEND"):
            with m.If(self.space):
                m.d.sync += [*check.count(request.oldest), tx.valid.eq(1),
                             request.shift(C(0, 8)), check.index.eq(check.index + 1)]
                with m.If(check.index == 0):
                    m.d.sync += tx.payload.eq(frames.REPLY_SYNC)
                with m.If(check.index == 1):
                    m.d.sync += tx.payload.eq(self.status)
                with m.If(check.index == frames.HEAD_SIZE - 1):
                    m.next = "SEND CRC"

        with m.State("SEND CRC"):
            with m.If(self.space & ~check.fresh):
                m.d.sync += [tx.payload.eq(check.value), tx.valid.eq(1), request.shift(C(0, 8)),
                             check.index.eq(check.index + 1)]
                with m.If(check.index == frames.CRC_SIZE - 1):
                    m.d.sync += check.index.eq(0)
                    m.next = "HUNT"
                    with m.If(self.data):
                        m.next = "SEND DATA"

    def send_data(self) -> None:
        """Send the data of a read; their own CRC follows."""
        m, buffer = self.m, self.buffer
        with m.State("SEND DATA"):
            with m.If(self.space):
                m.d.sync += [*self.check.count(self.bus.w_data.word_select(buffer.lane, 8)),
                             self.tx.valid.eq(1), *buffer.next_byte()]
                with m.If(buffer.lane == 3):
                    buffer.next_row(m)
                    buffer.give(m)
                with m.If(buffer.left == 0):
                    m.d.sync += self.data.eq(0)
                    m.next = "SEND CRC"

    def reply(self, status: frames.Status) -> None:
        """Begin a reply, in the next cycle."""
        m, check = self.m, self.check
        m.d.sync += [self.status.eq(status), check.index.eq(0), check.begin.eq(1)]
        m.next = "SEND"

    def _next_word(self) -> None:
        """Go on to the next word of the bus."""
        bus, words = self.bus, self.buffer.words
        self.m.d.sync += [
            bus.address[2:].eq(bus.address[2:] + 1),
            words.eq(words - 1),
            bus.mask.eq(Mux(words == 1, self.request.last_mask, 0b1111)),
        ]
