"""Systolic arrays of multiply-accumulate cells, weight-stationary and output-stationary."""

import itertools
from functools import cached_property
from typing import Any

from amaranth import *
from amaranth.lib import wiring

from .. import primitives
from ..primitives.library import place
from ..primitives.packed import SHIFT
from ..primitives.pipeline import later
from .array import Kind, SystolicArray, sum_shape
from .cells import OutputStationaryCell, WeightStationaryCell
from .packed import PackedCell, PackedSums, PartedSums

__all__ = ["Kind", "OutputStationary", "SystolicArray", "WeightStationary", "sum_shape"]


class WeightStationary(SystolicArray):
    """Multiply vectors of activations by a matrix of weights that stays in the cells.

    A tile is a matrix of ``rows`` x ``columns`` weights and the vectors that it multiplies. Its
    weights are transferred on ``weights``, last row first; they wait in the cells behind the
    weights in use, so that they may come while the tile before is computed. Its vectors are
    transferred on ``activations``, the last one marked ``last``; the first one waits until the
    weights are complete. Both streams may pause at any time.

    For each vector, but not for a PRIME one, the sums ``vector @ weights`` are on ``o``, valid for
    one cycle, exactly :attr:`latency` cycles after its transfer. Tiles of at least ``rows`` vectors
    follow one another without a lost cycle.

    With ``lines``, a column of cells can also be the taps of a depthwise convolution of a channel
    of its own: the rows are dealt out to the lines, :meth:`line` says which to which, and the
    pixels of a DEPTHWISE or PRIME vector move through the rows of their line, from top to bottom,
    one row a vector. The sum is that of all taps, each times its weight.

    With ``packed_rows`` the cells of two neighbouring columns work in the same cycle, and those of
    the last rows share a multiplier: operands have 8 bits and a sign. No line reaches these rows,
    which give nothing in a depthwise tile.

    Inside the grid nothing waits: what enters moves one cell a cycle, so there is no handshake. The
    top two rows work in the same cycle, because the first adder of a column takes two products.
    """

    depthwise = True
    packs = True

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a vector to its sums on ``o``."""
        parting = PartedSums.latency if self.packed_rows else 0
        return (primitives.LATENCY + self.rows + self.step(self.columns - 1) + parting
                + self.choosing)

    @property
    def choosing(self) -> int:
        """Cycles in which a cell chooses its operand, where it has a choice."""
        return int(self.lines > 0)

    @property
    def single_rows(self) -> int:
        """The rows above the packed ones."""
        return self.rows - self.packed_rows

    def line(self, row: int) -> int:
        """Return the line whose pixels pass the cells of ``row``."""
        return row * self.lines // self.single_rows

    def step(self, column: int) -> int:
        """Cycles from the first column to this one."""
        return column // 2 if self.packed_rows else column

    def arrival(self, row: int, column: int = 0) -> int:
        """Cycles from the transfer of a vector until it reaches a cell."""
        return 1 + max(row - 1, 0) + self.step(column)

    def _control(self, m: Module) -> tuple[Value, Value, list[Value]]:
        """Add what answers the streams.

        Return whether a vector is transferred, whether it is a tile's first, and, for each row,
        whether its first cell takes the weight above.
        """
        fresh = Signal(init=1)  # the next vector begins a tile
        full = Signal()         # all weights of the next tile are in the cells
        loaded = Signal(range(max(self.rows, 2)))
        accept = Signal()
        start = Signal()
        load = Signal()
        m.d.comb += [
            self.activations.ready.eq(~fresh | full),
            accept.eq(self.activations.valid & self.activations.ready),
            start.eq(accept & fresh),
            # A tile's weights leave for the multipliers in a wave, one row a cycle; the next ones
            # may follow in that very cycle, for they come no faster.
            self.weights.ready.eq(~full | start),
            load.eq(self.weights.valid & self.weights.ready),
        ]
        with m.If(accept):
            m.d.sync += fresh.eq(self.activations.p.last)
        with m.If(load):
            complete = loaded == self.rows - 1
            m.d.sync += [loaded.eq(Mux(complete, 0, loaded + 1)), full.eq(complete)]
        with m.Elif(start):
            m.d.sync += full.eq(0)

        # The first of the cycles that a transfer takes to the cells, kept out of the path above.
        loads = later(m, load, 1, "loads")
        index = Signal.like(loaded, reset_less=True)
        m.d.sync += index.eq(loaded)
        takes = []
        for row in range(self.rows):
            # The weight of the last transfer stays at the top, that of the one before goes down by
            # one row, and so on: a row stops taking weights once its own has come.
            late = self.arrival(row) - 1
            take = loads & (index < self.rows - late) if late else loads
            takes.append(later(m, take, late + self.choosing, f"load_{row}"))
        return accept, start, takes

    def _pixels(self, m: Module) -> dict[tuple[int, int], Value]:
        """Return the fresh pixel of each cell that is the first of its line."""
        heads = {self.line(row): row for row in reversed(range(self.single_rows))}
        cells = [(heads[line], column) for line in range(self.lines)
                 for column in range(self.columns)]
        pixels = self._skew(m, "pixel_skew", self.a_shape,
                            Value.cast(self.activations.p.pixels),
                            [self.arrival(*cell) for cell in cells])
        return dict(zip(cells, pixels, strict=True))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, columns = range(self.rows), range(self.columns)
        accept, start, takes = self._control(m)
        vector = self._skew(m, "activation_skew", self.a_shape,
                            Value.cast(self.activations.p.vector),
                            [self.arrival(row) for row in rows])
        weights = self._skew_weights(m, self.choosing)
        waves = {"load": takes, "start": self._waves(m, start, "start")}
        if self.int4_weights:
            waves["pair"] = self._waves(m, self.activations.p.pairs, "pair",
                                        extra=primitives.LATENCY + self.choosing)
        produces = accept
        pixels = {}
        if self.lines:
            kind = self.activations.p.kind
            produces = accept & (kind != Kind.PRIME)
            pixels = self._pixels(m)
            waves["valid"] = self._waves(m, accept, "valid")
            waves["depthwise"] = self._waves(m, kind != Kind.MATRIX, "depthwise")
            for row in range(self.single_rows, self.rows):
                vector[row] = Mux(waves["depthwise"][row], 0, vector[row])

        multipliers = self._multipliers(m, platform)
        shared = primitives.packed_cells(self.rows, self.columns, self.packed_rows)
        cells: dict[tuple[int, int], Any] = {}
        for row, column in itertools.product(rows, columns):
            if (row, column - 1) in shared:
                continue
            add_cell = self._add_pair if (row, column) in shared else self._add_cell
            cell = cells[row, column] = add_cell(m, platform, row, column)
            wiring.connect(m, cell.multiplier, multipliers[row, column])
            if self.step(column):
                beside = column - column % 2 - 2 if self.packed_rows else column - 1
                m.d.comb += cell.west.eq(cells[row, beside].east)
            else:
                m.d.comb += [cell.west.activation.eq(vector[row]),
                             *(cell.west[name].eq(wave[row]) for name, wave in waves.items()
                               if row < self.single_rows or name in ("load", "start"))]
            if (row, column) in shared:
                self._join_pair(m, cells, weights, row, column)
                continue
            if row:
                above = cells[row - 1, column].south
                m.d.comb += [cell.north.weight.eq(above.weight), cell.north.sum.eq(above.sum)]
                if self.int4_weights:
                    m.d.comb += cell.north.high.eq(above.high)
            else:
                m.d.comb += cell.north.weight.eq(weights[column])
            if self.lines and row < self.single_rows:
                pixel = pixels.get((row, column))
                if pixel is None:  # from the tap above, when this row's turn has come
                    cycles = self.arrival(row) - self.arrival(row - 1)
                    pixel = later(m, above.pixel, cycles, f"pixel_{row}_{column}")
                m.d.comb += cell.north.pixel.eq(pixel)

        sums = self._sums(m, platform, cells, vector)
        self._put_out(m, sums, later(m, produces, self.latency, "produces", reset=True))
        self._put_high(m, cells)
        return m

    @cached_property
    def _widths(self) -> list[int]:
        """The width of the sums of a column in each row."""
        return [min(sum_shape(self.a_shape, self.w_shape, row + 1).width, self.sums.width)
                for row in range(self.rows)]

    def _add_cell(self, m: Module, platform: object, row: int, column: int) -> Any:
        """Add a cell with a multiplier of its own."""
        sum_in, sum_out = (Shape(self._widths[each], self.sums.signed)
                           for each in (max(row - 1, 0), row))
        more: dict[str, Any] = {}
        if self.int4_weights:
            more["high"] = tuple(sum_shape(self.a_shape, signed(4), each + 1)
                                 for each in (max(row - 1, 0), row))
        return place(m, platform, f"cell_{row}_{column}", WeightStationaryCell, self.a_shape,
                     self.w_shape, sum_in, sum_out, first=row == 0,
                     depthwise=self.lines > 0 and row < self.single_rows,
                     late=self.choosing > 0, **more)

    def _packed_sums(self, row: int) -> PackedSums:
        """Return the sums that come out of a row's packed cells."""
        above = self._widths[self.single_rows - 1] if self.single_rows else 0
        return PackedSums(max(row + 1 - self.single_rows, 0), above, self._widths[max(row, 0)])

    def _add_pair(self, m: Module, platform: object, row: int, column: int) -> Any:
        """Add two cells that share a multiplier, of which this column has the left one."""
        return place(m, platform, f"cell_{row}_{column}", PackedCell, self._packed_sums(row - 1),
                     self._packed_sums(row), first=row == 0, late=self.choosing > 0)

    def _join_pair(self, m: Module, cells: dict[tuple[int, int], Any], weights: list[Value],
                   row: int, column: int) -> None:
        """Connect packed cells with what lies above them."""
        cell = cells[row, column]
        if row > self.single_rows:
            m.d.comb += cell.north.eq(cells[row - 1, column].south)
            return
        left, right = weights[column:column + 2]
        if row:
            left, right = (cells[row - 1, each].south.weight for each in (column, column + 1))
            low, high = (cells[row - 1, each].south.sum for each in (column, column + 1))
            excess = low >> SHIFT  # as if these were packed, too
            m.d.comb += [cell.north.sums.low.eq(low[:SHIFT]),
                         cell.north.sums.high.eq(high + excess),
                         cell.north.sums.excess.eq(later(m, excess, 1, f"excess_{column}"))]
        m.d.comb += [cell.north.weights.low.eq(Cat(left[:-1], ~left[-1])),
                     cell.north.weights.high.eq(right)]

    def _sums(self, m: Module, platform: object, cells: dict[tuple[int, int], Any],
              vector: list[Value]) -> list[Value]:
        """Return the sums of the columns, those that were packed parted."""
        sums: list[Value] = []
        bias = self._bias(m, vector)
        for column in range(self.columns):
            total = Signal(self.sums, name=f"sum_{column}")
            if self.packed_rows and column ^ 1 < self.columns:
                if column % 2 == 0:
                    parted = place(m, platform, f"parted_{column}", PartedSums,
                                   self._packed_sums(self.rows - 1), bias.shape(), self.sums)
                    m.d.comb += [parted.i.eq(cells[self.rows - 1, column].south.sums),
                                 parted.bias.eq(bias)]
                    bias = later(m, bias, 1, f"bias_{column}")
                m.d.comb += total.eq(parted.o[column % 2])
            else:
                late = PartedSums.latency if self.packed_rows else 0
                m.d.comb += total.eq(later(m, cells[self.rows - 1, column].south.sum, late,
                                           f"late_{column}"))
            sums.append(total)
        return sums

    def _bias(self, m: Module, vector: list[Value]) -> Value:
        """Return the sum of the activations of the packed rows, with the sums of column 0."""
        total: Value = Const(0, 1)
        for row in range(self.single_rows, self.rows):
            count = row + 1 - self.single_rows
            term = Signal(signed(len(vector[row]) + (count - 1).bit_length()), name=f"bias_{row}",
                          reset_less=True)
            # As the first cells have no adder, the first sum has no register.
            m.d["sync" if row else "comb"] += term.eq(vector[row].as_signed() + total)
            total = term
        late = primitives.LATENCY + self.choosing
        return later(m, total, late, "bias") if self.packed_rows else total


class OutputStationary(SystolicArray):
    """Sum the outer products of two streams of vectors in the cells.

    A tile is any number of steps. A step takes a vector from ``activations`` and one from
    ``weights``, both in the same cycle, and adds to each cell its row's activation times its
    column's weight. Both streams may pause at any time. The step whose activations are marked
    ``last`` ends the tile: :attr:`latency` cycles after it the ``rows`` rows of sums are on ``o``,
    valid, one a cycle, the last row first, while the next tile fills the cells. A tile may end no
    sooner than ``rows`` cycles after the one before; its last step waits for that.

    Inside the grid nothing waits: what enters moves one cell a cycle, so there is no handshake. A
    pause enters as zeros, which add nothing.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, columns = range(self.rows), range(self.columns)

        wait = Signal(range(max(self.rows, 2)))  # cycles until a tile may end
        may = Signal()
        step = Signal()
        ends = Signal()
        m.d.comb += [
            may.eq(~self.activations.p.last | ~wait.any()),
            self.activations.ready.eq(self.weights.valid & may),
            self.weights.ready.eq(self.activations.valid & may),
            step.eq(self.activations.valid & self.weights.valid & may),
            ends.eq(step & self.activations.p.last),
        ]
        with m.If(ends):
            m.d.sync += wait.eq(self.rows - 1)
        with m.Elif(wait.any()):
            m.d.sync += wait.eq(wait - 1)

        vector = self._skew(m, "activation_skew", self.a_shape,
                            Mux(step, Value.cast(self.activations.p.vector), 0),
                            [self.arrival(row) for row in rows])
        weights = self._skew(m, "weight_skew", self.w_shape, Value.cast(self.weights.payload),
                             [self.arrival(0, column) for column in columns])

        # After a reset the cells may hold part of a tile, and products of it may be under way: a
        # wave of `finish` goes ahead of the first tile and clears them.
        clear = later(m, ends, 1, "finish", reset=True, init=1)
        finish = self._waves(m, clear, "finish", extra=primitives.LATENCY - 1)
        multipliers = self._multipliers(m, platform)
        # All rows of a column drain together, as soon as the bottom one has finished: row r takes
        # r sums from above.
        drain = later(m, ends, self.arrival(self.rows) + primitives.LATENCY, "drain", reset=True)
        shift: Value = Const(0)
        cells: dict[tuple[int, int], Any] = {}
        for row in rows:
            for column in columns:
                cell = cells[row, column] = place(
                    m, platform, f"cell_{row}_{column}", OutputStationaryCell, self.a_shape,
                    self.w_shape, self.sums)
                wiring.connect(m, cell.multiplier, multipliers[row, column])
                if column:
                    m.d.comb += cell.west.eq(cells[row, column - 1].east)
                else:
                    m.d.comb += [cell.west.activation.eq(vector[row]),
                                 cell.west.finish.eq(finish[row]),
                                 cell.west.shift.eq(shift)]
                if row:
                    m.d.comb += cell.north.eq(cells[row - 1, column].south)
                else:
                    m.d.comb += cell.north.weight.eq(weights[column])
            shift = drain | later(m, shift, 1, f"shift_{row}", reset=True)

        self._put_out(m, [cells[self.rows - 1, column].south.drain for column in columns],
                      later(m, shift, self.columns - 1, "draining", reset=True))
        return m
