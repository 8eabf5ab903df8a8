"""SPI: bytes from and to a master, mode 0, eight bits each, the highest first."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LEAST_RATIO", "Spi"]

LEAST_RATIO = 10
"""Cycles that a bit takes at least: its edges must be seen, and answered, half a bit later."""


class Spi(wiring.Component):
    """A slave of mode 0, with the accelerator's own clock.

    In each byte that the master clocks, one goes either way: to ``o``, and from ``i`` if it has
    one, else a 0. A byte is taken from ``i`` well before it is sent, and is sent again when the
    master deselects in its middle; such a byte of the master's is dropped. A bit of the master's
    must take :data:`LEAST_RATIO` cycles, and so must the time between ``spi_cs_n`` and the clock.

    Members
    -------
    spi_sck, spi_cs_n, spi_mosi : In(1), spi_miso : Out(1)
        The wires, as they come from the pins.
    spi_miso_oe : Out(1)
        Whether ``spi_miso`` is to be driven.
    o : Out(stream.Signature(8))
        A byte that is not taken before the next one has come is lost.
    i : In(stream.Signature(8))
    """

    spi_sck: Value
    spi_cs_n: Value
    spi_mosi: Value
    spi_miso: Value
    spi_miso_oe: Value
    o: stream.Interface
    i: stream.Interface

    latency = 3
    """Cycles from the last rising edge of a byte to the byte on ``o``."""
    interval = 8 * LEAST_RATIO
    """Cycles between bytes, of the fastest master."""

    def __init__(self) -> None:
        super().__init__({
            "spi_sck": In(1), "spi_cs_n": In(1, init=1),  # type: ignore[call-arg]
            "spi_mosi": In(1), "spi_miso": Out(1), "spi_miso_oe": Out(1),
            "o": Out(stream.Signature(8)), "i": In(stream.Signature(8)),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Two registers for each wire, so that an edge at the clock's own does no harm.
        wires = Cat(self.spi_sck, self.spi_mosi, self.spi_cs_n)
        caught, seen = Signal(3, init=0b100), Signal(3, init=0b100)
        m.d.sync += [caught.eq(wires), seen.eq(caught)]
        sck, mosi, cs_n = seen
        before, deselected = Signal(), Signal(init=1)
        m.d.sync += [before.eq(sck), deselected.eq(cs_n)]
        rises, falls = sck & ~before, ~sck & before

        waiting, full = Signal(8), Signal()  # the next byte to send
        m.d.comb += self.i.ready.eq(~full)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [waiting.eq(self.i.payload), full.eq(1)]

        bits = Signal(range(8))              # of this byte that have come
        come, going = Signal(7), Signal(8)
        sending = Signal()                   # what goes is `waiting`, and no 0

        def load() -> None:
            m.d.sync += [going.eq(Mux(full, waiting, 0)), sending.eq(full)]

        m.d.comb += [self.spi_miso.eq(going[7]), self.spi_miso_oe.eq(~cs_n)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(cs_n):
            m.d.sync += bits.eq(0)
        with m.Elif(deselected):
            load()
        with m.Elif(rises):
            m.d.sync += [come.eq(Cat(mosi, come)), bits.eq(bits + 1)]
            with m.If(bits == 7):
                m.d.sync += [self.o.payload.eq(Cat(mosi, come)), self.o.valid.eq(1)]
                with m.If(sending):
                    m.d.sync += full.eq(0)
        with m.Elif(falls):
            m.d.sync += going.eq(going << 1)
            with m.If(bits == 0):
                load()
        return m
