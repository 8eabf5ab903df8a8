"""The Design: everything that fixes an accelerator before synthesis, with its limits."""

import dataclasses
import math
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..errors import UserError
from ..tools.untrusted import read_toml
from .boards import BOARDS, closest, presets
from .formats import GROUP
from .steps import ROUNDINGS

__all__ = ["SPARSE", "SYSTOLIC", "Design", "Integer"]

ENGINES = ("systolic", "bitserial", "sparse", "binary")
DATAFLOWS = ("ws", "os")
FAMILIES = ("generic", "ecp5", "ice40", "gowin")
LARGEST_SIDE = 64
LARGEST_DEPTH = 1 << 20
LARGEST_SUM = 64
DEPTH = 1024
"""Products in a sum of an output-stationary array, where nothing is said of it."""
LARGEST_MEMORY = 1 << 24
LARGEST_SUMS = 1 << 16
SIDES = 4, 32
"""Least and most rows and columns of an accelerator's array."""
BINARY_LANES = (1, 2, 4)
"""Lanes of the engine ``binary``, whose outputs are written together."""
LEAST_COLUMNS = 2
"""The least columns of a compact one."""
SPARSE = {"sparse_entries": 1 << 15, "sparse_columns": (1 << 16) - 2, "sparse_depth": 64}
"""Fields of a sparse engine, and the most that each may be."""
SYSTOLIC = ("depth", "accumulator", "dsps")
"""Fields that only a systolic array has, also that beside a sparse engine."""
AROUND_THE_ARRAY = ("activation_memory", "program_memory", "partial_sums", "lanes", "hard_lanes",
                    "line_pixels", "rounding", "steps", "compact", "sparse_entries",
                    "sparse_columns", "sparse_depth", "decompress")
"""Fields that say nothing of an array alone."""


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


@dataclass(frozen=True, kw_only=True)
class Design:
    """Everything that fixes an accelerator before synthesis.

    Checked when made: a :class:`UserError` names the first field that is wrong.

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
        Entries of compressed weights that each lane of a sparse engine holds; it has as many lanes
        as the array has columns.
    sparse_columns : int
        Columns of all compressed matrices together.
    sparse_depth : int
        Columns that may wait in front of each lane.
    decompress : bool
        Whether weights for which the program memory has no room may be packed there, and be
        unpacked before they are used.
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

    def __post_init__(self) -> None:
        """Check every field, in their order."""
        self._one_of("engine", ENGINES)
        if self.engine in ("bitserial", "binary"):
            self._check_bit_serial()
        self._check_sparse()
        self._one_of("dataflow", DATAFLOWS)
        self._within("rows", 1, LARGEST_SIDE)
        self._within("columns", 1, LARGEST_SIDE)
        Integer.parse(self.activations, "activations")
        Integer.parse(self.weights, "weights")
        self._within("depth", 1, LARGEST_DEPTH, optional=True)
        self._within("accumulator", 2, LARGEST_SUM, optional=True)
        serial = self.engine == "bitserial"  # which keeps so many pixels of each line
        self._within("lines", 0, math.isqrt(self.rows) if serial else self.rows)
        if self.lines and self.dataflow != "ws":
            raise UserError(f"lines must be 0 with dataflow 'os', not {self.lines}: only an array "
                            "whose weights stay has a depthwise path")
        self._one_of("family", FAMILIES)
        if self.family == "generic":
            for field in ("device", "dsps"):
                if getattr(self, field) is not None:
                    raise UserError(f"{field} must be left out for family 'generic', which is no "
                                    f"chip's, not {getattr(self, field)!r}")
        known = sorted({b.device for b in BOARDS.values() if b.family == self.family})
        if self.device not in (None, *known):
            raise UserError(f"device must be one of {', '.join(known)} for family "
                            f"{self.family!r}, or left out, not {self.device!r}")
        self._within("dsps", 0, self.device_products, optional=True)
        self._one_of("rounding", ROUNDINGS)
        self._within("steps", 0, LARGEST_SUMS)
        if not isinstance(self.compact, bool):
            raise UserError(f"compact must be true or false, not {self.compact!r}")
        if not isinstance(self.decompress, bool):
            raise UserError(f"decompress must be true or false, not {self.decompress!r}")
        self._within("activation_memory", 0, LARGEST_MEMORY)
        if self.activation_memory:
            self._check_accelerator()
            return
        for field in AROUND_THE_ARRAY:
            default = getattr(Design, field)
            if getattr(self, field) != default:
                raise UserError(f"{field} must be {default!r} without an activation_memory, which "
                                f"an accelerator needs, not {getattr(self, field)!r}")

    def _check_bit_serial(self) -> None:
        if not self.activation_memory:
            alone = ": its array alone is a unit, `hwgen sim bitserial`" \
                if self.engine == "bitserial" else ", of which its array is a part"
            raise UserError(f"activation_memory must be given with engine {self.engine!r}{alone}")
        for field in SYSTOLIC:
            default = getattr(Design, field)
            if getattr(self, field) != default:
                should = "left out" if default is None else repr(default)
                raise UserError(f"{field} must be {should} with engine {self.engine!r}, not "
                                f"{getattr(self, field)!r}: only a systolic array has it")

    def _check_binary(self) -> None:
        for field, only, why in (("compact", False, "it has an accelerator of its own"),
                                 ("lines", 0, "its columns take no pixels"),
                                 ("line_pixels", 0, "its columns take no pixels"),
                                 ("hard_lanes", 0, "its lanes do not multiply"),
                                 ("partial_sums", 1, "a column has one")):
            if getattr(self, field) != only:
                raise UserError(f"{field} must be {only!r} with engine 'binary', not "
                                f"{getattr(self, field)!r}: {why}")
        if self.lanes not in BINARY_LANES or self.columns % self.lanes:
            raise UserError(f"lanes must be 1, 2 or 4 with engine 'binary', and divide the "
                            f"{self.columns} columns, not {self.lanes}")
        for field, most in (("activation_memory", self.activation_memory),
                            ("program_memory", self.program_words)):
            if most > LARGEST_SUMS:
                raise UserError(f"{field} must be at most {LARGEST_SUMS} "
                                f"{'bytes' if field[0] == 'a' else 'words'} with engine 'binary', "
                                f"whose descriptors have 16 bits for an address, not {most}")

    def _check_sparse(self) -> None:
        if self.engine == "sparse" and not self.activation_memory:
            raise UserError("activation_memory must be given with engine 'sparse': the engine "
                            "alone is a unit, `hwgen sim sparse`")
        for field, most in SPARSE.items():
            if self.engine == "sparse":
                self._within(field, 1, most)
            elif getattr(self, field) != 0:
                raise UserError(f"{field} must be 0 without engine 'sparse', not "
                                f"{getattr(self, field)!r}")

    def _check_accelerator(self) -> None:
        if self.compact and self.engine == "sparse":
            raise UserError("compact must be left out with engine 'sparse', not true: a compact "
                            "accelerator has an array alone")
        if self.decompress and (self.compact or self.engine != "systolic"):
            what = "a compact accelerator" if self.compact else f"engine {self.engine!r}"
            raise UserError(f"decompress must be false with {what}, not true: weights are unpacked "
                            "for a systolic array alone")
        for field, only in (("dataflow", "ws"), ("activations", "int8"), ("weights", "int8")):
            if getattr(self, field) != only:
                raise UserError(f"{field} must be {only!r} with an activation_memory, as every "
                                f"accelerator's, not {getattr(self, field)!r}")
        for field in ("rows", "columns"):
            low, high = SIDES
            if self.engine == "binary" and field == "rows":
                high = GROUP
            if self.compact and field == "columns":
                low = LEAST_COLUMNS
            if not low <= getattr(self, field) <= high:
                raise UserError(f"{field} must be from {low} to {high} with an activation_memory, "
                                f"not {getattr(self, field)}")
        if self.activation_memory % self.banks:
            raise UserError(f"activation_memory must be a multiple of {self.banks}, the number of "
                            f"its banks, not {self.activation_memory}")
        self._within("program_memory", self.columns, LARGEST_MEMORY)
        least = 1 if self.compact or self.engine == "binary" else 4
        self._within("partial_sums", least, LARGEST_SUMS)
        self._within("lanes", 1, self.columns)
        most = self.device_products // self.lane_products if self.device else 0
        self._within("hard_lanes", 0, min(self.lanes, most))
        self._within("dsps", 0, self.array_products, optional=True)
        self._within("line_pixels", 4 if self.lines > 1 else 0, LARGEST_SUMS)
        if self.engine == "binary":
            self._check_binary()
        for field in ("lines", "lanes"):
            if self.compact and getattr(self, field) > 1:
                raise UserError(f"{field} must be at most 1 in a compact accelerator, "
                                f"not {getattr(self, field)}")
        if self.compact and self.engine == "bitserial" and self.lines:
            raise UserError(f"lines must be 0 in a compact accelerator with engine 'bitserial', "
                            f"not {self.lines}: its columns take no pixels of their own")

    def _one_of(self, field: str, known: tuple[str, ...]) -> None:
        value = getattr(self, field)
        if value not in known:
            raise UserError(f"{field} must be one of {', '.join(known)}, not {value!r}"
                            f"{closest(str(value), known)}")

    def _within(self, field: str, low: int, high: int, *, optional: bool = False) -> None:
        value = getattr(self, field)
        if value is None and optional:
            return
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise UserError(f"{field} must be an integer from {low} to {high}, not {value!r}")

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
    def array_products(self) -> int:
        """Products a cycle that the lanes leave of the device's hard multipliers."""
        sparse = self.columns if self.engine == "sparse" else 0
        return max(self.device_products - self.hard_lanes * self.lane_products - sparse, 0)

    @property
    def hard_multipliers(self) -> int:
        """How many cells use a hard multiplier."""
        if self.family == "generic" or self.engine in ("bitserial", "binary"):
            return 0
        return min(self.rows * self.columns,
                   self.array_products if self.dsps is None else self.dsps)

    @property
    def banks(self) -> int:
        """Banks of the activation memory: a power of two, no fewer than rows or columns; of the
        engine ``binary`` than rows.
        """
        columns = 0 if self.engine == "binary" else self.columns
        return 1 << (max(self.rows, columns) - 1).bit_length()

    @property
    def program_words(self) -> int:
        """Words of the program memory, a byte for each column; what is left over is not there."""
        return self.program_memory // self.columns

    @property
    def array_alone(self) -> Self:
        """The same array without an accelerator around it."""
        engine = "systolic" if self.engine == "sparse" else self.engine
        around = {name: getattr(Design, name) for name in AROUND_THE_ARRAY}
        return self.replace(**around, engine=engine)

    @property
    def fingerprint(self) -> int:
        """32 bits that tell accelerators apart: a Program for one does not run on another."""
        return zlib.crc32(self.to_toml().encode())

    @property
    def name(self) -> str:
        """A name that tells designs apart, for files and folders."""
        parts = [self.engine, self.dataflow, f"{self.rows}x{self.columns}", self.activations,
                 self.weights]
        for field in ("depth", "accumulator", "lines", "device", "dsps"):
            value = getattr(self, field)
            if value not in (None, 0) or (field == "dsps" and value == 0):
                parts.append(f"{field}{value}" if isinstance(value, int) else value.lower())
        if self.family != "generic" and self.device is None:
            parts.append(self.family)
        if self.activation_memory:
            parts += [f"memory{self.activation_memory}", f"program{self.program_memory}",
                      f"sums{self.partial_sums}", f"lanes{self.lanes}", self.rounding]
            parts += [f"hard{self.hard_lanes}"] * (self.hard_lanes > 0)
            parts += [f"pixels{self.line_pixels}"] * (self.line_pixels > 0)
            parts += ["compact"] * self.compact + ["decompress"] * self.decompress
        if self.engine == "sparse":
            parts += [f"{field.removeprefix('sparse_')}{getattr(self, field)}" for field in SPARSE]
        return "_".join(parts)

    def replace(self, **fields: Any) -> Self:
        """Return a copy with other values in ``fields``."""
        return type(self).from_dict(dataclasses.asdict(self) | fields)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a Design of plain data, as from TOML."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UserError(f"a Design has no field {name!r}{closest(str(name), known)}")
        return cls(**values)

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
            if value is True:
                lines.append(f"{field.name} = true")
            elif value is not None and value is not False:
                lines.append(f'{field.name} = "{value}"' if isinstance(value, str)
                             else f"{field.name} = {value}")
        return "\n".join(lines) + "\n"
