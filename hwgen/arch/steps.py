"""A step of the accelerator, and its descriptor: docs/accelerator.md has what every field means.

Compiler, golden model and cost model share this file, and the formats of numbers that it names.
"""

import dataclasses
from dataclasses import MISSING, dataclass
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .bit_fields import MAGIC, Place, limits, pack, unpack
from .formats import Format

__all__ = ["DESCRIPTOR_BYTES", "INDEX_BITS", "LONGEST_ROW", "PAIRS", "PARAMETER_WORDS",
           "POWER_BYTES", "ROUNDINGS", "SLOTS", "WAITING", "TABLE_BYTES", "Mode", "Step",
           "descriptor_words", "lines_of_rows", "power_words", "table_words"]

DESCRIPTOR_BYTES = 80
PAIRS = 0b11011
"""Format of weights in steps of mode MATRIX, each byte of which has two of 4 bits with a sign."""
PARAMETER_WORDS = 9
"""Words of the program memory that the parameters of a column tile take."""
SLOTS = 64
"""Rows of a matrix that a lane of the sparse engine has sums for."""
INDEX_BITS = 4
"""Of the entries of compressed weights in an accelerator."""
TABLE_BYTES = 256
"""Of a table, which has one for each byte: those of 0 to 127 first, then of -128 to -1."""
POWER_BYTES = 1024
"""Of the powers of e of a step of mode SOFTMAX: four for each distance of a byte from another."""
LONGEST_ROW = 4095
"""Bytes of a row of such a step, whose sum of powers has 31 bits then."""
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
    WIDE = 6
    TABLE = 7
    SOFTMAX = 8
    LOAD = 9
    LSTM = 10


def descriptor_words(columns: int, more: int = 0) -> int:
    """Return how many words of the program memory, ``columns`` bytes each, a descriptor takes.

    It may have so many bytes ``more`` behind its fields.
    """
    return -(-(DESCRIPTOR_BYTES + more) // columns)


def table_words(columns: int) -> int:
    """Return how many words of the program memory, ``columns`` bytes each, a table takes."""
    return -(-TABLE_BYTES // columns)


def power_words(columns: int) -> int:
    """Return how many words of the program memory, ``columns`` bytes each, powers of e take."""
    return -(-POWER_BYTES // columns)


def lines_of_rows(engine: str, rows: int, lines: int) -> list[int]:
    """Return which line's pixels each row of an array multiplies in a depthwise step.

    A bit-serial array keeps as many pixels of a line as it has lines, and no more.
    """
    if engine == "bitserial":
        return [row // lines for row in range(lines * lines)]
    return [row * lines // rows for row in range(rows)]


def at(word: int, low: int, bits: int, default: Any = 0, *, signed: bool = False,
       least: int | None = None) -> Any:
    """Return a field of a step with its place in the descriptor: a word, and bits of it."""
    lowest, highest = limits(bits, signed)
    within = lowest if least is None else least, highest
    return dataclasses.field(default=default, metadata={
        "place": (word, low, bits, signed), "limits": within})


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step, with the fields of its descriptor.

    The names in docs/accelerator.md: K0 is ``pieces``, K1 ``taps_x``, K2 ``taps_y``, X and Y are
    ``x`` and ``y``, C the columns of the array. The formats are codes of
    :class:`hwgen.arch.formats.Format`; the systolic array has no use for them. ``slots`` and
    ``column`` are for the sparse engine alone, as is its mode. ``table`` is 0 where bytes are
    stored as they are. In mode SOFTMAX ``row_bytes`` are those of a row, of which there are X times
    Y. In a step of mode MATRIX whose weights were loaded, ``slots`` has the zero point of the
    activations in its lower byte, and in its upper one that of the weights; in one of mode LOAD, X
    are column tiles, and Y pieces. Of mode UNPACK the document has a table of its own.
    """

    mode: Mode = at(0, 0, 8, MISSING)
    maximum: bool = at(0, 8, 1, False)
    to_sums: bool = at(0, 9, 1, False)
    add_to_sums: bool = at(0, 10, 1, False)
    parameters_per_tile: bool = at(0, 11, 1, False)
    scaled: bool = at(0, 12, 1, False)
    kept: bool = at(0, 13, 1, False)
    joined: bool = at(0, 14, 1, False)
    overlaps: bool = at(0, 15, 1, False)
    last_columns: int = at(0, 16, 8, MISSING, least=1)
    pad: int = at(0, 24, 8, signed=True)
    zero_point: int = at(1, 0, 8, signed=True)
    low: int = at(1, 8, 8, -128, signed=True)
    high: int = at(1, 16, 8, 127, signed=True)
    tiles: int = at(2, 0, 16, 1, least=1)
    pieces: int = at(2, 16, 16, 1, least=1)
    taps_x: int = at(3, 0, 16, 1, least=1)
    taps_y: int = at(3, 16, 16, 1, least=1)
    x: int = at(4, 0, 16, 1, least=1)
    y: int = at(4, 16, 16, 1, least=1)
    prime_x: int = at(5, 0, 8)
    stride_x: int = at(5, 8, 8, 1, least=1)
    prime_y: int = at(5, 16, 8)
    stride_y: int = at(5, 24, 8, 1, least=1)
    program: int = at(6, 0, 32)
    base: int = at(7, 0, 32, signed=True)
    row0: int = at(8, 0, 16, signed=True)
    height: int = at(8, 16, 16, 1)
    offset: int = at(9, 0, 32, signed=True)
    row_bytes: int = at(10, 0, 32)
    x_step: int = at(11, 0, 16)
    row_step: int = at(11, 16, 16)
    row_step_bytes: int = at(12, 0, 32)
    piece_step: int = at(13, 0, 16)
    taps_x_step: int = at(13, 16, 16)
    tile_step: int = at(14, 0, 16)
    taps_y_step: int = at(14, 16, 16)
    taps_y_step_bytes: int = at(15, 0, 32)
    output: int = at(16, 0, 32)
    output_x_step: int = at(17, 0, 16)
    slots: int = at(17, 16, 16)
    output_row_step: int = at(18, 0, 32)
    activation_format: int = at(19, 0, 5)
    table: int = at(19, 5, 3)
    weight_format: int = at(19, 8, 5)
    again: bool = at(19, 13, 1, False)
    holds: bool = at(19, 14, 1, False)
    product: bool = at(19, 15, 1, False)
    column: int = at(19, 16, 16)

    def __post_init__(self) -> None:
        """Check that every field fits its bits, and that no count is 0."""
        for name, (low, high) in LIMITS.items():
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
        if self.mode == Mode.WIDE:  # all vectors of a pass are added up
            return 1, 1
        if self.mode != Mode.DEPTHWISE:
            return self.y, self.x
        return (len(range(self.prime_y, self.y, self.stride_y)),
                len(range(self.prime_x, self.x, self.stride_x)))

    @property
    def values(self) -> int:
        """Number of values of a pass."""
        return self.size[0] * self.size[1]

    @property
    def pairs(self) -> bool:
        """Whether it has two weights in each byte, where a Design knows such steps."""
        return self.mode == Mode.MATRIX and self.weight_format == PAIRS

    def tile_width(self, columns: int) -> int:
        """Return the values of a column tile on an array of so many columns."""
        return 2 * columns if self.pairs else columns

    @property
    def formats(self) -> tuple[Format, Format]:
        """How activations and weights are written that a bit-serial array multiplies."""
        return Format.from_code(self.activation_format), Format.from_code(self.weight_format)

    @property
    def zero_points(self) -> tuple[int, int]:
        """Those of activations and of weights, in a step whose weights were loaded."""
        low, high = ((value ^ 128) - 128 for value in (self.slots & 255, self.slots >> 8))
        return low, high

    def replace(self, **fields: int) -> Self:
        """Return a copy with other values in ``fields``."""
        return dataclasses.replace(self, **fields)  # type: ignore[arg-type]

    def to_words(self) -> NDArray[np.uint32]:
        """Return the twenty words of the descriptor."""
        data = pack(vars(self) | {"magic": MAGIC}, PLACES, DESCRIPTOR_BYTES)
        return np.frombuffer(bytearray(data), "<u4")

    @classmethod
    def from_words(cls, words: NDArray[np.uint32]) -> Self:
        """Read a descriptor."""
        fields = unpack(words.astype("<u4").tobytes(), PLACES, DESCRIPTOR_BYTES)
        if fields["mode"] not in tuple(Mode):
            raise UserError(f"mode of a step must be from 0 to {max(Mode)}, not {fields['mode']}")
        flags = {name: bool(fields[name]) for name, (*_, bits, _) in FIELDS.items() if bits == 1}
        return cls(**fields | flags | {"mode": Mode(fields["mode"])})  # type: ignore[arg-type]


LIMITS: dict[str, tuple[int, int]] = {
    field.name: field.metadata["limits"] for field in dataclasses.fields(Step)}
FIELDS: dict[str, tuple[int, int, int, bool]] = {
    field.name: field.metadata["place"] for field in dataclasses.fields(Step)}
"""Of each field: its word, its lowest bit, its bits, and whether it is signed."""
PLACES: dict[str, Place] = {"magic": (56, 8, False)} | {
    name: (32 * word + low, bits, signed) for name, (word, low, bits, signed) in FIELDS.items()}
"""The same within the whole descriptor, with the magic number."""
