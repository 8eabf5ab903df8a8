"""What a host reads and writes of an accelerator: its spaces, its registers, their bits.

The one description: hardware, runtime, golden models and the register maps that are generated for
a system (:mod:`hwgen.integration`) all take it from here.
"""

import enum
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ACKNOWLEDGE", "COPY_OUT", "EPOCH_SHIFT", "ERRORS", "FACTS", "GO", "IDENTITY", "LANE_BYTES",
    "MAPPED", "MEMORY_ERROR", "OWNERS", "OWNER_BITS", "OWNER_SHIFT", "PART_BYTES", "PROTOCOL",
    "SPACES", "SPACE_SHIFT", "STOP", "TURN",
    "Access", "AnyRegister", "ExternalRegister", "FLIPS_BITS", "Facts", "Field",
    "ProtectionRegister", "Register", "Space", "StreamRegister",
]

PROTOCOL = 2
IDENTITY = int.from_bytes(b"hwg%d" % PROTOCOL, "little")
"""What the register of that name reads: ``hwg`` and the version of the protocol, as bytes in the
order in which they are read."""

GO = 1
ACKNOWLEDGE = 2
STOP = 4
"""Bits of CONTROL."""

TURN = 8
OWNER_SHIFT = 16
OWNER_BITS = 16
OWNERS = 1 << OWNER_BITS
"""Behind a stream of bytes CONTROL has one bit more, by which a host begins its turn, and a number
that it gives itself (docs/protocol.md). What reads CONTROL gets the number of the last one."""

EPOCH_SHIFT = 2
"""Behind a stream of bytes STATUS has the epoch, from this bit on."""

SPACE_SHIFT = 24
"""On the accelerator's own bus, a space begins at every multiple of ``1 << SPACE_SHIFT``."""


class Space(enum.IntEnum):
    """What the highest bits of an address choose."""

    REGISTERS = 0
    ACTIVATIONS = 1
    PROGRAM = 2
    COUNTERS = 3
    SPARSE = 4
    EXTERNAL = 5


PART_BYTES = 1 << 17
LANE_BYTES = 4 * PART_BYTES
"""In the space SPARSE, from one memory of a lane to the next, and from one lane to the next."""

MAPPED = tuple(space for space in Space if space < Space.SPARSE)
"""The spaces that every accelerator has in the addresses of a system."""


class Register(enum.IntEnum):
    """Offsets of the registers, 32 bits each."""

    IDENTITY = 0x00
    CONTROL = 0x04
    STATUS = 0x08
    FIRST = 0x0C
    COUNT = 0x10
    WATCHDOG = 0x14
    CYCLES = 0x18
    FINGERPRINT = 0x1C


class ExternalRegister(enum.IntEnum):
    """Offsets of the registers in the space EXTERNAL, 32 bits each."""

    WORD = 0x00
    COPY = 0x04
    STALLS = 0x08


COPY_OUT = 1 << 31
"""The bit of COPY by which pages are written into the chip, and not read from it."""


class StreamRegister(enum.IntEnum):
    """Offsets of the registers of the AXI4-Streams, which only that top level has."""

    INPUT_ADDRESS = 0x20
    OUTPUT_ADDRESS = 0x24
    OUTPUT_WORDS = 0x28
    STREAM_STATUS = 0x2C


class ProtectionRegister(enum.IntEnum):
    """Offsets of the registers of protected memories, behind those of streams."""

    FLIPS = 0x30


FLIPS_BITS = 16
"""Of each of its counters."""


class Access(enum.Enum):
    """What a bus may do to a register."""

    READ = "read-only"
    WRITE = "write-only"
    BOTH = "read-write"


@dataclass(frozen=True)
class Field:
    """Some bits of a register.

    Parameters
    ----------
    name : str
    low, bits : int
        The lowest of them, and how many.
    about : str
        What they say, or do.
    """

    name: str
    low: int
    bits: int
    about: str


@dataclass(frozen=True)
class Facts:
    """What there is to know of a register.

    Parameters
    ----------
    access : Access
    about : str
    fields : tuple of Field
        Bits that mean something of their own; none where the register is one number.
    bits : int
        How many the register has, from the lowest on; the others read 0.
    reset : int, optional
        What it reads after a reset; None where that depends on the Design.
    """

    access: Access
    about: str
    fields: tuple[Field, ...] = ()
    bits: int = 32
    reset: int | None = None


AnyRegister = Register | StreamRegister | ProtectionRegister


def facts_of(register: AnyRegister) -> Facts:
    """Return what the map says of a register."""
    said = dict(MAP["registers"][register.name])
    fields = tuple(Field(**each) for each in said.pop("fields", ()))
    return Facts(Access(said.pop("access")), fields=fields, **said)


MAP = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FACTS: dict[AnyRegister, Facts] = {register: facts_of(register) for register in (
    *Register, *StreamRegister, *ProtectionRegister)}
"""Every register, in the order of their offsets."""
SPACES = {space: str(MAP["spaces"][space.name]) for space in Space}
"""What is in each space."""
ERRORS = {int(code): str(why) for code, why in MAP["errors"].items()}
"""What the error codes in STATUS mean."""
MEMORY_ERROR = 9
"""That by which a host knows that what it read itself is damaged."""
