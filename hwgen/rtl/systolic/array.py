"""What the systolic arrays of both dataflows have in common."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives import int4
from ..primitives.packed import WIDTH
from ..primitives.pipeline import later

__all__ = ["Kind", "SystolicArray", "sum_shape"]


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
    packed_rows : int
        Rows, the last ones, whose cells share a multiplier two by two: see :class:`PackedCell`.
        They have no depthwise path.
    int4_weights : bool
        Whether weights may be pairs of 4 bits each, whose sums come out of each column together.
    family, device, dsps, lanes
        What to make multipliers of: see :func:`primitives.add_multipliers`.

    Members
    -------
    activations : In(stream.Signature(StructLayout(...)))
        ``vector``: an activation for each row; ``last``: the tile ends here; and, with ``lines``,
        ``kind``: see :class:`Kind`, and ``pixels``: a pixel for each line and column; with
        ``int4_weights`` also ``pairs``: it is multiplied by pairs.
    weights : In(stream.Signature(ArrayLayout(w_shape, columns)))
    pairs : In(1)
        The weights that are on ``weights`` are pairs, the low one in the lowest 4 bits; only with
        ``int4_weights``.
    o : Out(Signature({"valid": 1, "payload": ArrayLayout(sums, columns)}))
        A sum for each column. It cannot wait: a consumer that is busy must stall the activations.
        With ``int4_weights`` also ``high``: ArrayLayout(high_sums, columns), those of high weights.
    """

    depthwise = False
    """Whether the dataflow knows depthwise tiles."""
    packs = False
    """Whether its cells may share a multiplier two by two, or multiply pairs."""
    interval = 1
    """Cycles between vectors of sums at best."""

    activations: stream.Interface
    weights: stream.Interface
    o: Any
    pairs: Value

    def __init__(self, rows: int, columns: int, a_shape: Shape, w_shape: Shape, *, depth: int,
                 accumulator: int | None = None, lines: int = 0, packed_rows: int = 0,
                 int4_weights: bool = False, family: str = "generic", device: str | None = None,
                 dsps: int | None = None, lanes: int = 0) -> None:
        for name, value in (("Rows", rows), ("Columns", columns), ("Depth", depth)):
            if not isinstance(value, int) or value < 1:
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
        if not 0 <= packed_rows <= (rows if self.packs else 0):
            raise ValueError(f"Packed rows must be 0 to {rows if self.packs else 0}, "
                             f"not {packed_rows!r}")
        if not 0 <= lines <= (rows - packed_rows if self.depthwise else 0):
            raise ValueError(f"Lines must be 0 to the {rows - packed_rows} rows, not {lines!r}"
                             if self.depthwise
                             else f"Lines must be 0 where sums stay, not {lines!r}")
        if family not in primitives.FAMILIES:
            raise ValueError(f"Family must be one of {primitives.FAMILIES}, not {family!r}")
        if packed_rows and not a_shape == w_shape == signed(WIDTH):
            raise ValueError(f"Operands of packed rows must be {signed(WIDTH)!r}, not {a_shape!r} "
                             f"and {w_shape!r}")
        if packed_rows and family not in primitives.PACKING:
            raise ValueError(f"Family must be one of {primitives.PACKING} with packed rows, "
                             f"not {family!r}")
        if int4_weights and not (self.packs and packed_rows == 0 and family in primitives.PACKING
                                 and a_shape == w_shape == signed(WIDTH)):
            raise ValueError("Weights of 4 bits are for weights that stay, operands of "
                             f"{signed(WIDTH)!r}, no packed rows, and families "
                             f"{primitives.PACKING}")
        self.rows = rows
        self.columns = columns
        self.a_shape = a_shape = Shape.cast(a_shape)
        self.w_shape = w_shape = Shape.cast(w_shape)
        self.depth = depth
        self.accumulator = accumulator
        self.lines = lines
        self.packed_rows = packed_rows
        self.int4_weights = int4_weights
        self.family = family
        self.device = device
        self.dsps = dsps
        self.lanes = lanes
        self.sums = sum_shape(a_shape, w_shape, depth)
        if accumulator is not None:
            self.sums = Shape(accumulator, self.sums.signed)
        self.high_sums = sum_shape(a_shape, signed(4), depth)
        vector = {"vector": data.ArrayLayout(a_shape, rows), "last": 1}
        if lines:
            vector |= {"kind": Kind,
                       "pixels": data.ArrayLayout(data.ArrayLayout(a_shape, columns), lines)}
        high: dict[str, Any] = {}
        if int4_weights:
            vector |= {"pairs": 1}
            high |= {"high": Out(data.ArrayLayout(self.high_sums, columns))}
        super().__init__({
            "activations": In(stream.Signature(data.StructLayout(vector))),
            "weights": In(stream.Signature(data.ArrayLayout(w_shape, columns))),
            "o": Out(wiring.Signature({"valid": Out(1),
                                       "payload": Out(data.ArrayLayout(self.sums, columns)),
                                       **high})),
            **({"pairs": In(1)} if int4_weights else {}),
        })

    @property
    def latency(self) -> int:
        """Cycles from the last transfer that sums need until they are on ``o``."""
        return primitives.LATENCY + self.rows + self.columns

    def step(self, column: int) -> int:
        """Cycles from the first column to this one."""
        return column

    def arrival(self, row: int, column: int = 0) -> int:
        """Cycles from a transfer until it reaches a cell."""
        return 1 + row + self.step(column)

    def _multipliers(self, m: Module, platform: object) -> dict[tuple[int, int], Any]:
        """Add the multipliers, and return each cell's."""
        return primitives.add_multipliers(
            m, platform, self.family, self.a_shape,
            int4.OPERAND if self.int4_weights else self.w_shape, self.rows, self.columns,
            wave=lambda row, column: (self.arrival(row, column), self._region(row)),
            device=self.device, dsps=self.dsps, lanes=self.lanes, packed_rows=self.packed_rows)

    @cached_property
    def _regions(self) -> list[int]:
        """The region of the chip that each row is in."""
        room = primitives.regions(self.family, self.device, self.lanes)
        return primitives.regions_of_rows(self.rows, self.columns, self.dsps, room,
                                          self.packed_rows)

    @cached_property
    def _hard_rows(self) -> set[int]:
        """The rows of which some cell is in a DSP block."""
        room = primitives.regions(self.family, self.device, self.lanes)
        count = self.rows * self.columns if self.dsps is None else self.dsps
        return {row for group in primitives.dsp_cells(self.rows, self.columns, count, room,
                                                      self.packed_rows) for row, _ in group}

    def _region(self, row: int) -> int:
        """Return the region of the chip that a row is in."""
        return self._regions[row]

    def _waves(self, m: Module, bit: Value, name: str, *, extra: int = 0) -> list[Value]:
        """Return ``bit`` for each row, when what was transferred with it reaches the row.

        The cells that a wave reaches in one cycle share a register in synthesis, but only those in
        DSP blocks of the same region, which have their places; and those of the same row.
        """
        begins = [f"region_{self._region(row)}" if row in self._hard_rows else f"row_{row}"
                  for row in range(self.rows)]
        first = {begin: primitives.local_register(m, self.family, bit, f"{name}_{begin}")
                 for begin in dict.fromkeys(begins)}
        return [later(m, first[begin], self.arrival(row) - 1 + extra, f"{name}_{row}")
                for row, begin in enumerate(begins)]

    def _skew(self, m: Module, name: str, shape: Shape, words: Value,
              cycles: list[int]) -> list[Value]:
        """Return ``words``, each delayed by its own number of cycles."""
        m.submodules[name] = skew = primitives.delay(self.family, shape.width, cycles,
                                                     apart=self.lanes > 0)
        m.d.comb += skew.i.eq(words)
        return [skew.o.word_select(i, shape.width) for i in range(len(cycles))]

    def _skew_weights(self, m: Module, late: int) -> list[Value]:
        """Return the weight that comes to each column, or the code of one or two."""
        shape, words = self.w_shape, Value.cast(self.weights.payload)
        if self.int4_weights:
            shape = int4.OPERAND_CODE
            words = Cat(int4.encode(words.word_select(column, 8), self.pairs)
                        for column in range(self.columns))
        return self._skew(m, "weight_skew", shape, words,
                          [self.arrival(0, column) + late for column in range(self.columns)])

    def _put_high(self, m: Module, cells: dict[tuple[int, int], Any]) -> None:
        """Undo the skew of the sums of high weights, where there may be some."""
        if not self.int4_weights:
            return
        sums = [cells[self.rows - 1, column].south.high for column in range(self.columns)]
        last = self.step(self.columns - 1)
        straight = self._skew(m, "high_skew", self.high_sums, Cat(sums),
                              [last - self.step(c) for c in range(self.columns)])
        m.d.comb += Value.cast(self.o.high).eq(Cat(straight))

    def _put_out(self, m: Module, sums: Sequence[Value], valid: Value) -> None:
        """Undo the skew of the columns."""
        last = self.step(self.columns - 1)
        straight = self._skew(m, "sum_skew", self.sums, Cat(sums),
                              [last - self.step(c) for c in range(self.columns)])
        m.d.comb += [Value.cast(self.o.payload).eq(Cat(straight)), self.o.valid.eq(valid)]
