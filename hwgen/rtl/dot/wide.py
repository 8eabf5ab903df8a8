"""Dot products of a vector with all columns of a matrix, whose weights come with the vector."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .. import primitives
from ..primitives.library import place
from ..primitives.packed import WIDTH
from ..primitives.pipeline import later
from ..systolic.array import sum_shape
from ..systolic.packed import PackedSums, PartedSums
from .pieces import Piece

__all__ = ["Piece", "WideDot"]

SUM = 32
"""Bits of a sum, which wraps."""
TOGETHER = 4
"""Pairs of columns that share a copy of the vector."""


class WideDot(wiring.Component):
    """Multiply pieces of vectors by matrices, each of which comes with its piece.

    All weights are used once, as in a fully connected layer, and so none of them stays. Two columns
    share a multiplier; their products are added up in trees, still packed, and parted once. A piece
    takes a cycle, vectors follow one another without a pause, and may pause at any time.

    Parameters
    ----------
    rows : int
        Numbers of a piece, at least 2.
    columns : int
        Sums, an even number.
    family : str
        FPGA family to multiply on, of those with a packed multiplier.

    Members
    -------
    a : In(ArrayLayout(signed(8), rows))
    weights : In(ArrayLayout(ArrayLayout(signed(8), columns), rows))
        Those of each row.
    tag : In(Piece)
        Of the piece that comes in this cycle.
    o : Out(ArrayLayout(signed(32), columns))
    o_valid : Out(1)
        The sums are on ``o``, in this cycle, :attr:`latency` cycles after their last piece.
    """

    a: Any
    weights: Any
    tag: Any
    o: Any
    o_valid: Value

    interval = 1
    """Cycles between sums at best: those of vectors of one piece."""

    def __init__(self, rows: int, columns: int, *, family: str = "generic") -> None:
        if not isinstance(rows, int) or rows < 2:
            raise ValueError(f"rows must be an integer of at least 2, not {rows!r}")
        if not isinstance(columns, int) or columns < 2 or columns % 2:
            raise ValueError(f"columns must be an even integer of at least 2, not {columns!r}")
        if family not in primitives.PACKING:
            raise ValueError(f"family must be one of {primitives.PACKING}, not {family!r}")
        self.rows = rows
        self.columns = columns
        self.family = family
        number = signed(WIDTH)
        super().__init__({
            "a": In(data.ArrayLayout(number, rows)),
            "weights": In(data.ArrayLayout(data.ArrayLayout(number, columns), rows)),
            "tag": In(Piece), "o": Out(data.ArrayLayout(signed(SUM), columns)), "o_valid": Out(1),
        })

    @property
    def levels(self) -> int:
        """Adders in a row of a tree."""
        return ceil_log2(self.rows)

    @property
    def latency(self) -> int:
        """Cycles from the last piece of a vector to its sums."""
        return 1 + primitives.LATENCY + self.levels + PartedSums.latency + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        weights = later(m, Value.cast(self.weights), 1, "weights")
        tag = later(m, self.tag, self.latency - 2, "tag", reset=True)
        begins = Signal(init=1)  # the piece is the first one of its vector
        with m.If(tag.valid):
            m.d.sync += begins.eq(tag.last)
        m.d.comb += self.o_valid.eq(later(m, tag.valid & tag.last, 2, "o_valid", reset=True))
        for low in range(0, self.columns, 2 * TOGETHER):
            def near(value: Value, name: str, low: int = low) -> Value:
                return primitives.local_register(m, self.family, value, f"{name}_{low}")

            vector = near(Value.cast(self.a), "vector")
            numbers = [vector.word_select(row, WIDTH).as_signed() for row in range(self.rows)]
            # What the left one of two columns has too much, as its weights are unsigned.
            bias = later(m, add_up(m, numbers, f"bias_{low}"), primitives.LATENCY, f"bias_{low}")
            counts, first = near(Cat(tag.valid, begins), "adds")
            for column in range(low, min(low + 2 * TOGETHER, self.columns), 2):
                parted = self._parted_sums(m, platform, column, numbers, weights, bias)
                for index, each in enumerate(parted):
                    total = Signal(signed(SUM), name=f"total_{column + index}", reset_less=True)
                    with m.If(counts):
                        m.d.sync += total.eq(Mux(first, 0, total) + each)
                    m.d.comb += self.o[column + index].eq(total)
        return m

    def _parted_sums(self, m: Module, platform: object, column: int, numbers: list[Value],
                     weights: Value, bias: Value) -> Any:
        """Return the sums of the products of two columns."""
        products: dict[str, list[Value]] = {"low": [], "high": [], "excess": []}
        for row, number in enumerate(numbers):
            cell = place(m, platform, f"multiplier_{row}_{column}",
                         primitives.packed_multiplier(self.family))
            left, right = (weights.word_select(row * self.columns + each, WIDTH)
                           for each in (column, column + 1))
            m.d.comb += [cell.a.eq(number), cell.take.eq(1),
                         cell.b.low.eq(Cat(left[:-1], ~left[-1])), cell.b.high.eq(right)]
            for name, terms in products.items():
                terms.append(cell.excess if name == "excess" else cell.p[name])
        sums = sum_shape(signed(WIDTH), signed(WIDTH), self.rows)
        packed = PackedSums(self.rows, 0, sums.width)
        parted = place(m, platform, f"parted_{column}", PartedSums, packed, bias.shape(), sums)
        m.d.comb += [parted.bias.eq(bias), *(
            parted.i[name].eq(add_up(m, terms, f"{name}_{column}"))
            for name, terms in products.items())]
        return parted.o


def add_up(m: Module, terms: Sequence[Value], name: str) -> Value:
    """Return the sum of numbers, added up two by two in registers."""
    level = 0
    while len(terms) > 1:
        added = []
        for index in range(0, len(terms), 2):
            pair = terms[index:index + 2]
            total = sum(pair[1:], pair[0])
            stored = Signal(total.shape(), name=f"{name}_{level}_{index}", reset_less=True)
            m.d.sync += stored.eq(total)
            added.append(stored)
        terms, level = added, level + 1
    return terms[0]
