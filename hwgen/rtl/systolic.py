"""Systolic arrays of multiply-accumulate cells, weight-stationary and output-stationary."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from . import primitives
from ._library import place
from ._systolic_cells import OutputStationaryCell, WeightStationaryCell

__all__ = ["Kind", "OutputStationary", "SystolicArray", "WeightStationary", "sum_shape"]


class Kind(enum.Enum, shape=2):
    """What a vector of activations is."""

    MATRIX = 0
    """One activation a row, multiplied by the weights of all columns."""
    DEPTHWISE = 1
    """One pixel a line and column, moved into that column's taps, which then give a sum."""
    PRIME = 2
    """As DEPTHWISE, but no sum comes out: fills the taps ahead of the first whole window."""


def sum_shape(a: Shape, w: Shape, terms: int) -> Shape:
    """Return the shape that holds every sum of ``terms`` products of an ``a`` and a ``w``."""
    def ends(shape: Shape) -> tuple[int, int]:
        half = 1 << (shape.width - shape.signed)
        return (-half if shape.signed else 0), half - 1

    products = [x * y for x in ends(a) for y in ends(w)]
    signed = a.signed or w.signed
    bits = max((terms * max(products)).bit_length(), (~(terms * min(products))).bit_length())
    return Shape(bits + signed, signed)


class SystolicArray(wiring.Component):
    """What both dataflows have in common: parameters, ports, and the edges of the grid.

    Parameters
    ----------
    rows, columns : int
        Cells from top to bottom and from left to right.
    a_shape, w_shape : Shape
        Shapes of activations and weights, signed or unsigned, each on its own.
    depth : int
        How many products a sum must hold without overflow.
    accumulator : int or None
        Width of a sum, if not the one that ``depth`` needs. A narrower sum wraps.
    lines : int
        Pixels that each column takes in a cycle of a depthwise tile; 0 for no depthwise path.
    family, device, dsps
        What to make multipliers of: see :func:`primitives.add_multipliers`.

    Members
    -------
    activations : In(stream.Signature(StructLayout(...)))
        ``vector``: an activation for each row; ``last``: the tile ends here; and, with ``lines``,
        ``kind``: see :class:`Kind`, and ``pixels``: a pixel for each line and column.
    weights : In(stream.Signature(ArrayLayout(w_shape, columns)))
    o : Out(Signature({"valid": 1, "payload": ArrayLayout(sums, columns)}))
        A sum for each column. It cannot wait: whoever cannot take it holds back activations.
    """

    depthwise = False
    """Whether the dataflow knows depthwise tiles."""

    activations: stream.Interface
    weights: stream.Interface
    o: Any

    def __init__(self, rows: int, columns: int, a_shape: Shape, w_shape: Shape, *, depth: int,
                 accumulator: int | None = None, lines: int = 0, family: str = "generic",
                 device: str | None = None, dsps: int | None = None) -> None:
        for name, value in (("Rows", rows), ("Columns", columns), ("Depth", depth)):
            if not isinstance(value, int) or value < 1:
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
        if not 0 <= lines <= (rows if self.depthwise else 0):
            raise ValueError(f"Lines must be 0 to the {rows} rows, not {lines!r}" if self.depthwise
                             else f"Lines must be 0 where sums stay, not {lines!r}")
        if family not in primitives.FAMILIES:
            raise ValueError(f"Family must be one of {primitives.FAMILIES}, not {family!r}")
        self.rows = rows
        self.columns = columns
        self.a_shape = a_shape = Shape.cast(a_shape)
        self.w_shape = w_shape = Shape.cast(w_shape)
        self.depth = depth
        self.accumulator = accumulator
        self.lines = lines
        self.family = family
        self.device = device
        self.dsps = dsps
        self.sums = sum_shape(a_shape, w_shape, depth)
        if accumulator is not None:
            self.sums = Shape(accumulator, self.sums.signed)
        vector = {"vector": data.ArrayLayout(a_shape, rows), "last": 1}
        if lines:
            vector |= {"kind": Kind,
                       "pixels": data.ArrayLayout(data.ArrayLayout(a_shape, columns), lines)}
        super().__init__({
            "activations": In(stream.Signature(data.StructLayout(vector))),
            "weights": In(stream.Signature(data.ArrayLayout(w_shape, columns))),
            "o": Out(wiring.Signature({"valid": Out(1),
                                       "payload": Out(data.ArrayLayout(self.sums, columns))})),
        })

    @property
    def latency(self) -> int:
        """Cycles from the last transfer that sums need until they are on ``o``."""
        return primitives.LATENCY + self.rows + self.columns

    def arrival(self, row: int, column: int = 0) -> int:
        """Cycles from a transfer until it reaches a cell."""
        return 1 + row + column

    def _multipliers(self, m: Module, platform: object) -> dict[tuple[int, int], Any]:
        """Add the multipliers, and return each cell's."""
        return primitives.add_multipliers(
            m, platform, self.family, self.a_shape, self.w_shape, self.rows, self.columns,
            wave=lambda row, column: (self.arrival(row, column), self._region(row)),
            device=self.device, dsps=self.dsps)

    def _region(self, row: int) -> int:
        """Return the region of the chip that a row is in."""
        return primitives.region(row, self.rows, primitives.regions(self.family, self.device))

    def _waves(self, m: Module, bit: Value, name: str, *, extra: int = 0) -> list[Value]:
        """Return ``bit`` for each row, when what was transferred with it reaches the row.

        The cells that a wave reaches in one cycle share a register in synthesis, but only those of
        the same region, which are near one another.
        """
        first = {region: primitives.local_register(m, self.family, bit, f"{name}_region_{region}")
                 for region in sorted({self._region(row) for row in range(self.rows)})}
        return [self._late(m, first[self._region(row)], self.arrival(row) - 1 + extra,
                           f"{name}_{row}") for row in range(self.rows)]

    def _late(self, m: Module, bit: Value, cycles: int, name: str, *, reset: bool = False,
              init: int = 0) -> Value:
        """Return ``bit``, ``cycles`` later; with ``reset``, ``init`` comes out of a reset."""
        for cycle in range(cycles):
            stage = Signal(name=f"{name}_{cycle + 1}", init=init, reset_less=not reset)
            m.d.sync += stage.eq(bit)
            bit = stage
        return bit

    def _skewed(self, m: Module, name: str, shape: Shape, words: Value,
                cycles: list[int]) -> list[Value]:
        """Return ``words``, each delayed by its own number of cycles."""
        m.submodules[name] = skew = primitives.delay(self.family, shape.width, cycles)
        m.d.comb += skew.i.eq(words)
        return [skew.o.word_select(i, shape.width) for i in range(len(cycles))]

    def _put_out(self, m: Module, sums: Sequence[Value], valid: Value) -> None:
        """Undo the skew of the columns."""
        straight = self._skewed(m, "sum_skew", self.sums, Cat(sums),
                                [self.columns - 1 - c for c in range(self.columns)])
        m.d.comb += [Value.cast(self.o.payload).eq(Cat(straight)), self.o.valid.eq(valid)]


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
        return primitives.LATENCY + self.rows + self.columns - 1

    def line(self, row: int) -> int:
        """Return the line whose pixels pass the cells of ``row``."""
        return row * self.lines // self.rows

    def arrival(self, row: int, column: int = 0) -> int:
        """Cycles from the transfer of a vector until it reaches a cell."""
        return 1 + max(row - 1, 0) + column

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, columns = range(self.rows), range(self.columns)

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
        loads = self._late(m, load, 1, "loads")
        index = Signal.like(loaded, reset_less=True)
        m.d.sync += index.eq(loaded)

        vector = self._skewed(m, "activation_skew", self.a_shape,
                              Value.cast(self.activations.p.vector),
                              [self.arrival(row) for row in rows])
        weights = self._skewed(m, "weight_skew", self.w_shape, Value.cast(self.weights.payload),
                               [self.arrival(0, column) for column in columns])
        heads = {self.line(row): row for row in reversed(rows)} if self.lines else {}
        pixels: list[Value] = []
        produces = accept
        if self.lines:
            kind = self.activations.p.kind
            produces = accept & (kind != Kind.PRIME)
            pixels = self._skewed(m, "pixel_skew", self.a_shape,
                                  Value.cast(self.activations.p.pixels),
                                  [self.arrival(heads[line], column)
                                   for line in range(self.lines) for column in columns])

        starts = self._waves(m, start, "start")
        valids = self._waves(m, accept, "valid") if self.lines else []
        depthwise = self._waves(m, kind != Kind.MATRIX, "depthwise") if self.lines else []
        multipliers = self._multipliers(m, platform)
        widths = [min(sum_shape(self.a_shape, self.w_shape, row + 1).width, self.sums.width)
                  for row in rows]
        cells: dict[tuple[int, int], Any] = {}
        for row in rows:
            sum_in = Shape(widths[max(row - 1, 0)], self.sums.signed)
            sum_out = Shape(widths[row], self.sums.signed)
            # The weight of the last transfer stays at the top, that of the one before goes down by
            # one row, and so on: a row stops taking weights once its own has come.
            below = self.arrival(row) - 1
            takes = loads & (index < self.rows - below) if below else loads
            loading = self._late(m, takes, self.arrival(row) - 1, f"load_{row}")
            for column in columns:
                cell = cells[row, column] = place(
                    m, platform, f"cell_{row}_{column}", WeightStationaryCell, self.a_shape,
                    self.w_shape, sum_in, sum_out, first=row == 0, depthwise=self.lines > 0)
                wiring.connect(m, cell.multiplier, multipliers[row, column])
                if column:
                    m.d.comb += cell.west.eq(cells[row, column - 1].east)
                else:
                    m.d.comb += [
                        cell.west.activation.eq(vector[row]),
                        cell.west.load.eq(loading),
                        cell.west.start.eq(starts[row]),
                    ]
                    if self.lines:
                        m.d.comb += [cell.west.valid.eq(valids[row]),
                                     cell.west.depthwise.eq(depthwise[row])]
                if row:
                    above = cells[row - 1, column].south
                    m.d.comb += [cell.north.weight.eq(above.weight), cell.north.sum.eq(above.sum)]
                else:
                    m.d.comb += cell.north.weight.eq(weights[column])
                if self.lines:
                    line = self.line(row)
                    if heads[line] == row:
                        pixel = pixels[line * self.columns + column]
                    else:
                        pixel = cells[row - 1, column].south.pixel
                        if self.arrival(row) > self.arrival(row - 1):
                            passed = Signal(self.a_shape, name=f"pixel_{row}_{column}",
                                            reset_less=True)
                            m.d.sync += passed.eq(pixel)
                            pixel = passed
                    m.d.comb += cell.north.pixel.eq(pixel)

        sums = []
        for column in columns:
            total = Signal(self.sums, name=f"sum_{column}")
            m.d.comb += total.eq(cells[self.rows - 1, column].south.sum)
            sums.append(total)
        self._put_out(m, sums, self._late(m, produces, self.latency, "produces", reset=True))
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

        vector = self._skewed(m, "activation_skew", self.a_shape,
                              Mux(step, Value.cast(self.activations.p.vector), 0),
                              [self.arrival(row) for row in rows])
        weights = self._skewed(m, "weight_skew", self.w_shape, Value.cast(self.weights.payload),
                               [self.arrival(0, column) for column in columns])

        # After a reset the cells may hold part of a tile, and products of it may be under way: a
        # wave of `finish` goes ahead of the first tile and clears them.
        clear = self._late(m, ends, 1, "finish", reset=True, init=1)
        finish = self._waves(m, clear, "finish", extra=primitives.LATENCY - 1)
        multipliers = self._multipliers(m, platform)
        # All rows of a column drain together, as soon as the bottom one has finished: row r takes
        # r sums from above.
        drain = self._late(m, ends, self.arrival(self.rows) + primitives.LATENCY, "drain",
                           reset=True)
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
            shift = drain | self._late(m, shift, 1, f"shift_{row}", reset=True)

        self._put_out(m, [cells[self.rows - 1, column].south.drain for column in columns],
                      self._late(m, shift, self.columns - 1, "draining", reset=True))
        return m
