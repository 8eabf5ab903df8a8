"""What top levels of a system share: its addresses, and those of the accelerator's own bus."""

from amaranth import *

from ...arch.registers import MAPPED, SPACE_SHIFT, Space

__all__ = ["SPACE_BITS", "bus_address", "is_partial"]

SPACE_BITS = (len(MAPPED) - 1).bit_length()
"""Bits of an address that choose the space, but where there is a sparse engine."""


def bus_address(address: Value, shift: int) -> Value:
    """Return what an address of the window is on the accelerator's own bus.

    Parameters
    ----------
    address : Value
        In bytes, from the window's first one on; what is above ``shift`` bits is the space.
    shift : int
        See :class:`hwgen.arch.address_map.BusWindow`.
    """
    return Cat(Const(0, 2), address[2:shift], Const(0, SPACE_SHIFT - shift), address[shift:],
               Const(0, 32 - SPACE_SHIFT + shift - len(address)))


def is_partial(address: Value, shift: int, mask: Value) -> Value:
    """Return whether a write means less than can be written there at once.

    Only activations have single bytes. Without this, the other bytes of a word would be written,
    too.
    """
    return (mask != 0b1111) & (address[shift:] != Space.ACTIVATIONS)
