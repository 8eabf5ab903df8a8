"""The external memory of an accelerator: how a host fills it with a Program, and where runs begin."""

import struct

from ..arch.registers import COPY_OUT, ExternalRegister, Space
from ..arch.sdram import PAGE_BYTES
from ..compiler.program import Program
from ..errors import UserError
from .accelerator import RemoteAccelerator

__all__ = ["begin_with", "holds_pages", "load_pages", "stalls_of"]

COPYING = 1 << 21
"""Cycles after which a copy is given up: as many as the pages of the largest ring take, twice."""


def load_pages(accelerator: RemoteAccelerator, program: Program) -> None:
    """Write a Program into external memory, ring by ring, and read it back."""
    ring = program.design.program_memory
    for first in range(0, len(program.image), ring):
        pages = whole_pages(program.image[first:first + ring])
        accelerator.write_memory(Space.PROGRAM, 0, pages)
        copy(accelerator, program, first, len(pages), out=True)
    if not holds_pages(accelerator, program):
        raise UserError("the external memory does not hold what was written into it")


def holds_pages(accelerator: RemoteAccelerator, program: Program) -> bool:
    """Return whether a Program is in external memory, to the last byte."""
    ring = program.design.program_memory
    for first in range(0, len(program.image), ring):
        pages = whole_pages(program.image[first:first + ring])
        copy(accelerator, program, first, len(pages), out=False)
        if accelerator.read_memory(Space.PROGRAM, 0, len(pages)) != pages:
            return False
    return True


def begin_with(accelerator: RemoteAccelerator, program: Program, step: int) -> None:
    """Let the next run begin with a step of the Program."""
    place(accelerator, program.places[step] if program.steps else 0)


def stalls_of(accelerator: RemoteAccelerator) -> int:
    """Return how many cycles of the last run waited for words."""
    data = accelerator.read_memory(Space.EXTERNAL, ExternalRegister.STALLS, 4)
    return int.from_bytes(data, "little")


def place(accelerator: RemoteAccelerator, word: int, copied: int = 0) -> None:
    accelerator.write_memory(Space.EXTERNAL, ExternalRegister.WORD, struct.pack("<II", word, copied))


def copy(accelerator: RemoteAccelerator, program: Program, first: int, size: int, *,
         out: bool) -> None:
    """Copy pages between the ring and the chip, from a byte of the image on."""
    place(accelerator, first // program.design.columns, size // PAGE_BYTES | COPY_OUT * out)
    accelerator.run(0, 0, budget=COPYING)


def whole_pages(data: bytes) -> bytes:
    return data + bytes(-len(data) % PAGE_BYTES)
