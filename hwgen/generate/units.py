# amaranth: UnusedElaboratable=no
"""The units that can be had alone: what they do, their parameters, and when results come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth import Shape
from amaranth.lib import wiring

from ..arch.design import FAMILIES, Integer
from ..arch.registers import SPACE_SHIFT, Space
from ..arch.steps import PARAMETER_WORDS, ROUNDINGS
from ..rtl.accelerator.fast_host_port import FastHostPort
from ..rtl.accelerator.host_port import HostPort
from ..rtl.accelerator.post import Post
from ..rtl.bitserial.array import BitSerial
from ..rtl.compact.host_port import CompactHostPort
from ..rtl.dot.bitplane import GATES, BitPlane
from ..rtl.dot.fusion import ORDERS, Fusion
from ..rtl.dot.power import EXPONENT, PowerOfTwo
from ..rtl.dot.serial import PRECISION, SerialParallel
from ..rtl.dot.ternary import Ternary
from ..rtl.dot.wide import WideDot
from ..rtl.external.page_stream import PageStream
from ..rtl.external.sdram import Sdram
from ..rtl.links.axi_lite import AxiLite
from ..rtl.links.axi_stream import AxiStream
from ..rtl.links.crossing import Crossing
from ..rtl.links.flash import ADDRESS_BITS, Flash
from ..rtl.links.host import Host
from ..rtl.links.spi import LEAST_RATIO, Spi
from ..rtl.links.uart import LEAST_DIVISOR, Uart
from ..rtl.links.wishbone import Wishbone
from ..rtl.primitives import PACKING
from ..rtl.sparse.decoder import Decoder
from ..rtl.sparse.engine import Sparse
from ..rtl.sparse.nonzero import NonZeros
from ..rtl.unpack.unpack import Unpack

__all__ = ["UNITS", "Flag", "OneOf", "Parameter", "UnitKind", "Whole"]


@dataclass(frozen=True)
class Whole:
    """A parameter that is a whole number from ``low`` to ``high``."""

    default: int
    low: int
    high: int
    about: str

    @property
    def values(self) -> str:
        """What it may be, for people."""
        return f"{self.low} to {self.high}"

    def accepts(self, value: object) -> bool:
        """Return whether it may be a value."""
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf:
    """A parameter that is one of a few words."""

    default: str
    choices: tuple[str, ...]
    about: str
    in_words: str = ""

    @property
    def values(self) -> str:
        """What it may be, for people."""
        return self.in_words or ", ".join(self.choices)

    def accepts(self, value: object) -> bool:
        """Return whether it may be a value."""
        return value in self.choices


@dataclass(frozen=True)
class Flag:
    """A parameter that is on or off, and off where nothing is said."""

    about: str
    default: bool = False
    values: str = "on or off"

    def accepts(self, value: object) -> bool:
        """Return whether it may be a value."""
        return isinstance(value, bool)


Parameter = Whole | OneOf | Flag


@dataclass(frozen=True)
class UnitKind:
    """What there is to know of a unit before its parameters are chosen.

    Parameters
    ----------
    about : str
        What it does.
    parameters : mapping of str to Whole, OneOf or Flag
    make : function
        Returns its component; a ValueError or TypeError says which parameters do not go together.
    golden : str
        The module of ``hwgen.golden`` that computes the same.
    timing : str
        When its results come. ``{latency}`` and ``{interval}`` are those of the component.
    """

    about: str
    parameters: Mapping[str, Parameter]
    make: Callable[..., wiring.Component]
    golden: str
    timing: str


FAMILY = OneOf("generic", FAMILIES, "FPGA family whose cells are used; generic: portable Verilog")
ROWS = "activations that are multiplied in a cycle"
DEPTH = Whole(64, 1, 65536, "pieces that a vector has at most; the sum is wide enough for them")
PIECES = "The sum is on `o` for the first time {latency} cycles after the last piece of its vector."
PLANES = "The sum is on `o` for the first time {latency} cycles after the last plane of its vector."
STREAMS = "All streams wait for as long as `valid` or `ready` is low; nothing is lost."
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in range(2, 17))
READING = 8
"""Most cycles from an address to what a memory has there."""
RESPONSE = "The response comes {latency} cycles after the request, and as many as the bus takes."
WINDOW: dict[str, Parameter] = {
    "shift": Whole(16, 7, SPACE_SHIFT, "bits of an address within a space of the window")}


def maker_with_type(kind: Callable[..., wiring.Component]) -> Callable[..., wiring.Component]:
    """Return how to make a unit whose numbers are given as a type, such as ``int8``."""
    def make(lanes: int, numbers: str, **options: Any) -> wiring.Component:
        integer = Integer.parse(numbers, "numbers")
        return kind(lanes, Shape(integer.width, integer.signed), **options)
    return make


def lanes_of(columns: int, lanes: int, rounding: str, family: str, hard: int) -> Post:
    """Return requantisation lanes, of which each takes several columns in turn."""
    if lanes > columns:
        raise ValueError(f"lanes must be at most the {columns} columns, not {lanes}")
    if hard > lanes:
        raise ValueError(f"hard must be at most the {lanes} lanes, not {hard}")
    return Post(columns, lanes, rounding, family, hard=hard)


def host_port(compact: bool, sparse: bool, **sizes: Any) -> HostPort:
    """Return the port of a compact accelerator, or of a fast one, whose memories take longest."""
    spaces = [Space.SPARSE] if sparse else []
    return CompactHostPort(spaces=spaces, **sizes) if compact \
        else FastHostPort(spaces=spaces, reading=READING, **sizes)


def unpacker(rows: int, columns: int, words: int, reading: int) -> Unpack:
    """Return an unpacker whose memory holds some packed weights, and what becomes of them."""
    least = 2 * PARAMETER_WORDS + rows + 1
    if words < least:
        raise ValueError(f"words must be at least {least} with {rows} rows, not {words}")
    return Unpack(rows, columns, words, reading)


ENTRIES: dict[str, Parameter] = {
    "index_bits": Whole(4, 2, 8, "bits of an entry that say how many rows it is further down"),
    "value_bits": Whole(8, 1, 8, "bits of an entry that are its value, or its place in a codebook"),
    "codebook": Flag("values are places in a codebook of weights"),
}
NUMBERS = OneOf("int8", INTEGERS, "type of the numbers that are multiplied",
                "int2 to int16 or uint2 to uint16")

UNITS: dict[str, UnitKind] = {
    "bitserial": UnitKind(
        "array of bit-serial columns: cycles follow the bits of activations and weights",
        {"rows": Whole(16, 2, 64, ROWS), "columns": Whole(8, 1, 64, "sums a vector"),
         "lines": Whole(0, 0, 8, "pixels that a column takes in a depthwise tile; 0: no such path"),
         "family": FAMILY},
        BitSerial, "bitserial.array",
        "Sums come {latency} cycles after a vector, and one more for each pair of planes."),
    "bitplane": UnitKind(
        "dot product of two vectors that come bit by bit",
        {"lanes": Whole(64, 2, 1024, "numbers of a plane"),
         "gate": OneOf("and", GATES, "and: bits are 0 and 1; xnor: -1 and 1"),
         "precision": Whole(PRECISION, 1, PRECISION, "bits of a number at most"),
         "depth": DEPTH, "family": FAMILY},
        BitPlane, "dot.bitplane", PLANES),
    "serial": UnitKind(
        "dot product of a vector that comes bit by bit and one of whole numbers",
        {"lanes": Whole(16, 1, 1024, "numbers of a vector's piece"), "numbers": NUMBERS,
         "precision": Whole(PRECISION, 1, PRECISION, "bits of a serial number at most"),
         "depth": DEPTH, "family": FAMILY},
        maker_with_type(SerialParallel), "dot.serial", PLANES),
    "fusion": UnitKind(
        "dot product of 2, 4 or 8 bits, by multipliers of 2 bits that are joined",
        {"groups": Whole(4, 1, 256, "products of 8 x 8 bits in a cycle"),
         "first": OneOf("add", ORDERS, "what comes first of a product's parts: add or shift"),
         "depth": DEPTH, "family": FAMILY},
        Fusion, "dot.fusion", PIECES),
    "ternary": UnitKind(
        "dot product with weights of -1, 0 and 1",
        {"lanes": Whole(16, 1, 1024, "numbers of a vector's piece"), "numbers": NUMBERS,
         "depth": DEPTH, "family": FAMILY},
        maker_with_type(Ternary), "dot.ternary", PIECES),
    "power": UnitKind(
        "dot product with weights that are powers of two, or their negatives",
        {"lanes": Whole(16, 1, 1024, "numbers of a vector's piece"), "numbers": NUMBERS,
         "exponent_bits": Whole(3, 1, EXPONENT, "bits of a weight besides its sign"),
         "depth": DEPTH, "family": FAMILY},
        maker_with_type(PowerOfTwo), "dot.power", PIECES),
    "wide": UnitKind(
        "dot products of a vector with all columns of a matrix, whose weights come with it",
        {"rows": Whole(16, 2, 64, "numbers of a vector's piece"),
         "columns": Whole(16, 2, 64, "sums, an even number"),
         "family": OneOf("generic", PACKING, "FPGA family whose DSP blocks two columns share; "
                         "generic: portable Verilog")},
        WideDot, "dot.wide",
        "The sums are on `o` {latency} cycles after the last piece of their vector."),
    "csc": UnitKind(
        "decoder of compressed sparse columns: entries in, rows and weights out",
        {"rows": Whole(64, 1, 65536, "rows of the matrix"), **ENTRIES},
        Decoder, "sparse.decoder",
        "An entry a cycle; its weight is on `o` {latency} cycles later. " + STREAMS),
    "nonzero": UnitKind(
        "non-zero detection: vectors of bytes in, the bytes that are not the zero point out",
        {"width": Whole(16, 1, 64, "bytes of a vector"),
         "columns": Whole(512, 1, 65536, "bytes of all vectors up to the last one")},
        NonZeros, "sparse.nonzero",
        "A byte a cycle; vectors of zero points take one. The first byte of a vector is on `o` "
        "{latency} cycles after the vector. " + STREAMS),
    "sparse": UnitKind(
        "engine for matrices of mostly zeros: lanes, each with weights and sums of its own",
        {"lanes": Whole(8, 1, 64, "multipliers"), "slots": Whole(8, 1, 256, "sums of a lane"),
         "columns": Whole(96, 1, 65536, "columns of all matrices"),
         "entries": Whole(400, 1, 65536, "compressed weights of a lane"),
         "width": Whole(16, 1, 64, "bytes of a vector of activations"),
         "depth": Whole(8, 1, 64, "columns that may wait in front of a lane"),
         **ENTRIES, "family": FAMILY},
        Sparse, "sparse.engine",
        "The cycles depend on the data: `Sparse.run` of the golden model has them; the first sums "
        "come {latency} cycles after the last vector at the soonest. " + STREAMS),
    "unpack": UnitKind(
        "unpacker of compressed weights within a memory",
        {"rows": Whole(8, 1, 64, "words of a pass"), "columns": Whole(8, 2, 64, "bytes of a word"),
         "words": Whole(1500, 2 * PARAMETER_WORDS + 2, 65536, "words of the memory"),
         "reading": Whole(7, 1, READING, "cycles from an address to its word")},
        unpacker, "unpack.unpack",
        "From `start` to `done`: `Packing.cycles` of the golden model (its `reading` is two more), "
        "and {latency} more."),
    "post": UnitKind(
        "requantisation: sums of 32 bits in, bytes out",
        {"columns": Whole(8, 1, 64, "sums of a vector"),
         "lanes": Whole(8, 1, 64, "sums that are requantised in a cycle"),
         "rounding": OneOf("tflm", ROUNDINGS, "how scaled sums are rounded"),
         "hard": Whole(0, 0, 64, "lanes that multiply in DSP blocks"), "family": FAMILY},
        lanes_of, "accelerator.post",
        "The first bytes of a vector come {latency} cycles after its sums."),
    "uart": UnitKind(
        "serial port: bytes to and from two wires",
        {"divisor": Whole(12, LEAST_DIVISOR, 65536, "cycles of a bit")},
        Uart, "links.uart",
        "A byte is on `o` {latency} cycles after it began on `rx`. One that is not taken before "
        "the next has come is lost."),
    "spi": UnitKind(
        "SPI slave, mode 0: bytes to and from four wires", {}, Spi, "links.spi",
        f"A bit must take {LEAST_RATIO} cycles or more. A byte that is not taken from `o` before "
        "the next has come is lost."),
    "host": UnitKind(
        "frames of the host's protocol to reads and writes of words",
        {"near": Flag("its buffer is near and the clock slow: no registers on the way"),
         "family": FAMILY},
        Host, "links.host",
        "A reply begins {latency} cycles after the last byte of its request at the soonest. "
        + STREAMS),
    "host_port": UnitKind(
        "registers and memories of an accelerator, behind a bus",
        {"compact": Flag("memories answer in the next cycle, and so does it"),
         "exposed": Flag("a system's own bus: an interrupt, and no epochs"),
         "sparse": Flag("there is a space for compressed weights"),
         "size": Whole(1024, 4, 1 << 20, "bytes of the memory of activations"),
         "window": Whole(8, 4, 64, "bytes that it gives at once"),
         "words": Whole(256, 1, 65536, "words of the program memory"),
         "columns": Whole(8, 4, 64, "bytes of each"),
         "steps": Whole(16, 0, 65536, "steps that have a cycle counter"),
         "fingerprint": Whole(0, 0, (1 << 32) - 1, "tells Designs apart"), "family": FAMILY},
        host_port, "accelerator.host_port",
        "A write is answered after {latency} cycles, and so is a read if `compact`; else it takes "
        "16."),
    "crossing": UnitKind(
        "accesses of a bus from a host's clock to the accelerator's, and their answers back", {},
        Crossing, "links.host",
        "An answer takes up to 5 edges of the host's clock, and 9 of the accelerator's besides "
        "those for which its bus waits."),
    "flash": UnitKind(
        "reader of a range of a flash memory at an SPI",
        {"address": Whole(0, 0, (1 << ADDRESS_BITS) - 1, "of the first byte"),
         "count": Whole(256, 1, 1 << ADDRESS_BITS, "bytes")},
        Flash, "links.flash", "A byte takes {interval} cycles. " + STREAMS),
    "sdram": UnitKind(
        "controller of a memory chip (SDR SDRAM), which reads and writes whole pages",
        {"width": Whole(16, 1, 64, "bits of a word of the chip"),
         "words": Whole(512, 8, 1024, "words of a page, a power of two"),
         "row_bits": Whole(13, 1, 13, "bits of the number of a row"),
         "column_bits": Whole(9, 3, 10, "bits of the number of a column"),
         "activate": Whole(3, 2, 15, "cycles from ACTIVATE to READ or WRITE (tRCD)"),
         "precharge": Whole(3, 2, 15, "cycles from PRECHARGE to what follows (tRP)"),
         "refresh": Whole(8, 1, 63, "cycles from REFRESH to what follows (tRFC)"),
         "recovery": Whole(3, 1, 15, "cycles from the last word written to PRECHARGE (tWR)"),
         "mode": Whole(2, 1, 15, "cycles from LOAD MODE REGISTER to what follows (tMRD)"),
         "refresh_every": Whole(859, 3, 65535, "cycles from one refresh to the next, on average"),
         "power_up": Whole(22000, 1, 1 << 20, "cycles before the first command")},
        Sdram, "external.sdram",
        "The words of a page that is read come {latency} cycles after its request, and `capture` "
        "more. Requests to read are taken {interval} cycles apart, if no refresh is due."),
    "page_stream": UnitKind(
        "pages of a memory chip into a ring of words, from which steps take them",
        {"width": Whole(16, 1, 64, "bits of a word of the chip"),
         "ratio": Whole(8, 1, 64, "words of the chip in a word of the ring, a power of two"),
         "words": Whole(512, 8, 1024, "words of the chip in a page, a power of two"),
         "ring": Whole(4096, 16, 65536, "words of the ring, a power of two"),
         "page_bits": Whole(15, 1, 24, "bits of the number of a page")},
        PageStream, "external.page_stream",
        "A word is written {latency} cycle after its last part came, and `there` a cycle later. "
        "Words come {interval} cycles apart."),
    "wishbone": UnitKind(
        "Wishbone slave to the bus of an accelerator", WINDOW,
        Wishbone, "links.system_bus", RESPONSE),
    "axi_lite": UnitKind(
        "AXI4-Lite slave to the bus of an accelerator", WINDOW,
        AxiLite, "links.system_bus", RESPONSE),
    "axi_stream": UnitKind(
        "AXI4-Streams of inputs and outputs beside the bus of an accelerator", WINDOW, AxiStream,
        "links.axi_stream", STREAMS),
}
