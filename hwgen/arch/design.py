"""The Design: everything that fixes an accelerator before synthesis."""

import dataclasses
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..errors import UserError, closest
from ..text import ShownFields
from ..tools.untrusted import read_toml
from .boards import BOARDS, presets
from .design_checks import (
    AROUND_THE_ARRAY,
    BINARY_LANES,
    FAMILIES,
    LARGEST_MEMORY,
    LEAST_COLUMNS,
    MOST_TABLES,
    SIDES,
    SPARSE,
    SYSTOLIC,
    WIDE_ROWS,
    check,
)
from .external import External
from .formats import Integer
from .names import name_of

__all__ = ["BINARY_LANES", "FAMILIES", "LARGEST_MEMORY", "LEAST_COLUMNS", "MOST_TABLES", "SIDES",
           "SPARSE", "SYSTOLIC", "WIDE_ROWS", "Design", "Integer"]

OPTIONAL = "packed_rows", "wide_rows", "kept_vectors", "tables", "lstm", "protect"
"""Fields that are left out where they are 0, or none: other Designs keep their fingerprints."""
DEPTH = 1024
"""Products in a sum of an output-stationary array, where nothing is said of it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Design(ShownFields):
    """Everything that fixes an accelerator before synthesis.

    Checked when made: a :class:`UserError` names the first field that is wrong. ``Design.load``
    takes a preset's name or a TOML file; ``Design.presets()`` has the presets.

    >>> hwgen.Design.load("icebreaker:sixteen").replace(lanes=1).lanes
    1
    >>> hwgen.Design(row=4)
    Traceback (most recent call last):
    hwgen.errors.UserError: a Design has no field 'row'; did you mean 'rows'?

    Parameters
    ----------
    engine : str
        What multiplies: ``systolic``, an array of multipliers, or, in an accelerator,
        ``bitserial``, one of gates that takes a cycle for each pair of a bit and a bit, or
        ``sparse``, a systolic array and an engine for weights that are mostly 0 beside it, or
        ``binary``, an accelerator for fully connected layers of numbers that are -1 or 1.
    dataflow : str
        ``ws``, weights stay in the cells, or ``os``, sums do.
    rows, columns : int
        Size of the array, each 1 to 64.
    activations, weights : str
        Types of the operands, ``int2`` to ``int16`` or ``uint2`` to ``uint16``.
    depth : int or None
        How many products a sum must hold without overflow. None: as many as there are rows when
        weights stay, 1024 when sums do.
    accumulator : int or None
        Width of a sum, where ``depth`` shall not decide; a narrower sum wraps.
    lines : int
        Pixels that a column takes in a cycle of a depthwise tile; 0 leaves that path out. Of a
        bit-serial array their square is no more than its rows.
    family : str
        FPGA family to make multipliers for: ``generic`` (portable Verilog), ``ecp5``, ``ice40`` or
        ``gowin``.
    device : str or None
        Chip, if its limits and floor plan shall be used.
    dsps : int or None
        How many cells may use a hard multiplier; the others use fabric. None: all that the device
        has, or every cell where no device is named.
    packed_rows : int
        How many rows, the last ones, have cells that share a DSP block two by two, of an array of
        int8 whose weights stay. No line reaches these rows.
    activation_memory : int
        Bytes for the tensors of a network. 0: the array alone, without an accelerator around it,
        and none of the fields below.
    program_memory : int
        Bytes for the steps of a network and its weights, in words of ``columns`` bytes.
    partial_sums : int
        How many vectors of sums the accumulators hold.
    lanes : int
        How many columns are requantised in a cycle, 1 to ``columns``.
    hard_lanes : int
        How many of the lanes multiply in DSP blocks, four products of 16 by 16 bits each, which the
        array then lacks; the others multiply in fabric.
    line_pixels : int
        Longest row of an image that the line buffer holds; needed with more than one of ``lines``.
    rounding : str
        How sums are requantised: ``tflm`` rounds twice, as TensorFlow Lite Micro does; ``single``
        rounds once, halves up, and ``even`` once, halves to even.
    steps : int
        How many steps have a counter of their cycles.
    compact : bool
        Whether the accelerator shall be small rather than fast: without the registers that only a
        fast clock needs, on an array without waves, and with one lane.
    sparse_entries : int
        Entries of compressed weights in each lane of a sparse engine, which has a lane a column.
    sparse_columns : int
        Columns of all compressed matrices together.
    sparse_depth : int
        Columns that may wait in front of each lane.
    decompress : bool
        Whether weights without room in the program memory may be packed there.
    wide_rows : int
        Words of the program memory, a byte for each column, that fully connected layers read at
        once, with as many multipliers of their own: 0, or one of :data:`WIDE_ROWS`.
    kept_vectors : int
        How many vectors of a convolution's output the lanes can keep for the ADD behind it, which
        then reads nothing but its other input. 0: each ADD reads both.
    external : str or None
        Memory chip from which steps and weights stream into the program memory, a ring then, and
        the clock of both in MHz, such as ``IS42S16160@110``.
    tables : int
        Tables of 256 bytes in the lanes, for functions of one byte: 0 to :data:`MOST_TABLES`.
    matmul : bool
        Whether it multiplies two tensors, one of which it loads as weights.
    softmax : bool
        Whether it computes a SOFTMAX that other layers read, in DSP blocks if a lane has some.
    lstm : int
        Cells, or inputs of each, that an LSTM may have, up to 4096; 0: it computes none.
    products : bool
        Whether the lanes multiply two numbers that are computed, as in a MUL of two tensors.
    int4_weights : bool
        Whether cells multiply two weights of 4 bits, in steps of layers whose weights have no more.
    program_crc : bool
        Whether the hardware checks the CRC of each step's descriptor, weights and parameters.
    protect : str
        Check bits in activation and program memory: ``none``, ``parity``, or ``ecc``, that correct.
    """

    engine: str = "systolic"
    dataflow: str = "ws"
    rows: int = 8
    columns: int = 8
    activations: str = "int8"
    weights: str = "int8"
    depth: int | None = None
    accumulator: int | None = None
    lines: int = 0
    family: str = "generic"
    device: str | None = None
    dsps: int | None = None
    packed_rows: int = 0
    activation_memory: int = 0
    program_memory: int = 0
    partial_sums: int = 0
    lanes: int = 0
    hard_lanes: int = 0
    line_pixels: int = 0
    rounding: str = "tflm"
    steps: int = 256
    compact: bool = False
    sparse_entries: int = 0
    sparse_columns: int = 0
    sparse_depth: int = 0
    decompress: bool = False
    wide_rows: int = 0
    kept_vectors: int = 0
    external: str | None = None
    tables: int = 0
    softmax: bool = False
    lstm: int = 0
    matmul: bool = False
    products: bool = False
    int4_weights: bool = False
    program_crc: bool = False
    protect: str = "none"

    def __new__(cls, **fields: Any) -> Self:
        """Refuse what is no field."""
        for name in fields:
            if name not in cls.__dataclass_fields__:
                raise UserError(f"a Design has no field {name!r}"
                                f"{closest(name, cls.__dataclass_fields__)}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Check every field."""
        check(self)

    @property
    def activation(self) -> Integer:
        """Type of an activation."""
        return Integer.parse(self.activations, "activations")

    @property
    def weight(self) -> Integer:
        """Type of a weight."""
        return Integer.parse(self.weights, "weights")

    @property
    def terms(self) -> int:
        """How many products a sum holds without overflow, unless ``accumulator`` is narrower."""
        return self.depth or (self.rows if self.dataflow == "ws" else DEPTH)

    @property
    def device_products(self) -> int:
        """Products a cycle of the device's hard multipliers; every cell's if none is named."""
        cells = self.rows * self.columns
        board = next((b for b in BOARDS.values() if b.device == self.device), None)
        if board is None:
            return cells
        width = max(self.activation.width, self.weight.width)
        return {
            "MULT18X18D": board.multipliers,
            "SB_MAC16": board.multipliers * (2 if width <= 8 else 1),
            "MULT9X9": board.multipliers // (1 if width <= 8 else 2),
        }.get(board.multiplier, 0)

    @property
    def lane_products(self) -> int:
        """Products of the array that the DSP blocks of a lane would give."""
        return 4 * {"ice40": 2, "gowin": 2}.get(self.family, 1)

    @property
    def wide_multipliers(self) -> int:
        """Hard multipliers of wide steps: two columns share each."""
        return self.wide_rows * (self.columns // 2)

    @property
    def array_products(self) -> int:
        """Products a cycle that the lanes leave of the device's hard multipliers."""
        sparse = self.columns if self.engine == "sparse" else 0
        hard = self.hard_lanes + (self.softmax and self.hard_lanes > 0)
        others = hard * self.lane_products + sparse + self.wide_multipliers
        return max(self.device_products - others, 0)

    @property
    def single_rows(self) -> int:
        """Rows whose cells share no multiplier; lines are dealt out to them."""
        return self.rows - self.packed_rows

    @property
    def packed_pairs(self) -> int:
        """How many hard multipliers two cells share."""
        return self.packed_rows * (self.columns // 2)

    @property
    def hard_multipliers(self) -> int:
        """How many cells use a hard multiplier, shared or not."""
        if self.family == "generic" or self.engine in ("bitserial", "binary"):
            return 0
        return min(self.rows * self.columns, self.array_products + self.packed_pairs
                   if self.dsps is None else self.dsps)

    @property
    def banks(self) -> int:
        """Banks of the activation memory, a power of two: no fewer than (wide) rows or columns."""
        columns = 0 if self.engine == "binary" else self.columns
        return 1 << (max(self.rows, columns, self.wide_rows) - 1).bit_length()

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its accelerator, the array first, by their names in ``arch/parts.py``."""
        array = "systolic" if self.engine == "sparse" else self.engine
        there = {"sparse": self.engine == "sparse", "unpack": self.decompress,
                 "wide": self.wide_rows, "table": self.tables, "softmax": self.softmax,
                 "matmul": self.matmul, "lstm": self.lstm, "product": self.products,
                 "int4": self.int4_weights, "keeping": self.kept_vectors, "stream": self.external,
                 "crc": self.program_crc, self.protect: self.protect != "none"}
        return array, *(name for name, chosen in there.items() if chosen)

    @property
    def program_words(self) -> int:
        """Words of the program memory, a byte for each column; what is left over is not there."""
        return self.program_memory // self.columns

    @property
    def chip(self) -> External | None:
        """The memory chip that its program streams from."""
        return External.parse(self.external) if self.external else None

    @property
    def array_alone(self) -> Self:
        """The same array without an accelerator around it."""
        around = {name: getattr(Design, name) for name in AROUND_THE_ARRAY}
        return self.replace(**around, engine=self.parts[0])

    @property
    def fingerprint(self) -> int:
        """32 bits that tell accelerators apart: a Program for one does not run on another."""
        return zlib.crc32(self.to_toml().encode())

    @property
    def name(self) -> str:
        """A name that tells designs apart, for files and folders."""
        return name_of(self)

    def replace(self, **fields: Any) -> Self:
        """Return a copy with other values in ``fields``."""
        return type(self).from_dict(dataclasses.asdict(self) | fields)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a Design of plain data, as from TOML."""
        return cls(**values)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Return the Designs that come with the boards, by their names."""
        return {name: cls.from_dict(fields) for name, fields in presets().items()}

    @classmethod
    def load(cls, source: str | Path) -> Self:
        """Return a board's preset by its name, or read a TOML file."""
        if isinstance(source, str) and source in BOARDS:  # so that no other board has to be right
            return cls.from_dict(BOARDS[source].design)
        path = Path(source)
        if path.suffix != ".toml" and not os.path.exists(path):  # of any length
            known = presets()
            if source in known:
                return cls.from_dict(known[str(source)])
            raise UserError(f"there is no preset and no file {str(source)!r}; the presets are "
                            f"{', '.join(sorted(known))}{closest(str(source), known)}")
        values = read_toml(path)
        try:
            return cls.from_dict(values)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error

    def to_toml(self) -> str:
        """Return the TOML from which :meth:`load` makes an equal Design."""
        lines = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not self.activation_memory and field.name in AROUND_THE_ARRAY:
                continue
            if field.name in SPARSE and self.engine != "sparse":
                continue
            if field.name in OPTIONAL and value in (0, "none"):
                continue
            if value is True:
                lines.append(f"{field.name} = true")
            elif value is not None and value is not False:
                lines.append(f'{field.name} = "{value}"' if isinstance(value, str)
                             else f"{field.name} = {value}")
        return "\n".join(lines) + "\n"
