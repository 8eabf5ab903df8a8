"""A serial port: what bytes look like on a wire, and what a receiver makes of any levels."""

from collections.abc import Sequence

from ...arch.frames import WIRE_BITS

__all__ = ["arrivals", "levels", "limits", "received_bytes"]


def levels(data: bytes, bit: float, pauses: Sequence[float] = ()) -> list[int]:
    """Return the level of a wire in each cycle.

    Parameters
    ----------
    data : bytes
    bit : float
        Cycles of a bit, which need not be whole.
    pauses : sequence of float
        Cycles before each byte.
    """
    wire: list[int] = []
    end = 0.0

    def hold(level: int, cycles: float) -> None:
        nonlocal end
        end += cycles
        while len(wire) < end:
            wire.append(level)

    for index, byte in enumerate(data):
        hold(1, pauses[index] if pauses else 0.0)
        for level in (0, *(byte >> n & 1 for n in range(8)), 1):
            hold(level, bit)
    return wire


def limits(divisor: int) -> tuple[float, float]:
    """Return the shortest and the longest bits, in cycles, of senders whose bytes are received.

    A stop bit is sampled up to a cycle late, and must not have ended, nor have yet to begin.
    """
    middle = (WIRE_BITS - 1) * divisor + divisor // 2
    return (middle + 1) / WIRE_BITS, middle / (WIRE_BITS - 1)


def received_bytes(wire: Sequence[int], divisor: int) -> list[int]:
    """Return the bytes that a receiver finds, which takes a bit for ``divisor`` cycles."""
    return [byte for _, byte in arrivals(wire, divisor)]


def arrivals(wire: Sequence[int], divisor: int) -> list[tuple[int, int]]:
    """Return the bytes that a receiver finds, each with the cycle of the middle of its stop bit."""
    found = []
    cycle = 0
    while cycle < len(wire):
        if wire[cycle]:
            cycle += 1
            continue
        middle = cycle + divisor // 2
        bits = [wire[at] for at in range(middle, len(wire), divisor)][:WIRE_BITS]
        if not bits or bits[0]:  # too short for a start bit
            cycle = middle + 1
            continue
        if len(bits) < WIRE_BITS:
            break
        stop = middle + (WIRE_BITS - 1) * divisor
        if bits[-1]:
            found.append((stop, sum(level << n for n, level in enumerate(bits[1:-1]))))
        cycle = stop + 1
    return found
