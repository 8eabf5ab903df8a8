"""How a layer's output may overwrite an input that no later layer reads.

Time counts the vectors of a layer in the order in which they are fetched. A vector is fetched
before the value that comes of it is written, and a step begins when the one before has written
everything. So a byte may be written over where it is read for the last time no later than with the
vector whose value is written: how many cycles lie between does not matter.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import Mode, Step
from ...golden.accelerator.footprint import bytes_loaded, bytes_written, rows_read, vectors_in
from ..lowering import PlacedStep

__all__ = ["ALIGNMENT", "Overlap", "overlap"]

Integers = NDArray[np.int64]

ALIGNMENT = 4
"""Addresses are multiples of it: the host writes words of four bytes."""
NEVER = np.iinfo(np.int64).max
"""When a byte is written that is not written."""
UNREAD = -1
"""When a byte is read that is not read."""


class Overlap:
    """Where an output may begin, as its distance in bytes from where the input begins.

    Parameters
    ----------
    reads, writes : array
        When each byte of the input is read last, and when each of the output is written.
    pitch : int
        Bytes from a pixel to the next, if that is so in both; else 0.
    """

    def __init__(self, reads: Integers, writes: Integers, pitch: int) -> None:
        """Find the distances from which on everything is allowed."""
        self.reads, self.writes = reads, writes
        self.low, self.high = distances(reads, writes)
        edges = [self.low // ALIGNMENT * ALIGNMENT, -(-self.high // ALIGNMENT) * ALIGNMENT]
        if pitch > 1:
            # Bytes of one channel meet no others', where the distance is a number of pixels.
            each = [distances(reads[c::pitch], writes[c::pitch]) for c in range(pitch)]
            low, high = min(low for low, _ in each), max(high for _, high in each)
            step = int(np.lcm(pitch, ALIGNMENT))
            edges += [low * pitch // step * step, -(-high * pitch // step) * step]
        self.known: dict[int, bool] = {}
        self.nearest = tuple(edge for edge in {0, *edges} if self.allows(edge))
        """Distances at the edges of what is allowed, of those that leave addresses aligned."""

    def allows(self, distance: int) -> bool:
        """Return whether no byte is written before it is read last."""
        if distance <= self.low or distance >= self.high:
            return True
        if distance not in self.known:
            first = max(0, distance)
            end = min(len(self.reads), len(self.writes) + distance)
            written = self.writes[first - distance:max(end - distance, 0)]
            self.known[distance] = bool(np.all(self.reads[first:max(end, first)] <= written))
        return self.known[distance]


def overlap(placed: Sequence[PlacedStep], source: str, target: str, sizes: dict[str, int],
            columns: int, pitch: int) -> Overlap:
    """Return how a buffer that steps write may lie over one that they read.

    Parameters
    ----------
    placed
        The steps of a layer, in the order in which they run.
    source, target
        Names of the buffers, of ``sizes`` bytes.
    columns : int
        Of the array.
    pitch : int
        As of :class:`Overlap`.
    """
    reads = np.full(sizes[source], UNREAD, np.int64)
    writes = np.full(sizes[target], NEVER, np.int64)
    start = 0
    for item in placed:
        for step in item.reads(source):
            note_reads(reads, step, item.live, start, columns)
        if item.target == target and not item.step.to_sums:
            note_writes(writes, item.step, start, columns)
        start += item.step.tiles * item.step.passes * item.step.vectors
    return Overlap(reads, writes, pitch)


def distances(reads: Integers, writes: Integers) -> tuple[int, int]:
    """Return up to which distance, and from which one on, no byte is written before it is read.

    ``reads`` has when each byte of the input is read last, ``writes`` when each of the output is
    written.
    """
    places = np.flatnonzero(reads != UNREAD)
    if not len(places) or not len(writes):
        return len(reads), -len(writes)
    times = reads[places]
    # At a distance of -d, and all further ones, byte b meets byte b + d and those behind it.
    behind = np.minimum.accumulate(writes[::-1])[::-1]
    low = np.max(np.searchsorted(behind, times, "left") - places)
    before = np.minimum.accumulate(writes)
    high = np.max(places - np.searchsorted(-before, -times, "right") + 1)
    return -int(low), int(high)


def note_reads(times: Integers, step: Step, weighted: NDArray[np.bool_] | None, start: int,
               columns: int) -> None:
    """Note when a step reads each byte last; ``weighted`` as ``live`` of a PlacedStep."""
    if step.mode == Mode.SOFTMAX:  # each byte is read last before the share of it is written
        places = rows_read(step)
        times[places] = start + np.arange(places.size).reshape(places.shape)
        return
    if step.mode == Mode.LSTM:  # of what cells hold, the last byte behind the first that they give
        times[vectors_in(step)] = start + step.x
        return
    if step.mode == Mode.LOAD:  # before anything behind it is written
        times[bytes_loaded(step, columns)] = start
        return
    live = np.ones((step.tiles, step.passes, columns), bool) if weighted is None else weighted
    if weighted is None:
        live[-1, :, step.last_columns:] = False
    if not step.tile_step:
        live = np.any(live, axis=0)[None]  # what any of the tiles reads, the last one may
    taps = np.arange(step.taps_x).repeat(step.pieces) * step.taps_x_step
    taps += np.tile(np.arange(step.pieces) * step.piece_step, step.taps_x)
    along = (step.offset + taps[:, None, None] + np.arange(step.x)[:, None] * step.x_step
             + np.arange(live.shape[2]))
    rows = np.arange(step.y)
    order = np.arange(len(taps) * step.vectors).reshape(len(taps), step.y, step.x, 1)
    for tile in range(len(live)):
        number = tile if step.tile_step else step.tiles - 1
        here = along + tile * step.tile_step
        for ky in range(step.taps_y):
            line = step.row0 + ky * step.taps_y_step + rows * step.row_step
            base = step.base + ky * step.taps_y_step_bytes + rows * step.row_step_bytes
            wanted = live[tile, ky * len(taps):(ky + 1) * len(taps), None]
            inside = (wanted & (here >= 0) & (here < step.row_bytes))[:, None] & (
                (line >= 0) & (line < step.height))[:, None, None]
            first = start + (number * step.passes + ky * len(taps)) * step.vectors
            # Of equal addresses the last one is kept, which is the latest.
            times[(base[:, None, None] + here[:, None])[inside]] = \
                np.broadcast_to(first + order, inside.shape)[inside]


def note_writes(times: Integers, step: Step, start: int, columns: int) -> None:
    """Note with which vector a step writes each byte of its target."""
    if step.mode == Mode.SOFTMAX:
        places = bytes_written(step, columns)
        times[places] = start + np.arange(places.size).reshape(places.shape)
        return
    if step.mode == Mode.LSTM:  # what cells hold is written at each time
        given = step.x * step.height
        times[bytes_written(step, columns)] = start + np.append(
            np.arange(given) // step.height, np.zeros(2 * step.height, np.int64))
        return
    down, across = (np.arange(count) for count in step.size)
    vector = ((step.prime_y + down * step.stride_y)[:, None] * step.x
              + step.prime_x + across * step.stride_x)[..., None]
    if step.mode == Mode.WIDE:  # a value comes of the last one
        vector = vector + step.vectors - 1
    pixels = (down[:, None] * step.output_row_step + across * step.output_x_step)[..., None]
    columns = step.tile_width(columns)
    for tile in range(step.tiles):
        width = columns if tile < step.tiles - 1 else step.last_columns
        first = start + ((tile + 1) * step.passes - 1) * step.vectors
        times[step.output + tile * columns + pixels + np.arange(width)] = first + vector
