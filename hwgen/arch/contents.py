"""What the memories of an accelerator hold as its chip wakes up, where a bitstream says it."""

from typing import NamedTuple

__all__ = ["NOTHING", "Contents"]


class Contents(NamedTuple):
    """What the memories of an accelerator hold.

    Members
    -------
    program : tuple of int
        Words of the program memory, from the first one on.
    activations : bytes
        Those of the activation memory, likewise.
    """

    program: tuple[int, ...] = ()
    activations: bytes = b""


NOTHING = Contents()
