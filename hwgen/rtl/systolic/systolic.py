"""Systolic arrays of multiply-accumulate cells, weight-stationary and output-stationary."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring

from .. import primitives
from ..primitives.library import place
from ..primitives.pipeline import later
from .array import Kind, SystolicArray, sum_shape
from .cells import OutputStationaryCell, WeightStationaryCell

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

    Inside the grid nothing waits: what enters moves one cell a cycle, so there is no handshake. The
    top two rows work in the same cycle, because the first adder of a column takes two products.
    """

    depthwise = True

    @property
    def latency(self) -> int:
        """Cycles from the transfer of a vector to its sums on ``o``."""
        return primitives.LATENCY + self.rows + self.columns - 1 + self.choosing

    @property
    def choosing(self) -> int:
        """Cycles in which a cell chooses its operand, where it has a choice."""
        return int(self.lines > 0)

    def line(self, row: int) -> int:
        """Return the line whose pixels pass the cells of ``row``."""
        return row * self.lines // self.rows

    def arrival(self, row: int, column: int = 0) -> int:
        """Cycles from the transfer of a vector until it reaches a cell."""
        return 1 + max(row - 1, 0) + column

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
        heads = {self.line(row): row for row in reversed(range(self.rows))}
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
        weights = self._skew(m, "weight_skew", self.w_shape, Value.cast(self.weights.payload),
                             [self.arrival(0, column) + self.choosing for column in columns])
        waves = {"load": takes, "start": self._waves(m, start, "start")}
        produces = accept
        pixels = {}
        if self.lines:
            kind = self.activations.p.kind
            produces = accept & (kind != Kind.PRIME)
            pixels = self._pixels(m)
            waves["valid"] = self._waves(m, accept, "valid")
            waves["depthwise"] = self._waves(m, kind != Kind.MATRIX, "depthwise")

        multipliers = self._multipliers(m, platform)
        widths = [min(sum_shape(self.a_shape, self.w_shape, row + 1).width, self.sums.width)
                  for row in rows]
        cells: dict[tuple[int, int], Any] = {}
        for row in rows:
            sum_in = Shape(widths[max(row - 1, 0)], self.sums.signed)
            sum_out = Shape(widths[row], self.sums.signed)
            for column in columns:
                cell = cells[row, column] = place(
                    m, platform, f"cell_{row}_{column}", WeightStationaryCell, self.a_shape,
                    self.w_shape, sum_in, sum_out, first=row == 0, depthwise=self.lines > 0)
                wiring.connect(m, cell.multiplier, multipliers[row, column])
                if column:
                    m.d.comb += cell.west.eq(cells[row, column - 1].east)
                else:
                    m.d.comb += [cell.west.activation.eq(vector[row]),
                                 *(cell.west[name].eq(wave[row]) for name, wave in waves.items())]
                if row:
                    above = cells[row - 1, column].south
                    m.d.comb += [cell.north.weight.eq(above.weight), cell.north.sum.eq(above.sum)]
                else:
                    m.d.comb += cell.north.weight.eq(weights[column])
                if self.lines:
                    pixel = pixels.get((row, column))
                    if pixel is None:  # from the tap above, when this row's turn has come
                        cycles = self.arrival(row) - self.arrival(row - 1)
                        pixel = later(m, above.pixel, cycles, f"pixel_{row}_{column}")
                    m.d.comb += cell.north.pixel.eq(pixel)

        sums = []
        for column in columns:
            total = Signal(self.sums, name=f"sum_{column}")
            m.d.comb += total.eq(cells[self.rows - 1, column].south.sum)
            sums.append(total)
        self._put_out(m, sums, later(m, produces, self.latency, "produces", reset=True))
        return m


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
