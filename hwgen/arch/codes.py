"""Check bits of stored words: parity, and codes that correct a bit and detect two.

A check bit is the parity of some bits of the data. Which ones, says the column of each bit of the
data. In a code that corrects, as Hsiao's (IBM Journal of Research and Development 14-4, 1970),
columns are different and have three ones each: a flipped bit of the data makes three checks fail,
one of the check bits a single one, and two flipped bits an even number, but not none.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Self

__all__ = ["PROTECTIONS", "Code"]

PROTECTIONS = ("none", "parity", "ecc")
"""How words of memories may be protected."""
ONES = 3
"""In a column of a code that corrects."""


@dataclass(frozen=True)
class Code:
    """The check bits of a word.

    Parameters
    ----------
    checks : int
        How many there are.
    columns : tuple of int
        For each bit of the data, in which of them it counts.
    """

    checks: int
    columns: tuple[int, ...]

    @classmethod
    def of(cls, protect: str, width: int) -> Self | None:
        """Return the code of words of that many bits; None where nothing protects them."""
        if protect == "none":
            return None
        if protect == "parity":
            return cls(1, (1,) * width)
        checks = next(count for count in range(ONES, width + ONES) if comb(count, ONES) >= width)
        left = [sum(1 << row for row in rows) for rows in combinations(range(checks), ONES)]
        chosen: list[int] = []
        uses = [0] * checks
        for _ in range(width):  # all checks are of about as many bits
            column = min(left, key=lambda each: sum(
                uses[row] ** 2 for row in range(checks) if each >> row & 1))
            left.remove(column)
            chosen.append(column)
            uses = [count + (column >> row & 1) for row, count in enumerate(uses)]
        return cls(checks, tuple(chosen))

    @property
    def width(self) -> int:
        """Bits of the data."""
        return len(self.columns)

    @property
    def size(self) -> int:
        """Bits of a word with its check bits, which are the upper ones."""
        return self.width + self.checks

    @property
    def corrects(self) -> bool:
        """Whether a flipped bit is corrected; else it is only detected."""
        return self.checks > 1

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """For each check bit, which bits of the data it is the parity of."""
        return tuple(sum(1 << bit for bit, column in enumerate(self.columns) if column >> row & 1)
                     for row in range(self.checks))

    def encode(self, data: int) -> int:
        """Return a word with its check bits."""
        return data | sum(((data & row).bit_count() & 1) << self.width + index
                          for index, row in enumerate(self.rows))
