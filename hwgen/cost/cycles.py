"""How many cycles a step of the accelerator takes: exactly, in closed form.

docs/accelerator.md has what a step does. The weights of a pass are read while the one before
works, so that a pass takes as long as the longer of the two; and what a step begins with is read
during the last pass of the step before. The constants are the registers on the way;
tests/rtl/accelerator/test_accelerator.py holds them against the counters of the hardware.

The formula takes numbers, for one step of one Design, and arrays of numbers, for many: the compiler
and `hwgen tune` use the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np

from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.formats import Format
from ..arch.steps import (
    PAIRS,
    PARAMETER_WORDS,
    POWER_BYTES,
    TABLE_BYTES,
    Mode,
    Step,
    descriptor_words,
)
from ..golden.bitserial.array import latency as bit_serial_latency
from ..golden.dot.wide import latency as wide_latency
from ..golden.unpack.unpack import Packing
from .binary_cycles import step_cycles
from .lstm import lstm_cycles
from .softmax import rows_cycles
from .step_cycles import Count, StepCycles
from .ways import (
    BIT_BY_BIT,
    BROADCAST,
    EARLY,
    FAST,
    JOINING,
    MAKING,
    MEETING,
    PARTING,
    SMALL,
    UNPACKING,
    Ways,
)

__all__ = ["Array", "Count", "StepCycles", "chain", "run_cycles", "total_cycles"]


@dataclass(frozen=True)
class Array:
    """What of a Design decides how long a step takes.

    Parameters
    ----------
    rows, columns : Count
        Of the array.
    interval : Count
        Cycles that the lanes take for a vector.
    compact : bool
        Its ways are short.
    serial : bool
        It is bit-serial: the cycles of a pass depend on the formats of its step.
    binary : bool
        It is the engine ``binary``.
    lines : bool
        It has a depthwise path.
    packed_rows : Count
        Rows of the array whose cells share a multiplier two by two.
    wide_rows : Count
        Words that are read at once in steps of mode WIDE; 0 if there are none.
    late : int
        Cycles that tables take on the way of bytes to the memory.
    crc : bool
        Descriptors have CRCs.
    pair_interval : Count
        Cycles that the lanes take for a vector of a step with two weights in each byte; 0 if there
        are none.
    """

    rows: Count
    columns: Count
    interval: Count
    compact: bool = False
    serial: bool = False
    binary: bool = False
    lines: bool = False
    packed_rows: Count = 0
    wide_rows: Count = 0
    late: int = 0
    crc: bool = False
    pair_interval: Count = 0

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the array of a Design."""
        return cls(design.rows, design.columns, -(-design.columns // design.lanes),
                   design.compact, design.engine == "bitserial", design.engine == "binary",
                   design.lines > 0, design.packed_rows, design.wide_rows,
                   int(design.compact and design.tables > 0), design.program_crc,
                   design.int4_weights * -(-2 * design.columns // design.lanes))

    @property
    def single_rows(self) -> Count:
        """Rows whose cells share no multiplier."""
        return self.rows - self.packed_rows

    @property
    def descriptors(self) -> Descriptors:
        """How a step lies in the program memory."""
        return Descriptors("binary" if self.binary else "", self.rows, self.columns,
                           self.wide_rows, crc=self.crc)

    @property
    def turns(self) -> Count:
        """Cycles that rotate a window of the memory."""
        if self.compact:
            return 0
        _, bits = np.frexp(np.maximum(np.maximum(self.rows, self.columns), self.wide_rows) - 1)
        return (bits + 1) // 2

    def weight_words(self, mode: Mode, weight_format: int) -> Count:
        """Return the words of weights that a pass reads."""
        if mode not in (Mode.MATRIX, Mode.DEPTHWISE):
            return 0
        return Format.from_code(weight_format).words(self.rows) if self.serial or self.binary \
            else self.rows

    def vector_cycles(self, activation_format: int, weight_format: int) -> int:
        """Return the cycles from a vector to the next one, if no lane waits for it."""
        if not self.serial:
            return 1
        return Format.from_code(activation_format).planes * Format.from_code(weight_format).planes

    def latency(self, of_vector: int) -> Count:
        """Return the cycles from a vector, which takes so many, into the array to its sums."""
        if self.serial:
            return of_vector + (BIT_BY_BIT if self.compact else bit_serial_latency(self.rows))
        if self.compact:
            return BROADCAST
        columns = self.columns
        if np.any(self.packed_rows):
            columns = np.where(self.packed_rows, (columns + 1) // 2 + PARTING, columns)
        return self.rows + columns + 2 + self.lines

    def overlaps(self, mode: Mode, *, to_sums: bool = False, weight_format: int = 0) -> bool:
        """Return whether vectors of such steps may follow one another at once."""
        return self.reads_ahead and mode <= Mode.DEPTHWISE and not to_sums \
            and not self.pairs(mode, weight_format)

    def pairs(self, mode: Mode, weight_format: int) -> bool:
        """Return whether such steps have two weights in each byte."""
        return mode == Mode.MATRIX and weight_format == PAIRS and bool(np.any(self.pair_interval))

    def overlap(self, before: Step, step: Step) -> bool:
        """Return whether the vectors of a step follow those of the step before at once."""
        return step.overlaps and all(
            self.overlaps(each.mode, to_sums=each.to_sums, weight_format=each.weight_format)
            for each in (before, step))

    def cycles_to_last_value(self, before: Step, step: Step) -> int:
        """Return when a vector of a step may read all that the one before writes.

        Cycles count from its first vector, if that follows at once; they are 0 if it does not.
        """
        return int(self.parts(before).written) if self.overlap(before, step) else 0

    @property
    def reads_ahead(self) -> bool:
        """Whether what a step begins with is read before the step before has ended."""
        return not (self.compact or self.serial or self.binary)

    def pass_cycles(self, vectors: Count, *, last: bool = False) -> Count:
        """Return the cycles of a pass at least, the ``last`` one of a column tile or another one.

        It has weights, for an array that :attr:`reads_ahead`.
        """
        return np.maximum(vectors * (self.interval if last else 1),
                          np.maximum(self.rows, FAST.shortest))

    def cycles(self, step: Step) -> int:
        """Return the cycles of a step in a run of its own."""
        return int(self.parts(step).alone)

    def parts(self, step: Step, cycles: int = 0) -> StepCycles:
        """Return what the cycles of a step are made of.

        Those of mode SPARSE depend on the data; ``cycles`` is what it takes in a run of its own.
        """
        if self.binary:
            return StepCycles(step_cycles(step, self.columns, self.interval,
                                          self.descriptors.words), 0)
        own = descriptor_words(self.columns) + FAST.reading + FAST.shortest
        if step.mode == Mode.SPARSE:
            return StepCycles(own, cycles - own)
        if step.mode == Mode.UNPACK:
            packing = Packing.of(step, self.columns)
            assert packing
            return StepCycles(own, UNPACKING + packing.cycles(step))
        if step.mode == Mode.TABLE:
            return self.table_step
        if step.mode == Mode.SOFTMAX:
            return self.softmax(step)
        if step.mode == Mode.LSTM:
            return self.own_step(self.ways.updating + lstm_cycles(
                step, int(self.columns), int(self.turns)))
        if step.mode == Mode.LOAD:  # a word a cycle
            side = max(int(self.rows), int(self.columns))  # of the square in which it turns
            words = (step.x * step.y + 1) * side if step.column else step.vectors * int(self.rows)
            return self.own_step(self.ways.loading + int(self.turns) + words)
        if step.mode == Mode.WIDE:
            return self.wide(tiles=step.tiles, passes=step.passes, vectors=step.vectors,
                             to_sums=step.to_sums,
                             parameters_per_tile=step.parameters_per_tile)
        return self.parts_for(step.mode, tiles=step.tiles, passes=step.passes,
                              vectors=step.vectors, to_sums=step.to_sums,
                              parameters_per_tile=step.parameters_per_tile,
                              primes=(step.prime_y * step.x + step.prime_x
                                      if step.mode == Mode.DEPTHWISE else 0),
                              fills=step.vectors - step.values,
                              activation_format=step.activation_format,
                              weight_format=step.weight_format, joined=step.joined)

    @property
    def table_step(self) -> StepCycles:
        """What the cycles of a step are made of that fills a table: a byte a cycle."""
        return self.own_step(self.ways.filling + TABLE_BYTES)

    def softmax(self, step: Step) -> StepCycles:
        """What the cycles of a step are made of that reads its powers, and then rows of bytes."""
        return self.own_step(self.ways.sharing + 2 * int(self.turns) + POWER_BYTES
                             + rows_cycles(step))

    def own_step(self, cycles: int) -> StepCycles:
        """What the cycles of a step are made of that a part does by itself, in so many."""
        own = descriptor_words(self.columns) + self.ways.reading
        return StepCycles(own + self.reads_ahead * self.ways.shortest, cycles + self.reads_ahead)

    @property
    def ways(self) -> Ways:
        """How long its ways are."""
        return SMALL if self.compact else FAST

    def parts_for(self, mode: Mode, *, tiles: Count, passes: Count, vectors: Count,
                  to_sums: bool = False, parameters_per_tile: Count = False,
                  primes: Count = 0, fills: Count = 0, activation_format: int = 0,
                  weight_format: int = 0, joined: bool = False) -> StepCycles:
        """Return what the cycles of a step are made of, told by what of it counts.

        ``primes`` is how many vectors a depthwise step takes before its first value, ``fills`` how
        many of a pass give none: a bit-serial array takes a cycle for each.
        """
        through = mode in (Mode.MATRIX, Mode.DEPTHWISE)
        pairs = self.pairs(mode, weight_format)
        of_lanes = self.pair_interval if pairs else self.interval
        parameters = PARAMETER_WORDS * (1 + pairs)
        weights = self.weight_words(mode, weight_format)
        of_vector = self.vector_cycles(activation_format, weight_format)
        interval = np.maximum(of_vector, of_lanes)  # of vectors whose sums go to the lanes
        turns = self.turns
        ways = self.ways
        bytes_come = ways.fetching + turns + (self.latency(of_vector) if through else ways.passing)
        bytes_come += JOINING * joined
        begin = ways.reading + weights + parameters
        begin = self.descriptors.words + np.maximum(begin, MAKING * joined)
        waiting = self.compact & (MEETING % self.columns != 0)
        end = bytes_come + (ways.summing + waiting if to_sums else ways.storing + turns + self.late)

        quick = fills if self.serial or self.compact else 0
        slow = vectors - quick
        shortest = np.maximum(weights, ways.shortest)
        others = (passes - 1) * np.maximum(slow * of_vector + quick, shortest)
        work = (slow - 1) * interval + quick + of_lanes
        last = np.maximum(slow * interval + quick, shortest)
        # The next parameters wait until those of this column tile are in use.
        ahead = primes * (1 if self.serial else np.where(passes == 1, of_lanes, 1))
        spare = bytes_come + ways.swapping + (work if self.compact else ahead - others)
        if np.any(parameters_per_tile):
            waits = np.maximum(last, np.maximum(weights, spare) + parameters)
            if self.compact:  # in the next pass if that gives no values, and before its weights
                first = np.maximum(spare - last, 0) + PARAMETER_WORDS + weights
                first = np.maximum(first - np.maximum(slow * of_vector + quick, shortest), 0)
                waits = np.where(passes == 1, waits, last + first)
            last = np.where(parameters_per_tile, waits, last)
        body = tiles * others + (tiles - 1) * last + work + end
        if not self.reads_ahead:
            return StepCycles(begin, body)
        tail = work + end - turns - ways.turning
        if self.overlaps(mode, to_sums=to_sums, weight_format=weight_format):
            tail = np.minimum(tail, body - bytes_come - ways.taking)
        earlier = np.where(parameters_per_tile, 0, (tiles - 1) * (others + last))
        return StepCycles(begin, body, tail, end + 1 - ways.gap,
                          work + end - (spare - earlier + parameters))

    def wide(self, *, tiles: Count, passes: Count, vectors: Count, to_sums: bool = False,
             parameters_per_tile: Count = False) -> StepCycles:
        """Return what the cycles of a step of mode WIDE are made of.

        All of its words are read with its vectors, and those of parameters behind these.
        """
        shortest = np.maximum(FAST.shortest, self.interval)
        plain = np.maximum(vectors, shortest)
        more = np.maximum(vectors + 1, shortest) - plain  # where parameters follow
        some = np.where(parameters_per_tile, tiles, 1)
        last = plain + np.where((passes == 1) & (some == tiles), more, 0)
        begin = descriptor_words(self.columns) + FAST.reading + shortest
        work = vectors - 1 + self.interval
        end = FAST.fetching + self.turns + wide_latency(self.wide_rows) - EARLY + (
            FAST.summing if to_sums else FAST.storing + self.turns)
        tail = work + end - FAST.turning - self.turns - last
        return StepCycles(begin, tiles * passes * plain + some * more - last + work + end,
                          np.maximum(tail, 0))


def chain(steps: Iterable[tuple[StepCycles, Count]], last: StepCycles, *,
          overlap: bool) -> StepCycles:
    """Return what steps of a kind take one behind the other, with how many are like each.

    All of them have the same head; ``last`` is the last one, which is among them. Behind the first
    one they may ``overlap``.
    """
    body = last.body - last.after(last, overlap)  # nothing is behind it
    for step, count in steps:
        body = body + count * step.after(step, overlap)
    return replace(last, body=body)


def run_cycles(steps: Iterable[Step], array: Array, sparse: Mapping[int, int] | None = None,
               ) -> list[int]:
    """Return the cycles of each step of a run, which has these steps.

    ``sparse`` are those of steps of mode SPARSE in runs of their own, by their index.
    """
    steps = list(steps)
    parts = [array.parts(step, (sparse or {}).get(index, 0)) for index, step in enumerate(steps)]
    first = [int(parts[0].alone)] if parts else []
    return first + [int(after.after(before, array.overlap(*both)))
                    for both, (before, after) in zip(pairwise(steps), pairwise(parts), strict=True)]


def total_cycles(steps: Iterable[Step], array: Array) -> int:
    """Return the cycles of a run that has these steps."""
    return sum(run_cycles(steps, array))
