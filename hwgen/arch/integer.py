"""The types of integers that an array may multiply."""

import re
from dataclasses import dataclass
from typing import Self

from ..errors import UserError

__all__ = ["Integer"]


@dataclass(frozen=True)
class Integer:
    """A type of integers: ``int8`` is signed and 8 bits wide, ``uint4`` unsigned and 4."""

    width: int
    signed: bool

    @classmethod
    def parse(cls, text: object, field: str) -> Self:
        """Read ``int2`` to ``int16`` or ``uint2`` to ``uint16``."""
        match = re.fullmatch(r"(u?)int([1-9]\d?)", text) if isinstance(text, str) else None
        if not match or not 2 <= int(match[2]) <= 16:
            raise UserError(f"{field} must be int2 to int16 or uint2 to uint16, not {text!r}")
        return cls(int(match[2]), not match[1])

    @property
    def low(self) -> int:
        """The least value."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The greatest value."""
        return (1 << (self.width - self.signed)) - 1
