"""A serial port: bytes from and to a wire, eight bits each, no parity, one stop bit."""

from typing import Any

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ...arch.frames import HIGHEST_BAUD, WIRE_BITS
from ...errors import UserError
from ..primitives.settable import Settable

__all__ = ["COUNTS", "LEAST_DIVISOR", "Receiver", "Transmitter", "Uart", "bit_cycles",
           "counts_of"]

LEAST_DIVISOR = 4
"""Cycles of a bit with which its middle can still be told from its edges."""


IDLE_IN = In(1, init=1)    # type: ignore[call-arg]  # Amaranth's types know no init
IDLE_OUT = Out(1, init=1)  # type: ignore[call-arg]
"""A wire, which is high when nothing is on it."""

TOLERANCE = 0.02
"""By how much a baud rate may be off: the other end has about as much again to be wrong by."""


def bit_cycles(clock_mhz: float, baud: int) -> int:
    """Return the cycles of a bit."""
    wanted = clock_mhz * 1e6 / baud
    cycles = max(round(wanted), LEAST_DIVISOR)
    if abs(wanted / cycles - 1) > TOLERANCE:
        if clock_mhz * 1e6 / cycles > HIGHEST_BAUD:
            cycles += 1
        raise UserError(f"baud must be a whole part of the clock of {clock_mhz:g} MHz, at most a "
                        f"{LEAST_DIVISOR}th of it and within {TOLERANCE:.0%}, not {baud}; the "
                        f"nearest is {clock_mhz * 1e6 / cycles:.0f}")
    return cycles


COUNTS = ("bit", "half")
"""What cycles are counted of: a bit, and the way to the middle of one."""


def counts_of(divisor: int) -> tuple[int, int]:
    """Return from where the cycles of each of :data:`COUNTS` are counted down to 0."""
    return divisor - 1, divisor // 2 - 1


class Wire(wiring.Component):
    """Bytes on a wire, whose bits take ``divisor`` cycles."""

    def __init__(self, divisor: int, counts: tuple[Value, ...], ports: dict[str, Any]) -> None:
        if not isinstance(divisor, int) or divisor < LEAST_DIVISOR:
            raise ValueError(
                f"Divisor must be an integer of at least {LEAST_DIVISOR}, not {divisor!r}")
        self.divisor = divisor
        self.counts = counts or tuple(map(Const, counts_of(divisor)))
        super().__init__(ports)

    @property
    def latency(self) -> int:
        """Cycles from the edge with which a byte begins on ``rx`` until the byte is on ``o``."""
        return 3 + (WIRE_BITS - 1) * self.divisor + self.divisor // 2

    @property
    def interval(self) -> int:
        """Cycles of a byte on ``rx``."""
        return WIRE_BITS * self.divisor


class Receiver(Wire):
    """Take bytes from a wire.

    Each bit is sampled in its middle, counted from the edge at which its byte began, so the sender
    may be faster or slower by a twenty-fifth; where a bit takes only 4, 6 or 8 cycles, faster by a
    fortieth. What begins like a byte and is none, as it is too short or has no stop bit, is
    dropped.

    Parameters
    ----------
    divisor : int
        Cycles of a bit.
    counts : tuple of Value, optional
        Those of ``divisor``, where they are not to be constants.

    Members
    -------
    rx : In(1)
        The wire, as it comes from the pin.
    o : Out(stream.Signature(8))
        A byte that is not taken before the next one has come is lost.
    """

    rx: Value
    o: stream.Interface

    def __init__(self, divisor: int, counts: tuple[Value, ...] = ()) -> None:
        super().__init__(divisor, counts, {"rx": IDLE_IN, "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Two registers, so that an edge of the wire at the clock's own does no harm.
        caught, line = Signal(init=1), Signal(init=1)
        m.d.sync += [caught.eq(self.rx), line.eq(caught)]

        bit, half = self.counts
        busy, start = Signal(), Signal()
        left = Signal(range(WIRE_BITS - 1))  # bits behind this one
        wait = Signal(len(bit))              # cycles until this one is sampled
        shifted = Signal(8)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(~busy):
            # The first cycle of the start bit has gone by.
            m.d.sync += [busy.eq(~line), start.eq(1), left.eq(WIRE_BITS - 2),
                         wait.eq(half)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Elif(start):
            m.d.sync += [start.eq(0), busy.eq(~line), wait.eq(bit)]
        with m.Elif(left != 0):
            m.d.sync += [shifted.eq(Cat(shifted[1:], line)), left.eq(left - 1),
                         wait.eq(bit)]
        with m.Else():
            m.d.sync += busy.eq(0)
            with m.If(line):
                m.d.sync += [self.o.payload.eq(shifted), self.o.valid.eq(1)]
        return m


class Transmitter(Wire):
    """Put bytes on a wire.

    Parameters
    ----------
    divisor : int
        Cycles of a bit.
    counts : tuple of Value, optional
        As of a :class:`Receiver`.

    Members
    -------
    i : In(stream.Signature(8))
        A byte is taken every :attr:`interval` cycles.
    tx : Out(1)
        The wire.
    """

    i: stream.Interface
    tx: Value

    latency = 1
    """Cycles from taking a byte to the edge with which it begins."""

    def __init__(self, divisor: int, counts: tuple[Value, ...] = ()) -> None:
        super().__init__(divisor, counts, {"i": In(stream.Signature(8)), "tx": IDLE_OUT})

    @property
    def interval(self) -> int:
        """Cycles between bytes: those of ten bits, and one in which the next byte is taken."""
        return WIRE_BITS * self.divisor + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bit, _ = self.counts
        bits = Signal(WIRE_BITS - 1, init=-1)  # behind the one on the wire; ones when idle
        left = Signal(range(WIRE_BITS + 1))    # bits that have not ended
        wait = Signal(len(bit))
        m.d.comb += self.i.ready.eq(left == 0)
        with m.If(self.i.ready):
            with m.If(self.i.valid):
                m.d.sync += [self.tx.eq(0), bits.eq(Cat(self.i.payload, 1)), left.eq(WIRE_BITS),
                             wait.eq(bit)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(Cat(bits[1:], 1)), left.eq(left - 1),
                         wait.eq(bit)]
        return m


class Uart(Wire):
    """A host's byte streams on two wires.

    Parameters
    ----------
    divisor : int
        Cycles of a bit.
    most : int
        The greatest ``divisor`` that it can be given once it is placed and routed, see
        :class:`~hwgen.rtl.primitives.settable.Settable`; 0: it stays what it is.
    family : str
        Whose cells hold a ``divisor`` that does not.

    Members
    -------
    rx : In(1), tx : Out(1)
        The wires, as the board has them.
    o : Out(stream.Signature(8)), i : In(stream.Signature(8))
        What came, and what goes.
    """

    rx: Value
    tx: Value
    o: stream.Interface
    i: stream.Interface

    def __init__(self, divisor: int, most: int = 0, family: str = "generic") -> None:
        super().__init__(divisor, (), {
            "rx": IDLE_IN, "tx": IDLE_OUT,
            "o": Out(stream.Signature(8)), "i": In(stream.Signature(8))})
        if most and divisor > most:
            raise ValueError(f"Divisor must be at most {most}, not {divisor}")
        self.most = most
        self.family = family

    def elaborate(self, platform: object) -> Module:
        m = Module()
        counts: tuple[Value, ...] = ()
        for name, count, most in zip(COUNTS, counts_of(self.divisor), counts_of(self.most),
                                     strict=True) if self.most else ():
            m.submodules[name] = settable = Settable(count, bits_for(most), self.family)
            counts += (settable.o,)
        m.submodules.receiver = receiver = Receiver(self.divisor, counts)
        m.submodules.transmitter = transmitter = Transmitter(self.divisor, counts)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        wiring.connect(m, receiver.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.i), transmitter.i)
        return m
