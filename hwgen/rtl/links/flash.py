"""Bytes from a flash memory, once, after a reset: what a host would send."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDRESS_BITS", "READ", "Flash"]

READ = 0x03
"""The command that every flash memory with an SPI knows: after an address, bytes without end."""
ADDRESS_BITS = 24
COMMAND_BITS = 8 + ADDRESS_BITS
HIGH = Out(1, init=1)  # type: ignore[call-arg]


class Flash(wiring.Component):
    """Read a range of a flash memory, and then be silent.

    Few cells rather than fast: a byte takes :attr:`interval` cycles, and while it waits the memory
    does, too.

    Parameters
    ----------
    address, count : int
        The first byte, and how many there are.

    Members
    -------
    select_n, clock, command : Out(1)
        To the memory's pins: low while it is read, the clock (mode 0), and its data in.
    answer : In(1)
        The memory's data out.
    o : Out(stream.Signature(8))
        The bytes.
    busy : Out(1)
        Until the last byte was taken.
    """

    select_n: Value
    clock: Value
    command: Value
    answer: Value
    o: stream.Interface
    busy: Value

    latency = 2 * (COMMAND_BITS + 8)
    """Cycles from reset to the first byte."""
    interval = 17

    def __init__(self, address: int, count: int) -> None:
        if not (0 <= address and 0 < count and address + count <= 1 << ADDRESS_BITS):
            raise ValueError(f"{count} bytes from {address} on are not within {ADDRESS_BITS} bits "
                             "of address")
        self.address = address
        self.count = count
        super().__init__({
            "select_n": HIGH, "clock": Out(1), "command": Out(1), "answer": In(1),
            "o": Out(stream.Signature(8)), "busy": HIGH,
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = COMMAND_BITS + 8 * self.count
        # Down to -1, so that the sign says when it is over.
        left = Signal(signed(bits.bit_length() + 1), init=bits - 1)
        heard = Signal()  # the command: what comes now is data
        byte, full = Signal(8), Signal()
        sent = Signal(COMMAND_BITS)
        word = READ << ADDRESS_BITS | self.address
        # Bit by bit from the highest one on, at places that are counted down.
        m.d.comb += sent.eq(Const(sum((word >> index & 1) << ((8 * self.count + index) % 32)
                                      for index in range(COMMAND_BITS)), COMMAND_BITS))
        over = left[-1]
        m.d.sync += [self.select_n.eq(over), self.busy.eq(~over | full)]
        m.d.comb += [self.o.payload.eq(byte), self.o.valid.eq(full)]
        with m.If(full):
            m.d.sync += full.eq(~self.o.ready)
        with m.Elif(~self.select_n & ~over):
            m.d.sync += self.clock.eq(~self.clock)
            with m.If(self.clock):  # it falls: the next bit may come
                m.d.sync += self.command.eq(sent.bit_select(left[:5], 1) & ~heard)
            with m.Else():
                m.d.sync += [byte.eq(Cat(self.answer, byte)), left.eq(left - 1)]
                with m.If(left[:3] == 0):
                    m.d.sync += full.eq(heard)
                with m.If(left[:5] == (8 * self.count) % 32):
                    m.d.sync += heard.eq(1)
        return m
