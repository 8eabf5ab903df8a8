"""A step of the accelerator, and its descriptor: docs/accelerator.md has what every field means.

Compiler, golden model and cost model share this file, and the formats of numbers that it names.
"""

import dataclasses
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .formats import Format

__all__ = ["DESCRIPTOR_BYTES", "INDEX_BITS", "PARAMETER_WORDS", "ROUNDINGS", "SLOTS", "WAITING",
           "Mode", "Step", "descriptor_words", "lines_of_rows"]

MAGIC = 0x5a
DESCRIPTOR_BYTES = 80
PARAMETER_WORDS = 9
"""Words of the program memory that the parameters of a column tile take."""
SLOTS = 64
"""Rows of a matrix that a lane of the sparse engine has sums for."""
INDEX_BITS = 4
"""Of the entries of compressed weights in an accelerator."""
ROUNDINGS = ("tflm", "single", "even")
"""How lanes round: docs/accelerator.md has each."""
WAITING = 32
"""Vectors that may be on their way to the sparse engine, or wait for it."""


class Mode(IntEnum):
    """Where the values of a step come from."""

    MATRIX = 0
    DEPTHWISE = 1
    DIRECT = 2
    SUMS = 3
    SPARSE = 4
    UNPACK = 5


# (word, lowest bit, bits, whether signed) of every field, by its name.
FIELDS: dict[str, tuple[int, int, int, bool]] = {
    "mode": (0, 0, 8, False), "maximum": (0, 8, 1, False), "to_sums": (0, 9, 1, False),
    "add_to_sums": (0, 10, 1, False), "parameters_per_tile": (0, 11, 1, False),
    "scaled": (0, 12, 1, False), "last_columns": (0, 16, 8, False), "pad": (0, 24, 8, True),
    "zero_point": (1, 0, 8, True), "low": (1, 8, 8, True), "high": (1, 16, 8, True),
    "tiles": (2, 0, 16, False), "pieces": (2, 16, 16, False),
    "taps_x": (3, 0, 16, False), "taps_y": (3, 16, 16, False),
    "x": (4, 0, 16, False), "y": (4, 16, 16, False),
    "prime_x": (5, 0, 8, False), "stride_x": (5, 8, 8, False),
    "prime_y": (5, 16, 8, False), "stride_y": (5, 24, 8, False),
    "program": (6, 0, 32, False),
    "base": (7, 0, 32, True),
    "row0": (8, 0, 16, True), "height": (8, 16, 16, False),
    "offset": (9, 0, 32, True),
    "row_bytes": (10, 0, 32, False),
    "x_step": (11, 0, 16, False), "row_step": (11, 16, 16, False),
    "row_step_bytes": (12, 0, 32, False),
    "piece_step": (13, 0, 16, False), "taps_x_step": (13, 16, 16, False),
    "tile_step": (14, 0, 16, False), "taps_y_step": (14, 16, 16, False),
    "taps_y_step_bytes": (15, 0, 32, False),
    "output": (16, 0, 32, False),
    "output_x_step": (17, 0, 16, False), "slots": (17, 16, 16, False),
    "output_row_step": (18, 0, 32, False),
    "activation_format": (19, 0, 5, False), "weight_format": (19, 8, 5, False),
    "column": (19, 16, 16, False),
}


def descriptor_words(columns: int) -> int:
    """Return how many words of the program memory, ``columns`` bytes each, a descriptor takes."""
    return -(-DESCRIPTOR_BYTES // columns)


def lines_of_rows(engine: str, rows: int, lines: int) -> list[int]:
    """Return which line's pixels each row of an array multiplies in a depthwise step.

    A bit-serial array keeps as many pixels of a line as it has lines, and no more.
    """
    if engine == "bitserial":
        return [row // lines for row in range(lines * lines)]
    return [row * lines // rows for row in range(rows)]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step, with the fields of its descriptor.

    The names in docs/accelerator.md: K0 is ``pieces``, K1 ``taps_x``, K2 ``taps_y``, X and Y are
    ``x`` and ``y``, C the columns of the array. The formats are codes of
    :class:`hwgen.arch.formats.Format`; the systolic array has no use for them. ``slots`` and
    ``column`` are for the sparse engine alone, as is its mode. Of mode UNPACK the document has a
    table of its own.
    """

    mode: Mode
    maximum: bool = False
    to_sums: bool = False
    add_to_sums: bool = False
    parameters_per_tile: bool = False
    scaled: bool = False
    last_columns: int
    pad: int = 0
    zero_point: int = 0
    low: int = -128
    high: int = 127
    tiles: int = 1
    pieces: int = 1
    taps_x: int = 1
    taps_y: int = 1
    x: int = 1
    y: int = 1
    prime_x: int = 0
    stride_x: int = 1
    prime_y: int = 0
    stride_y: int = 1
    program: int = 0
    base: int = 0
    row0: int = 0
    height: int = 1
    offset: int = 0
    row_bytes: int = 0
    x_step: int = 0
    row_step: int = 0
    row_step_bytes: int = 0
    piece_step: int = 0
    taps_x_step: int = 0
    tile_step: int = 0
    taps_y_step: int = 0
    taps_y_step_bytes: int = 0
    output: int = 0
    output_x_step: int = 0
    output_row_step: int = 0
    activation_format: int = 0
    weight_format: int = 0
    slots: int = 0
    column: int = 0

    def __post_init__(self) -> None:
        """Check that every field fits its bits, and that no count is 0."""
        for name, (_, _, bits, signed) in FIELDS.items():
            low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else \
                (0, (1 << bits) - 1)
            if name in COUNTS:
                low = 1
            if not low <= getattr(self, name) <= high:
                raise UserError(f"{name} of a step must be from {low} to {high}, "
                                f"not {getattr(self, name)}")

    @property
    def passes(self) -> int:
        """Passes of a column tile."""
        return self.pieces * self.taps_x * self.taps_y

    @property
    def vectors(self) -> int:
        """Vectors of a pass."""
        return self.x * self.y

    @property
    def size(self) -> tuple[int, int]:
        """Values of a pass: (down, along x)."""
        if self.mode != Mode.DEPTHWISE:
            return self.y, self.x
        return (len(range(self.prime_y, self.y, self.stride_y)),
                len(range(self.prime_x, self.x, self.stride_x)))

    @property
    def values(self) -> int:
        """Number of values of a pass."""
        return self.size[0] * self.size[1]

    @property
    def formats(self) -> tuple[Format, Format]:
        """How activations and weights are written that a bit-serial array multiplies."""
        return Format.from_code(self.activation_format), Format.from_code(self.weight_format)

    def replace(self, **fields: int) -> Self:
        """Return a copy with other values in ``fields``."""
        return dataclasses.replace(self, **fields)  # type: ignore[arg-type]

    def to_words(self) -> NDArray[np.uint32]:
        """Return the twenty words of the descriptor."""
        words = [0] * (DESCRIPTOR_BYTES // 4)
        words[1] = MAGIC << 24
        for name, (word, low, bits, _) in FIELDS.items():
            words[word] |= (int(getattr(self, name)) & ((1 << bits) - 1)) << low
        return np.array(words, "<u4")

    @classmethod
    def from_words(cls, words: NDArray[np.uint32]) -> Self:
        """Read a descriptor."""
        plain = [int(word) for word in words]
        if len(plain) != DESCRIPTOR_BYTES // 4 or plain[1] >> 24 != MAGIC:
            raise UserError("there is no descriptor of a step here: its magic number is missing")
        fields: dict[str, int] = {}
        for name, (word, low, bits, signed) in FIELDS.items():
            value = plain[word] >> low & ((1 << bits) - 1)
            fields[name] = value - (1 << bits) if signed and value >> (bits - 1) else value
        if fields["mode"] not in tuple(Mode):
            raise UserError(f"mode of a step must be from 0 to 5, not {fields['mode']}")
        flags = {name: bool(fields[name]) for name in FLAGS}
        return cls(**fields | flags | {"mode": Mode(fields["mode"])})  # type: ignore[arg-type]


COUNTS = ("last_columns", "tiles", "pieces", "taps_x", "taps_y", "x", "y", "stride_x", "stride_y")
FLAGS = ("maximum", "to_sums", "add_to_sums", "parameters_per_tile", "scaled")
