"""The array of 2-bit multipliers that join, as many as the numbers of a layer need."""

from typing import Any

from amaranth import *
from amaranth.lib.wiring import In

from ..primitives.pipeline import later
from .bricks import GROUP, SIDE, FusionMode, Number, brick, combine, correction, digits, tops
from .pieces import DotProduct, Piece, accumulate, check_parameters

__all__ = ["ORDERS", "Fusion", "FusionMode", "Piece"]

ORDERS = ("add", "shift")


class Fusion(DotProduct):
    """Multiply vectors of numbers of 2, 4 or 8 bits: fewer bits, more products a cycle.

    A brick multiplies two digits of 2 bits. A group of 4 x 4 bricks does one product of 8 x 8
    bits a cycle, two of 8 x 4 or 4 x 8, four of 4 x 4, 8 x 2 or 2 x 8, eight of 4 x 2 or 2 x 4, or
    sixteen of 2 x 2. All products of all groups are added to one sum. The mode comes with each
    piece, so that it may change in any cycle. Numbers of other widths are extended.

    A piece has its numbers side by side from the lowest bit on, as many as there are products in a
    cycle; ``b`` in the order of :meth:`hwgen.golden.dot.fusion.Fusion.partners`.

    Parameters
    ----------
    groups : int
        At least 1.
    first : str
        ``add`` (BitBlade): what the same brick of each group gives is added first, and then shifted
        to its weight, once for all groups. ``shift`` (Bit Fusion): each group shifts and adds what
        its own bricks give, and then the groups are added.
    family : str
        FPGA family to add for.
    depth : int
        Of how many pieces a vector is made at most.

    Members
    -------
    a, b : In(32 * groups)
    mode : In(FusionMode)
        Of the piece that comes in this cycle.
    tag : In(Piece)
        Of the same piece.
    o : Out(signed)
    o_valid : Out(1)
        A sum is on ``o``, :attr:`latency` cycles after its last piece, and stays until the next
        one.
    """

    a: Value
    b: Value
    mode: Any

    def __init__(self, groups: int, *, first: str = "add", family: str = "generic",
                 depth: int = 64) -> None:
        check_parameters(family, groups=(groups, 1), depth=(depth, 1))
        if first not in ORDERS:
            raise ValueError(f"first must be one of {ORDERS}, not {first!r}")
        self.groups = groups
        self.first = first
        most = groups * depth * 255 * 255
        super().__init__({"a": In(GROUP * groups), "b": In(GROUP * groups), "mode": In(FusionMode)},
                         Piece, most.bit_length() + 1, depth, family)

    @property
    def levels(self) -> int:
        """Levels of adders over the groups."""
        return (self.groups - 1).bit_length()

    @property
    def latency(self) -> int:
        """Cycles from the last piece to the sum."""
        return self.levels + 8

    def elaborate(self, platform: object) -> Module:
        m = Module()
        mode = later(m, self.mode, 1, "mode_of_digits")
        a = digits(m, "a", self.a, self.mode.a_size, self.mode.b_size)
        b = digits(m, "b", self.b, self.mode.b_size, self.mode.a_size)
        a_tops = tops(m, "a", self.mode.a_size, self.mode.a_signed)
        b_tops = tops(m, "b", self.mode.b_size, self.mode.b_signed)
        numbers = [[[brick(m, f"brick_{group}_{row}_{column}", a[row][column][group],
                           b[column][row][group], a_tops[row], b_tops[column])
                     for column in range(SIDE)] for row in range(SIDE)]
                   for group in range(self.groups)]
        mode = later(m, mode, 1, "mode_of_products")

        if self.first == "add":
            bricks = [[self._over_groups(m, f"brick_{row}_{column}",
                                         [group[row][column] for group in numbers])
                       for column in range(SIDE)] for row in range(SIDE)]
            mode = later(m, mode, self.levels, "mode_of_bricks")
            total, mode = combine(m, self.family, "all", bricks, mode)
        else:
            sums, modes = zip(*[combine(m, self.family, f"group_{index}", group, mode)
                                for index, group in enumerate(numbers)], strict=True)
            total = self._over_groups(m, "groups", list(sums))
            mode = later(m, modes[0], self.levels, "mode_of_groups")

        offset = correction(mode, self.groups)
        late = Signal.like(offset, name="offset", reset_less=True)
        m.d.sync += late.eq(offset)
        number = Signal(signed(len(total.value) + 1), name="number", reset_less=True)
        m.d.sync += number.eq(total.value + late)
        accumulate(m, later(m, self.tag, self.latency - 1, "tag", reset=True), number, Const(0, 1),
                   self.o, self.o_valid)
        return m

    def _over_groups(self, m: Module, name: str, numbers: list[Number]) -> Number:
        """Return the sum of a number of each group, :attr:`levels` cycles later."""
        for level in range(self.levels):
            sums = []
            for index in range(0, len(numbers), 2):
                x, *others = numbers[index:index + 2]
                total = Number(sum((y.value for y in others), start=x.value),
                               x.most + sum(y.most for y in others))
                sums.append(total.store(m, f"{name}_{level}_{index}"))
            numbers = sums
        return numbers[0]
