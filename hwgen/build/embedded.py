# amaranth: UnusedElaboratable=no
"""A Program that a board has when it wakes up: in its bitstream, or in a flash memory beside it."""

from dataclasses import dataclass
from typing import Self

from ..arch.boards import Board
from ..arch.frames import REQUEST_SYNC, Command, Head, encode
from ..compiler.program import Program
from ..errors import UserError
from ..generate.design import component
from ..rtl.links.flash import ADDRESS_BITS, Flash
from ..runtime.accelerator import place
from ..runtime.client import pieces

__all__ = ["FRAMES", "NOTHING", "Embedded"]

FRAMES = "frames.bin"
"""Name of the file for the flash memory."""


@dataclass(frozen=True)
class Embedded:
    """What a board has when it wakes up.

    Members
    -------
    contents : tuple of int
        Words of the program memory, which the bitstream fills.
    frames : bytes
        Where memories cannot be filled so: what a host would send instead.
    offset : int
        Where these are in the flash memory.
    """

    contents: tuple[int, ...] = ()
    frames: bytes = b""
    offset: int = 0

    @classmethod
    def of(cls, program: Program, board: Board) -> Self:
        """Choose how a board gets a Program; a :class:`UserError` says why it cannot."""
        if program.design.external:
            raise UserError("--embed must be left out with external memory: the host fills that")
        if not component(program.design).program.blank:
            return cls(program.contents)
        if not board.flash:
            raise UserError(f"board {board.name} has no table [flash] in its file, and memories of "
                            f"{program.design.name} that a bitstream cannot fill: leave --embed "
                            "out, and the host loads the Program")
        frames, offset = frames_of(program), board.flash["offset"]
        if offset + len(frames) > 1 << ADDRESS_BITS:
            raise UserError(f"board {board.name}: flash.offset must leave room for {len(frames)} "
                            f"bytes below {1 << ADDRESS_BITS}, not be {offset}")
        return cls(frames=frames, offset=offset)

    @property
    def flash(self) -> Flash | None:
        """What reads the frames, if there are any."""
        return Flash(self.offset, len(self.frames)) if self.frames else None


NOTHING = Embedded()


def frames_of(program: Program) -> bytes:
    """Return the requests by which a host loads a Program."""
    frames: list[bytes] = []
    for space, address, data in program.memory:
        start = place(space, address, len(data))
        for at, size in pieces(start, len(data)):
            head = Head(REQUEST_SYNC, Command.WRITE, len(frames) % 256, size, at)
            frames.append(encode(head, data[at - start:at - start + size]))
    return b"".join(frames)
