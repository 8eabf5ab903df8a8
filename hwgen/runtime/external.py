"""The external memory of an accelerator: how a host fills it, and where runs begin."""

import struct

from ..arch.design import Design
from ..arch.registers import COPY_OUT, ExternalRegister, Space
from ..arch.sdram import PAGE_BYTES
from ..errors import UserError
from .accelerator import RemoteAccelerator

__all__ = ["begin_with", "holds_pages", "load_pages", "stalls_of"]

COPYING = 1 << 21
"""Cycles after which a copy is given up: as many as the pages of the largest ring take, twice."""


def load_pages(accelerator: RemoteAccelerator, design: Design, image: bytes) -> None:
    """Write the image of a program into external memory, ring by ring, and read it back."""
    for first, pages in rings(design, image):
        accelerator.write_memory(Space.PROGRAM, 0, pages)
        copy(accelerator, design, first, len(pages), out=True)
    if not holds_pages(accelerator, design, image):
        raise UserError("the external memory does not hold what was written into it")


def holds_pages(accelerator: RemoteAccelerator, design: Design, image: bytes) -> bool:
    """Return whether external memory begins with an image."""
    for first, pages in rings(design, image):
        copy(accelerator, design, first, len(pages), out=False)
        if accelerator.read_memory(Space.PROGRAM, 0, len(pages)) != pages:
            return False
    return True


def rings(design: Design, image: bytes) -> list[tuple[int, bytes]]:
    """Return what of an image goes into the ring at once, in whole pages, and where it begins."""
    size = design.program_memory
    parts = [(first, image[first:first + size]) for first in range(0, len(image), size)]
    return [(first, data + bytes(-len(data) % PAGE_BYTES)) for first, data in parts]


def copy(accelerator: RemoteAccelerator, design: Design, first: int, size: int, *,
         out: bool) -> None:
    """Copy pages between the ring and the chip, from a byte of external memory on."""
    set_registers(accelerator, first // design.columns, size // PAGE_BYTES | COPY_OUT * out)
    accelerator.run(0, 0, budget=COPYING)


def begin_with(accelerator: RemoteAccelerator, word: int) -> None:
    """Let the next run begin with a word of the external memory."""
    set_registers(accelerator, word, 0)


def set_registers(accelerator: RemoteAccelerator, word: int, pages: int) -> None:
    """Say with which word a run begins, and how many pages it copies if it has no steps."""
    accelerator.write_memory(Space.EXTERNAL, ExternalRegister.WORD, struct.pack("<II", word, pages))


def stalls_of(accelerator: RemoteAccelerator) -> int:
    """Return how many cycles of the last run waited for words."""
    data = accelerator.read_memory(Space.EXTERNAL, ExternalRegister.STALLS, 4)
    return int.from_bytes(data, "little")
