"""The address of every buffer."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .overlap import ALIGNMENT, Overlap

__all__ = ["Life", "Overlaps", "apart", "arrange"]

ORDERS = 300
"""Orders that are tried before a network does not fit."""

Overlaps = Mapping[tuple[str, str], tuple[Overlap, ...]]
"""Of two buffers, the input and the output of a layer: any of these is allowed."""


@dataclass(frozen=True)
class Life:
    """A buffer that is written first in layer ``begin`` and read last in layer ``end``."""

    name: str
    size: int
    begin: int
    end: int


def arrange(lives: list[Life], overlaps: Overlaps, memory: int,
            orders: int = ORDERS) -> tuple[dict[str, int], int]:
    """Return addresses, and the bytes that they need together: no more than ``memory``, if it can.

    Buffers are placed one by one. Of a few orders, and of as many random ones as it takes, the one
    that needs the least memory is taken.
    """
    tries = [
        sorted(lives, key=lambda life: (-life.size, life.begin)),
        sorted(lives, key=lambda life: (life.begin, -life.size)),
        sorted(lives, key=lambda life: (-life.size * (life.end - life.begin + 1), life.begin)),
        sorted(lives, key=lambda life: (-life.end, -life.size)),
    ]
    results = [fit(order, overlaps, memory) for order in tries]
    draw = random.Random(0)  # the same plan, always
    while min(needed for _, needed in results) > memory and len(results) < orders:
        results.append(fit(draw.sample(lives, len(lives)), overlaps, memory))
    return min(results, key=lambda result: result[1])


def fit(order: list[Life], overlaps: Overlaps, memory: int) -> tuple[dict[str, int], int]:
    """Return addresses, placed in this order, and the bytes that they need together.

    Each buffer comes to lie as low as it can; with ``overlaps`` as near to either end of the
    memory, so that those which keep a distance have all the room there is.
    """
    addresses: dict[str, int] = {}
    for life in order:
        near = [other for other in order if other.name in addresses
                and other.begin <= life.end and life.begin <= other.end]
        top = max(memory - life.size, 0) // ALIGNMENT * ALIGNMENT if overlaps else 0
        places = {0, top, *edges(life, near, addresses, overlaps)}
        ranked = sorted((max(place - top, 0), min(place, abs(top - place)), place)
                        for place in places if place >= 0)
        addresses[life.name] = next(
            place for _, _, place in ranked
            if all(apart(life, place, other, addresses[other.name], overlaps) for other in near))
    return addresses, max((addresses[life.name] + life.size for life in order), default=0)


def edges(life: Life, near: list[Life], addresses: dict[str, int],
          overlaps: Overlaps) -> Iterator[int]:
    """Yield the addresses at which a buffer may just have room beside others."""
    for other in near:
        address = addresses[other.name]
        yield -(-(address + other.size) // ALIGNMENT) * ALIGNMENT
        yield (address - life.size) // ALIGNMENT * ALIGNMENT
        for pair, sign in (((other.name, life.name), 1), ((life.name, other.name), -1)):
            for overlap in overlaps.get(pair, ()):
                yield from (address + sign * distance for distance in overlap.nearest)


def apart(a: Life, at: int, b: Life, b_at: int, overlaps: Overlaps) -> bool:
    """Return whether two buffers that live at the same time may be at two addresses."""
    if at + a.size <= b_at or b_at + b.size <= at:
        return True
    return (any(overlap.allows(b_at - at) for overlap in overlaps.get((a.name, b.name), ()))
            or any(overlap.allows(at - b_at) for overlap in overlaps.get((b.name, a.name), ())))
