"""What a bus of a system gives, and what it does to registers and memories."""

from ...arch.registers import SPACE_SHIFT, Space
from .host import Bus, BusAccess

__all__ = ["serve"]


def serve(bus: Bus, shift: int, access: BusAccess) -> int | None:
    """Serve an access to the window, and return the word that was read, or None for an error.

    Golden twin of :mod:`hwgen.rtl.links.wishbone` and :mod:`hwgen.rtl.links.axi_lite`.

    Parameters
    ----------
    bus : Bus
        That of the accelerator.
    shift : int
        See :class:`hwgen.arch.address_map.BusWindow`.
    access : BusAccess
        With an address of the window, of which the two lowest bits do not count.
    """
    space, offset = access.address >> shift, access.address & (1 << shift) - 4
    if access.write and access.mask != 0b1111 and space != Space.ACTIVATIONS:
        return None  # less than a word
    mask = access.mask if access.write else 0b1111
    return bus(BusAccess(access.write, space << SPACE_SHIFT | offset, mask, access.data))
