"""The accelerator's end of the wire: serve the requests that a host sends as frames."""

from typing import Any

from amaranth import *
from amaranth.hdl import Assert
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc import Algorithm  # type: ignore[import-untyped]
from amaranth.lib.wiring import In, Out

from ...arch.frames import (
    CRC_SIZE,
    EPOCH_BITS,
    EPOCH_LOW,
    HEAD_SIZE,
    HEADER_SIZE,
    LARGEST,
    REPLY_SYNC,
    REQUEST_SYNC,
    Command,
    Status,
)
from .. import primitives
from ..primitives.pipeline import later

__all__ = ["BUS", "Host"]

CRC32 = Algorithm(crc_width=32, polynomial=0x04C11DB7, initial_crc=0xFFFFFFFF, reflect_input=True,
                  reflect_output=True, xor_output=0xFFFFFFFF)

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
        rx, tx, bus = self.rx, self.tx, self.bus

        # The last bytes that came, the oldest first. While hunting, every one of them has its turn
        # to be the first of a header, so that no false header can hide a true one.
        window = Signal(8 * HEADER_SIZE)
        oldest = window[:8]
        command, last, address = window[8:16], window[24:32], window[32:64]

        # Data lie in the buffer by their place in a word; beyond the 64th they begin anew, where
        # the first word leaves just enough bytes free.
        buffer: Any = memory.Memory(shape=32, depth=LARGEST // 4, init=[],
                                    attrs=primitives.small_memory(self.family))
        m.submodules.buffer = buffer
        store = buffer.write_port(granularity=8)
        load = buffer.read_port(transparent_for=(store,))  # the cheapest; they never collide
        row = Signal(range(LARGEST // 4))
        lane = Signal(2)
        left = Signal(range(LARGEST))         # bytes after this one
        words = Signal(range(LARGEST // 4 + 1))  # words after this one
        # The buffer may be far away: there are registers before it and behind it.
        put = Signal(4)
        loaded = Signal(32, reset_less=True)
        given = Mux(bus.read, bus.r_data, rx.payload.replicate(4))
        far = 1 - self.near
        m.d.comb += [store.addr.eq(later(m, row, far, "row")),
                     store.data.eq(later(m, given, far, "given")),
                     store.en.eq(later(m, put, far, "put")),
                     load.addr.eq(row), load.en.eq(0)]

        end = Signal(range(LARGEST + 3))
        first_mask, last_mask = Signal(4), Signal(4)
        m.d.comb += [
            end.eq(address[:2] + last),
            first_mask.eq(0b1111 << address[:2]),
            last_mask.eq(0b1111 >> ~end[:2]),
        ]

        # Every byte that counts for a CRC passes `tx.payload`, whether it is sent or not, and is
        # counted one cycle later: there the way to the CRC is short, and one choice serves both.
        m.submodules.crc = crc = CRC32(data_width=8).create()
        fresh = Signal()
        index = Signal(range(HEAD_SIZE))
        check = crc.crc.word_select(index[:2], 8)
        good = Signal()     # all bytes of a CRC so far,
        wrong = Signal(8)   # but for these bits of the last one
        begin = Signal()  # a CRC, in the next cycle, behind which its first byte comes
        stale = Signal()  # the write is of another epoch: known long before it is judged
        m.d.sync += stale.eq(command[EPOCH_LOW:] != self.epoch)
        m.d.comb += [crc.data.eq(tx.payload), crc.valid.eq(fresh), crc.start.eq(begin)]
        m.d.sync += [fresh.eq(0), begin.eq(0), wrong.eq(0)]
        with m.If(wrong.any()):
            m.d.sync += good.eq(0)

        def count(byte: Value) -> list[Any]:
            return [tx.payload.eq(byte), fresh.eq(1)]

        def shift(byte: Any) -> Any:
            return window.eq(Cat(window[8:], byte))

        status = Signal(Status)
        data = Signal()  # data follow in the reply
        space = Signal()
        m.d.comb += space.eq(~tx.valid | tx.ready)
        with m.If(tx.ready):
            m.d.sync += tx.valid.eq(0)

        def reply(with_status: Status) -> None:
            m.d.sync += [status.eq(with_status), index.eq(0), begin.eq(1)]
            m.next = "SEND"

        def next_word() -> None:
            m.d.sync += [
                bus.address[2:].eq(bus.address[2:] + 1),
                words.eq(words - 1),
                bus.mask.eq(Mux(words == 1, last_mask, 0b1111)),
            ]

        def next_row() -> None:
            m.d.comb += load.en.eq(1)
            m.d.sync += row.eq(row + 1)
            if not self.near:
                m.d.sync += loaded.eq(load.data)

        def take_loaded() -> None:
            if not self.near:
                m.d.sync += bus.w_data.eq(loaded)

        if self.near:
            m.d.comb += bus.w_data.eq(load.data)

        with m.FSM() as fsm:
            with m.State("HUNT"):
                # The last byte of a reply keeps the way to the CRC until it is taken.
                m.d.comb += rx.ready.eq(~tx.valid)
                m.d.sync += [index.eq(0), good.eq(1), begin.eq(1)]
                with m.If(rx.valid & rx.ready):
                    m.d.sync += shift(rx.payload)
                    with m.If(window[8:16] == REQUEST_SYNC):
                        m.next = "CHECK HEAD"

            with m.State("CHECK HEAD"):
                m.d.sync += [*count(oldest), shift(oldest), index.eq(index + 1)]
                with m.If(index == HEAD_SIZE - 1):
                    m.next = "CHECK CRC"

            with m.State("CHECK CRC"):
                with m.If(~fresh):
                    m.d.sync += [
                        shift(oldest),
                        index.eq(index + 1),
                        wrong.eq(oldest ^ check),
                    ]
                    with m.If(index == CRC_SIZE - 1):
                        m.next = "DECIDE"

            with m.State("DECIDE"):
                m.d.sync += [
                    row.eq(0),
                    lane.eq(address[:2]),
                    left.eq(last),
                    words.eq(end[2:]),
                    index.eq(0),
                    bus.address.eq(Cat(C(0, 2), address[2:])),
                    bus.mask.eq(first_mask & Mux(end[2:].any(), 0b1111, last_mask)),
                ]
                with m.If(~good | wrong.any()):
                    m.next = "HUNT"
                with m.Elif(command == Command.READ):
                    m.d.sync += bus.read.eq(1)
                    m.next = "READ"
                with m.Elif(command[:EPOCH_LOW] == Command.WRITE):
                    m.next = "RECEIVE DATA"
                with m.Else():
                    reply(Status.UNKNOWN)

            with m.State("RECEIVE DATA"):
                m.d.comb += rx.ready.eq(1)
                with m.If(rx.valid):
                    m.d.comb += put.eq(1 << lane)
                    m.d.sync += [*count(rx.payload), lane.eq(lane + 1), left.eq(left - 1)]
                    with m.If(lane == 3):
                        m.d.sync += row.eq(row + 1)
                    with m.If(left == 0):
                        m.next = "RECEIVE CRC"

            with m.State("RECEIVE CRC"):
                m.d.comb += rx.ready.eq(~fresh)
                with m.If(rx.valid & rx.ready):
                    m.d.sync += [index.eq(index + 1), wrong.eq(rx.payload ^ check)]
                    with m.If(index == CRC_SIZE - 1):
                        m.next = "JUDGE"

            with m.State("JUDGE"):
                m.d.sync += row.eq(0)
                m.next = "FETCH"
                with m.If(~good | wrong.any()):
                    reply(Status.DAMAGED)
                with m.Elif(stale):
                    reply(Status.STALE)

            with m.State("READ"):
                with m.If(bus.ack):
                    m.d.comb += put.eq(bus.mask)
                    m.d.sync += row.eq(row + 1)
                    next_word()
                    with m.If(bus.error):
                        m.d.sync += bus.read.eq(0)
                        reply(Status.REFUSED)
                    with m.Elif(words == 0):
                        m.d.sync += [bus.read.eq(0), data.eq(1)]
                        m.next = "REWIND"

            # The last word is on its way to the buffer.
            with m.State("REWIND"):
                m.d.sync += row.eq(0)
                m.next = "FETCH"

            # Fill the stages from the buffer to the bus, or to `tx`: three, or one if it is near.
            with m.State("FETCH"):
                next_row()
                m.next = "LOAD" if self.near else "FETCH SECOND"

            if not self.near:
                with m.State("FETCH SECOND"):
                    next_row()
                    m.next = "LOAD"

            with m.State("LOAD"):
                if not self.near:
                    next_row()
                take_loaded()
                with m.If(data):
                    reply(Status.DATA)
                with m.Else():
                    m.d.sync += bus.write.eq(1)
                    m.next = "WRITE"

            with m.State("WRITE"):
                with m.If(bus.ack):
                    next_row()
                    next_word()
                    take_loaded()
                    with m.If(bus.error):
                        m.d.sync += bus.write.eq(0)
                        reply(Status.REFUSED)
                    with m.Elif(words == 0):
                        m.d.sync += bus.write.eq(0)
                        reply(Status.DONE)

            # Zeros take the place of the request, so that none of it is left when hunting begins.
            with m.State("SEND"):
                with m.If(space):
                    m.d.sync += [*count(oldest), tx.valid.eq(1), shift(C(0, 8)),
                                 index.eq(index + 1)]
                    with m.If(index == 0):
                        m.d.sync += tx.payload.eq(REPLY_SYNC)
                    with m.If(index == 1):
                        m.d.sync += tx.payload.eq(status)
                    with m.If(index == HEAD_SIZE - 1):
                        m.next = "SEND CRC"

            with m.State("SEND CRC"):
                with m.If(space & ~fresh):
                    m.d.sync += [tx.payload.eq(check), tx.valid.eq(1), shift(C(0, 8)),
                                 index.eq(index + 1)]
                    with m.If(index == CRC_SIZE - 1):
                        m.d.sync += index.eq(0)
                        m.next = "HUNT"
                        with m.If(data):
                            m.next = "SEND DATA"

            with m.State("SEND DATA"):
                with m.If(space):
                    m.d.sync += [*count(bus.w_data.word_select(lane, 8)), tx.valid.eq(1),
                                 lane.eq(lane + 1), left.eq(left - 1)]
                    with m.If(lane == 3):
                        next_row()
                        take_loaded()
                    with m.If(left == 0):
                        m.d.sync += data.eq(0)
                        m.next = "SEND CRC"

        if platform == "formal":  # without these, a proof would begin in states that never are
            def only_in(*states: str) -> Value:
                return Cat(fsm.ongoing(state) for state in states).any()

            m.d.comb += [
                Assert(~tx.valid | only_in("HUNT", "SEND", "SEND CRC", "SEND DATA"), "tx"),
                Assert(bus.read == only_in("READ"), "read"),
                Assert(bus.write == only_in("WRITE"), "write"),
                Assert(bus.mask.any() | only_in("HUNT", "CHECK HEAD", "CHECK CRC", "DECIDE"),
                       "mask"),
            ]
        return m
