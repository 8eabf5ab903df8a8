"""Two streams beside a bus: what they write and read, and what their registers say."""

from ...arch.registers import FACTS, StreamRegister
from .host import Bus, BusAccess
from .system_bus import serve

__all__ = ["AxiStream"]

INPUT_REFUSED, OUTPUT_REFUSED = 1, 2


class AxiStream:
    """Golden twin of :class:`hwgen.rtl.links.axi_stream.AxiStream`, for one word after another.

    Parameters
    ----------
    bus : Bus
        That of the accelerator.
    shift, space_bits : int
        See :class:`hwgen.arch.address_map.BusWindow`.
    """

    def __init__(self, bus: Bus, shift: int, space_bits: int = 2) -> None:
        self.bus = bus
        self.shift = shift
        self.address_bits = shift + space_bits
        self.registers = dict.fromkeys(StreamRegister, 0)

    def access(self, access: BusAccess) -> int | None:
        """Serve the host: an access to the registers of the streams, or to what is behind."""
        if access.address not in list(StreamRegister):
            return self.bus(access)
        register = StreamRegister(access.address)
        old = self.registers[register]
        if access.write:
            address = register in (StreamRegister.INPUT_ADDRESS, StreamRegister.OUTPUT_ADDRESS)
            bits = self.address_bits if address else FACTS[register].bits
            status = register is StreamRegister.STREAM_STATUS
            self.registers[register] = old & ~access.data if status \
                else access.data & (1 << bits) - 1
        return old

    def put(self, word: int, keep: int = 0b1111) -> None:
        """Take a word of the stream in."""
        at = self._next(StreamRegister.INPUT_ADDRESS)
        if serve(self.bus, self.shift, BusAccess(True, at, keep, word)) is None:
            self.registers[StreamRegister.STREAM_STATUS] |= INPUT_REFUSED

    def get(self) -> tuple[int, bool] | None:
        """Give a word of the stream out, and whether it is the last; None where there is none."""
        words = self.registers[StreamRegister.OUTPUT_WORDS]
        if not words:
            return None
        self.registers[StreamRegister.OUTPUT_WORDS] = words - 1
        at = self._next(StreamRegister.OUTPUT_ADDRESS)
        word = serve(self.bus, self.shift, BusAccess(False, at, 0b1111))
        if word is None:
            self.registers[StreamRegister.STREAM_STATUS] |= OUTPUT_REFUSED
        return word or 0, words == 1

    def _next(self, register: StreamRegister) -> int:
        """Return an address, and let it be a word further."""
        at = self.registers[register]
        self.registers[register] = (at + 4) % (1 << self.address_bits)
        return at
