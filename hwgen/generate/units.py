# amaranth: UnusedElaboratable=no
"""The units that can be had alone: what they do, their parameters, and when results come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
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
from ..tools.untrusted import read_toml

__all__ = ["NAMED", "UNITS", "Flag", "OneOf", "Parameter", "UnitKind", "Whole"]


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


READING = 8
"""Most cycles from an address to what a memory has there."""
NAMED: dict[str, Any] = {
    "FAMILIES": FAMILIES, "PACKING": PACKING, "ROUNDINGS": ROUNDINGS, "GATES": GATES,
    "ORDERS": ORDERS, "PRECISION": PRECISION, "EXPONENT": EXPONENT, "READING": READING,
    "SPACE_SHIFT": SPACE_SHIFT, "LEAST_WORDS": 2 * PARAMETER_WORDS + 2,
    "LEAST_DIVISOR": LEAST_DIVISOR, "LEAST_RATIO": LEAST_RATIO,
    "ADDRESSES": 1 << ADDRESS_BITS, "LAST_ADDRESS": (1 << ADDRESS_BITS) - 1,
    "INTEGERS": tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in range(2, 17))}
"""What the words in capitals of ``units.toml`` stand for."""


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


MAKERS: dict[str, Callable[..., wiring.Component]] = {
    "bitserial": BitSerial, "bitplane": BitPlane, "serial": maker_with_type(SerialParallel),
    "fusion": Fusion, "ternary": maker_with_type(Ternary), "power": maker_with_type(PowerOfTwo),
    "wide": WideDot, "csc": Decoder, "nonzero": NonZeros, "sparse": Sparse, "unpack": unpacker,
    "post": lanes_of, "uart": Uart, "spi": Spi, "host": Host, "host_port": host_port,
    "crossing": Crossing, "flash": Flash, "sdram": Sdram, "page_stream": PageStream,
    "wishbone": Wishbone, "axi_lite": AxiLite, "axi_stream": AxiStream}


def parameter_of(facts: Mapping[str, Any]) -> Parameter:
    """Return a parameter as ``units.toml`` has it."""
    kind = Whole if "low" in facts else OneOf if "choices" in facts else Flag
    return kind(**{name: NAMED.get(value, value) for name, value in facts.items()})


def read_units() -> dict[str, UnitKind]:
    """Return the units, in the order of ``units.toml``."""
    table = read_toml(Path(__file__).with_suffix(".toml"))
    notes, shared = table.pop("notes"), table.pop("shared")
    return {name: UnitKind(
        unit["about"],
        {each: parameter_of(shared[each] if facts == "shared" else facts)
         for each, facts in unit.get("parameters", {}).items()},
        MAKERS[name], unit["golden"],
        f"{unit.get('timing', '')} {notes.get(unit.get('note'), '')}".strip())
        for name, unit in table.items()}


UNITS = read_units()
