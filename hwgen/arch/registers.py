"""What a host reads and writes of an accelerator: its spaces, its registers, their bits.

The one description: hardware, runtime, golden models and the register maps that are generated for
a system (:mod:`hwgen.integration`) all take it from here.
"""

import enum
from dataclasses import dataclass

__all__ = [
    "ACKNOWLEDGE", "EPOCH_SHIFT", "ERRORS", "FACTS", "GO", "IDENTITY", "LANE_BYTES", "MAPPED",
    "OWNERS", "OWNER_BITS", "OWNER_SHIFT", "PART_BYTES", "PROTOCOL", "SPACES", "SPACE_SHIFT",
    "STOP", "TURN",
    "Access", "Facts", "Field", "Register", "Space", "StreamRegister",
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


PART_BYTES = 1 << 17
LANE_BYTES = 4 * PART_BYTES
"""In the space SPARSE, from one memory of a lane to the next, and from one lane to the next."""

MAPPED = tuple(space for space in Space if space != Space.SPARSE)
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


class StreamRegister(enum.IntEnum):
    """Offsets of the registers of the AXI4-Streams, which only that top level has."""

    INPUT_ADDRESS = 0x20
    OUTPUT_ADDRESS = 0x24
    OUTPUT_WORDS = 0x28
    STREAM_STATUS = 0x2C


class Access(enum.Enum):
    """What a bus may do to a register."""

    READ = "read-only"
    WRITE = "write-only"
    BOTH = "read-write"


ERRORS = {
    1: "the program has no valid step there",
    2: "the step reads activations beyond the end of their memory",
    3: "the step writes activations beyond the end of their memory",
    4: "the weights or parameters of the step are beyond the end of the program memory, or "
       "what it unpacks",
    5: "the step has more values in a pass than the accumulators hold",
    6: "the step took longer than the watchdog allows",
    7: "the host told it to stop",
}
"""What the error codes in STATUS mean."""


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
    reset: int | None = 0


FACTS: dict[Register | StreamRegister, Facts] = {
    Register.IDENTITY: Facts(
        Access.READ, "Says that this is an accelerator of hwgen.", reset=IDENTITY),
    Register.CONTROL: Facts(
        Access.WRITE, "What is to be done.", (
            Field("GO", 0, 1, "Run the steps from FIRST on, as many as COUNT says; nothing while "
                              "steps run."),
            Field("ACKNOWLEDGE", 1, 1, "Take the interrupt back."),
            Field("STOP", 2, 1, "Stop the steps that run, with an error.")), bits=3),
    Register.STATUS: Facts(
        Access.READ, "What is done, and how it ended.", (
            Field("BUSY", 0, 1, "Steps run. Memories cannot be reached meanwhile."),
            Field("INTERRUPT", 1, 1, "A run has ended since the interrupt was taken back or the "
                                     "last run began; the level of the port irq."),
            Field("ERROR", 8, 8, "Why the last run stopped; 0 when it came to its end."),
            Field("STEP", 16, 16, "The step that runs, or the one that ran last."))),
    Register.FIRST: Facts(
        Access.BOTH, "The first step to run. A write while steps run does nothing.", bits=16),
    Register.COUNT: Facts(
        Access.BOTH, "How many steps to run. A write while steps run does nothing.", bits=16),
    Register.WATCHDOG: Facts(
        Access.BOTH, "Cycles that a step may take. A write while steps run does nothing.",
        reset=(1 << 32) - 1),
    Register.CYCLES: Facts(
        Access.READ, "Cycles of the last run, from its start to its end."),
    Register.FINGERPRINT: Facts(
        Access.READ, "Tells Designs apart: a Program is for the Design of this fingerprint.",
        reset=None),
    StreamRegister.INPUT_ADDRESS: Facts(
        Access.BOTH, "Where the next word of s_axis is written, as an address of the window; a "
                     "word further with each."),
    StreamRegister.OUTPUT_ADDRESS: Facts(
        Access.BOTH, "Where the next word of m_axis is read, as an address of the window; a word "
                     "further with each."),
    StreamRegister.OUTPUT_WORDS: Facts(
        Access.BOTH, "How many words m_axis has yet to give; tlast comes with the last. A write "
                     "begins that.", bits=24),
    StreamRegister.STREAM_STATUS: Facts(
        Access.BOTH, "What went wrong with the streams; ones that are written take it back.", (
            Field("INPUT_REFUSED", 0, 1, "A word of s_axis had no memory to go to, and is lost."),
            Field("OUTPUT_REFUSED", 1, 1, "A word of m_axis had no memory to come from, and was "
                                          "given as 0.")), bits=2),
}
"""Every register, in the order of their offsets."""

SPACES = {
    Space.REGISTERS: "Registers; they are written a whole word at a time.",
    Space.ACTIVATIONS: "The memory of activations; any bytes of a word may be written.",
    Space.PROGRAM: "The program memory; it is written a whole word at a time. Its own words are as "
                   "long as the array has columns, and begin at a multiple of a power of two.",
    Space.COUNTERS: "For each step the cycles that it took when it ran last; read-only.",
    Space.SPARSE: "The compressed weights of a sparse engine; they are written a whole word at a "
                  "time, and read as 0.",
}
"""What is in each space."""
