# amaranth: UnusedElaboratable=no
"""What parts have in common that move bytes in steps of their own, with words of the program."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..step import Descriptor
from .part import Part

__all__ = ["ByteMover", "MovingPart"]


class ByteMover(wiring.Component):
    """Does a step with words of the program, from the memory of activations to the same.

    Parameters
    ----------
    columns : int
        Bytes of a word of the program memory.
    words : int
        Of that.
    reading : int
        Cycles from an address to its word.
    size, address_bits : int
        Bytes of the memory of activations, and bits of its addresses.
    fetching, storing : int
        Cycles from an address of it to the byte, and until a byte that is written can be read.
    family : str
        FPGA family.

    Members
    -------
    descriptor : In(Descriptor)
        Its ``program`` is inside the memory.
    start : In(1)
    address : Out(range(words)), word : In(8 * columns)
        Of the program, ``reading`` cycles later.
    busy : Value
        Words may be read: those of others are not.
    reads : Out(1), read_address : Out(unsigned), read_byte : In(8)
        Of the activations, ``fetching`` cycles later.
    write : Out(1), write_address : Out(unsigned), write_byte : Out(8)
    done : Out(1)
        All is written.
    error : Out(1)
        A word outside the program memory was to be read. Nothing follows, also behind
    fetch_error, store_error : Out(1)
        a byte outside the activations: nothing that belongs to it is written.
    """

    descriptor: Any
    start: Value
    address: Value
    word: Value
    busy: Value
    reads: Value
    read_address: Value
    read_byte: Value
    write: Value
    write_address: Value
    write_byte: Value
    done: Value
    error: Value
    fetch_error: Value
    store_error: Value

    def __init__(self, columns: int, words: int, reading: int, *, size: int, address_bits: int,
                 fetching: int, storing: int, family: str = "generic", **members: Any) -> None:
        self.columns = columns
        self.words = words
        self.reading = reading
        self.size = size
        self.address_bits = address_bits
        self.fetching = fetching
        self.storing = storing
        self.family = family
        super().__init__({
            "descriptor": In(Descriptor), "start": In(1),
            "address": Out(range(max(words, 2))), "word": In(8 * columns),
            "reads": Out(1), "read_address": Out(address_bits), "read_byte": In(8),
            "write": Out(1), "write_address": Out(address_bits), "write_byte": Out(8),
            "done": Out(1), "error": Out(1), "fetch_error": Out(1), "store_error": Out(1),
            **members,
        })


class MovingPart(Part):
    """Does steps by itself with a :class:`ByteMover`: reads and writes activations meanwhile."""

    moves = True
    component: ByteMover

    def __init__(self) -> None:
        self.start = Signal(name=f"start_{self.name}")
        super().__init__()

    def make(self, columns: int, words: int, reading: int, **sizes: Any) -> ByteMover:
        """Return the component for an accelerator's sizes."""
        raise NotImplementedError

    def attach(self, accelerator: Any) -> None:
        program, activations = accelerator.program, accelerator.activations
        self.component = unit = self.make(
            accelerator.columns, program.depth, program.read_latency, size=activations.size,
            address_bits=len(activations.read_address),
            fetching=accelerator.far + activations.read_latency,
            storing=accelerator.far + activations.write_latency, family=accelerator.family)
        self.outside, self.misses, self.overruns = unit.error, unit.fetch_error, unit.store_error

    def accesses(self, others: dict[str, Value]) -> dict[str, Value]:
        unit, data = self.component, others["write_data"]
        return {
            "read_address": Mux(unit.reads, unit.read_address, others["read_address"]),
            "write_address": Mux(unit.write, unit.write_address, others["write_address"]),
            "write_data": Cat(Mux(unit.write, unit.write_byte, data[:8]), data[8:]),
            "write_mask": Mux(unit.write, 1, others["write_mask"]),
        }

    def connect(self, m: Module, accelerator: Any) -> None:
        unit, program = self.component, accelerator.program
        m.d.comb += [unit.start.eq(self.start), unit.word.eq(program.read_data),
                     unit.read_byte.eq(accelerator.activations.read_data[:8])]
        with m.If(unit.busy):
            m.d.comb += program.address.eq(unit.address)
