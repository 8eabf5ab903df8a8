"""How many lanes of two bit vectors give a one: a compressor for 4-input LUTs and carry chains."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .. import primitives

__all__ = ["GATES", "PopulationCount", "levels"]

GATES = ("and", "xor")
GROUP = 3
"""Lanes that are counted at once, in the first level."""
CHAIN = 24
"""Bits of a carry chain at most, so that it stays fast."""


class PopulationCount(wiring.Component):
    """Count the lanes in which ``a`` and ``b`` give a one, a new pair of vectors each cycle.

    The count is ``o + one``: the last lane is not added, because whoever accumulates has a carry
    input left over. With ``complement`` both come inverted: ``~o + (1 - one)``, which is the count
    times -1, again has ``one`` as its carry.

    Parameters
    ----------
    lanes : int
        At least 2.
    gate : str
        One of :data:`GATES`: what a lane gives.
    family : str
        FPGA family to count for.

    Members
    -------
    a, b : In(lanes)
    complement : In(1)
        Of the pair that came :attr:`latency` - 1 cycles ago.
    o : Out(width), one : Out(1)
        :attr:`latency` cycles later.
    """

    a: Value
    b: Value
    complement: Value
    o: Value
    one: Value

    interval = 1

    def __init__(self, lanes: int, gate: str, family: str) -> None:
        self.lanes = lanes
        self.gate = gate
        self.family = family
        self.width = (lanes - 1).bit_length()
        super().__init__({"a": In(lanes), "b": In(lanes), "complement": In(1),
                          "o": Out(self.width), "one": Out(1)})

    @property
    def levels(self) -> int:
        """Levels of adders behind the groups."""
        return levels(self.lanes)

    @property
    def latency(self) -> int:
        """Cycles from a pair of vectors to its count."""
        return 1 + self.levels

    def elaborate(self, platform: object) -> Module:
        # A carry chain adds two numbers and one bit more, and n of its cells take 2n + 1 bits to
        # n + 1. So a number of each level is made of two of the level below and of one lane, which
        # comes in as the carry: 3, 7, 15, 31, 63, 127 lanes. A carry that comes in costs a cell,
        # and so does one that goes out, but one cell can do both: where both operands have the
        # same bit z, z is the carry from there on, and the sum is the carry so far. Adders one
        # after the other on one chain, with such cells between them, cost n + 1 cells each.
        m = Module()
        lanes = list(range(self.lanes))
        one = self._lane(lanes.pop())
        groups, carries = _deal(lanes, self.levels)
        numbers = primitives.counts(m, self.family, "group", [
            [(self.a[lane], self.b[lane]) for lane in group] for group in groups],
            xor=self.gate == "xor")
        waiting = [[self._lane(lane) for lane in level] for level in carries]

        def store(values: list[Value], name: str) -> list[Value]:
            stored: list[Value] = []
            for index, value in enumerate(values):
                stage = Signal(len(value), name=f"{name}_{index}", reset_less=True)
                m.d.sync += stage.eq(value)
                stored.append(stage)
            return stored

        for level in range(self.levels):
            numbers = store(numbers, f"number_{level}")
            now = [primitives.twin_registers(m, self.family, bit, f"carry_{level}_{index}")
                   for index, bit in enumerate(waiting.pop(0))]
            waiting = [store(bits, f"waits_{level}_{index}") for index, bits in enumerate(waiting)]
            one, = store([one], f"one_{level}")
            numbers = self._add(m, f"level_{level}", numbers, now)
        number, = numbers
        m.d.sync += [self.o.eq(number[:self.width] ^ self.complement.replicate(self.width)),
                     self.one.eq(one ^ self.complement)]
        return m

    def _lane(self, lane: int) -> Value:
        """Return what a lane gives."""
        a, b = self.a[lane], self.b[lane]
        return a & b if self.gate == "and" else a ^ b

    def _add(self, m: Module, name: str, numbers: list[Value],
             carries: list[tuple[Value, Value]]) -> list[Value]:
        """Add numbers in pairs, each pair with a carry of its own."""
        width = max(map(len, numbers))
        step = width + 1
        sums: list[Value] = []
        each = max(1, CHAIN // step)
        for first in range(0, len(carries), each):
            operands: tuple[list[Value], list[Value]] = [], []
            for index in range(first, min(first + each, len(carries))):
                for side, operand in enumerate(operands):
                    number = numbers[2 * index + side]
                    operand += [carries[index][side], number, Const(0, width - len(number))]
            left, right = map(Cat, operands)
            total = Signal(len(left) + 1, name=f"{name}_{first}")
            m.d.comb += total.eq(left + right)
            sums += [total[start + 1:start + 1 + step] for start in range(0, len(total) - 1, step)]
        return sums


def levels(lanes: int) -> int:
    """Return the levels of adders behind the groups of so many lanes."""
    levels = 0
    while (GROUP + 1 << levels) - 1 < lanes - 1:
        levels += 1
    return levels


def _deal(lanes: list[int], levels: int) -> tuple[list[list[int]], list[list[int]]]:
    """Deal out lanes to groups, and to the carries of each level, the lowest first."""
    groups = [lanes]
    carries: list[list[int]] = []
    for _ in range(levels):
        carries.insert(0, [group[0] for group in groups])
        halves = []
        for group in groups:
            middle = (len(group) + 2) // 2
            halves += [group[1:middle], group[middle:]]
        groups = halves
    return groups, carries
