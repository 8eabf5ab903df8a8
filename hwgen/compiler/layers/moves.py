"""Moves of bytes: a view of the input where that tells all, else copies of as few blocks as may be.

The places that a tensor takes its elements from are mostly an outer sum: of a number for each row,
for each column, for each channel, or for parts of these. Where such numbers go in equal steps a
loop of a step of the accelerator runs over them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...network.graph import Layer, Move, Network, Reshape
from ..lowering import Lowering
from ..prepare.lanes import COPY
from ..sizes import LARGEST_COUNT
from ..view import View
from .pool import plain_lanes

__all__ = ["join_moves", "lower_move", "outer_sum", "view_of_places"]

Integers = NDArray[np.int64]

MOST_BLOCKS = 1 << 12


class Loop(NamedTuple):
    """So many times, and how far it is to the next in the source and in the target."""

    turns: int
    read: int
    write: int


def outer_sum(places: Integers) -> list[Integers]:
    """Return the vectors whose outer sum is ``places``, less the first one: the last is innermost.

    They are as short as can be, but those that go in equal steps together are one.
    """
    found: list[Integers] = []
    rest = places.astype(np.int64)
    while len(rest) > 1:
        length = next(length for length in divisors(len(rest)) if repeats(rest, length))
        vector = rest[:length] - rest[0]
        rest = rest[::length]
        if found and is_even(vector) and is_even(found[0]) and \
                vector[1] == found[0][1] * len(found[0]):
            vector = np.arange(length * len(found[0])) * found[0][1]
            found.pop(0)
        found.insert(0, vector)
    return found


def divisors(number: int) -> list[int]:
    """Return the divisors of a number, from the least above 1 to itself."""
    small = [n for n in range(1, int(number**0.5) + 1) if number % n == 0]
    return sorted({*small, *(number // n for n in small)})[1:]


def repeats(places: Integers, length: int) -> bool:
    """Return whether each ``length`` places are the first ones, moved by some distance."""
    rows = places.reshape(-1, length)
    first = rows[0] - rows[0, 0]
    return np.array_equal(rows[-1] - rows[-1, 0], first) and bool(np.all(
        rows - rows[:, :1] == first))


def is_even(vector: Integers) -> bool:
    """Return whether a vector goes up in equal steps."""
    steps = np.diff(vector)
    return bool(steps[0] >= 0 and np.all(steps == steps[0]))


def stretches(vector: Integers) -> Iterator[tuple[int, int, int]]:
    """Yield (first, how many, the step between them) of what goes up in equal steps."""
    first = 0
    while first < len(vector):
        steps = np.diff(vector[first:])
        step = int(steps[0]) if len(steps) else 0
        count = 1
        if len(steps) and step >= 0:
            other = steps != step
            count = 1 + int(other.argmax() if other.any() else len(steps))
        yield first, count, step
        first += count


def blocks(places: Integers) -> Iterator[tuple[int, int, list[Loop]]]:
    """Yield where each block begins, in the source and the target, and its loops, innermost last.

    No loop has one turn.
    """
    vectors = outer_sum(places)
    writes = [int(np.prod([len(inner) for inner in vectors[number + 1:]]))
              for number in range(len(vectors))]
    parts = [list(stretches(vector)) for vector in vectors]
    if np.prod([len(part) for part in parts], dtype=object) > MOST_BLOCKS:
        raise UserError("it takes its elements from places so irregular that more than "
                        f"{MOST_BLOCKS} steps would copy them")
    for chosen in product(*parts):
        read, write, loops = int(places[0]), 0, list[Loop]()
        for (first, count, step), vector, distance in zip(chosen, vectors, writes, strict=True):
            read += int(vector[first])
            write += first * distance
            if count > 1:
                outer = loops[-1] if loops else None
                if outer and outer.read == count * step and outer.write == count * distance:
                    loops[-1] = Loop(outer.turns * count, step, distance)
                else:
                    loops.append(Loop(count, step, distance))
        yield read, write, loops


def lower_move(lowering: Lowering, layer: Move, source: View, target: View) -> None:
    """Emit copies, each of one step, or of as many as a step has too few loops."""
    for read, write, loops in blocks(layer.places):
        for from_, to in views(read, write, loops, lowering.columns):
            lowering.direct(
                replace(from_, buffer=source.buffer, offset=source.offset + from_.offset),
                replace(to, buffer=target.buffer, offset=target.offset + to.offset),
                plain_lanes(COPY))


def views(read: int, write: int, loops: Sequence[Loop],
          columns: int) -> Iterator[tuple[View, View]]:
    """Yield views from which and to which to copy what some loops run over."""
    inner = list(loops)
    bytes_ = inner.pop().turns if inner and inner[-1][1:] == (1, 1) else 1
    if not inner and bytes_ > columns:  # vectors side by side, and what is left
        rest = bytes_ % columns
        if rest:
            yield from views(read + bytes_ - rest, write + bytes_ - rest, [Loop(rest, 1, 1)],
                             columns)
        inner, bytes_ = [Loop(bytes_ // columns, columns, columns)], columns
    inner.sort(key=lambda loop: loop.turns)
    x = next((loop for loop in inner[::-1] if max(loop[1:]) <= LARGEST_COUNT), Loop(1, 0, 0))
    if x in inner:
        inner.remove(x)
    y = inner.pop() if inner else Loop(1, 0, 0)
    for place in np.ndindex(*(loop.turns for loop in inner)):
        yield tuple(
            View(buffer="", offset=first + sum(turn * loop[side] for turn, loop in
                                               zip(place, inner, strict=True)),
                 height=y.turns, width=x.turns, channels=bytes_, pitch=x[side], row=y[side])
            for first, side in ((read, 1), (write, 2)))  # type: ignore[misc]


def view_of_places(layer: Move, source: View, image: tuple[int, int, int]) -> View | None:
    """Return the view that an output of this size is of a contiguous source, if it is one."""
    height, width, channels = image
    places = layer.places.reshape(image)
    first = int(places[0, 0, 0])
    row = int(places[1, 0, 0]) - first if height > 1 else 0
    pitch = int(places[0, 1, 0]) - first if width > 1 else channels
    row = row if height > 1 else width * pitch
    view = View(buffer=source.buffer, offset=source.offset + first, height=height, width=width,
                channels=channels, pitch=pitch, row=row)
    here = first + (np.arange(height)[:, None, None] * row + np.arange(width)[:, None] * pitch
                    + np.arange(channels))
    lies_apart = pitch >= channels and row >= view.row_bytes
    return view if lies_apart and np.array_equal(places, here) else None


def join_moves(network: Network) -> Network:
    """Return the network with one move for two, where that is no more copies than the second.

    A new shape of what is moved is a move, too, where nothing else reads that.
    """
    read = [*network.outputs, *(name for layer in network.layers for name in layer.inputs)]
    moves: dict[str, Move] = {}
    layers: list[Layer] = []
    for layer in network.layers:
        before = moves.get(layer.inputs[0])
        if before is not None and isinstance(layer, Move):
            places = before.places[layer.places]
            if copies(places) <= copies(layer.places):
                layer = replace(layer, inputs=before.inputs, places=places)
        elif before is not None and isinstance(layer, Reshape) and \
                read.count(before.output) == 1:
            layer = Move(name=layer.name, inputs=before.inputs, output=layer.output,
                         places=before.places)
        if isinstance(layer, Move):
            moves[layer.output] = layer
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def copies(places: NDArray[np.int32]) -> float:
    """Return how many blocks are copied to move elements from such places."""
    try:
        return len([*blocks(places.astype(np.int64))])
    except UserError:  # more than can be
        return float("inf")
