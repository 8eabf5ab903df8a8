"""The checks of a Design: the limits of its fields, and which of them go together.

Each is one sentence that names the first field that is wrong.
"""

import math
from typing import TYPE_CHECKING

from ..errors import UserError, check_choice
from .boards import BOARDS
from .codes import PROTECTIONS
from .companions import check_companions
from .external import LARGEST_RING, LEAST_RING, External
from .formats import GROUP, Integer
from .lstm import MOST_CELLS
from .steps import ROUNDINGS

if TYPE_CHECKING:
    from .design import Design

__all__ = ["ACCELERATOR", "AROUND_THE_ARRAY", "BINARY", "BINARY_LANES", "FAMILIES",
           "LARGEST_MEMORY", "LARGEST_SUMS", "LEAST_COLUMNS", "MOST_TABLES", "PACKED", "SIDES",
           "SPARSE", "SYSTOLIC", "WIDE_ROWS", "check"]

ENGINES = ("systolic", "bitserial", "sparse", "binary")
DATAFLOWS = ("ws", "os")
FAMILIES = ("generic", "ecp5", "ice40", "gowin")
LARGEST_SIDE = 64
LARGEST_DEPTH = 1 << 20
LARGEST_SUM = 64
LARGEST_MEMORY = 1 << 24
LARGEST_SUMS = 1 << 16
SIDES = 4, 32
"""Least and most rows and columns of an accelerator's array."""
BINARY_LANES = (1, 2, 4)
"""Lanes of the engine ``binary``, whose outputs are written together."""
ACCELERATOR = {"dataflow": "ws", "activations": "int8", "weights": "int8"}
"""What fields of its array are in every accelerator."""
BINARY = {"compact": (False, "it has an accelerator of its own"),
          "lines": (0, "its columns take no pixels"),
          "line_pixels": (0, "its columns take no pixels"),
          "hard_lanes": (0, "its lanes do not multiply"),
          "partial_sums": (1, "a column has one"),
          "tables": (0, "its lanes hold none"),
          "softmax": (False, "its steps are of one kind"),
          "matmul": (False, "its weights have one bit"),
          "lstm": (0, "its steps are of one kind"),
          "products": (False, "its lanes do not multiply")}
"""What fields are with the engine ``binary``, and why."""
LEAST_COLUMNS = 2
"""The least columns of a compact one."""
PACKED = {"dataflow": ("ws",), "activations": ("int8",), "weights": ("int8",),
          "family": ("generic", "ecp5"), "compact": (False,)}
"""What fields of an array with packed rows may be."""
WIDE_ROWS = 16, 32
"""How many of them there may be: a word of so many has room for the parameters of a tile."""
MOST_TABLES = 7
"""That lanes hold: a descriptor has three bits for which one, or none."""
SPARSE = {"sparse_entries": 1 << 15, "sparse_columns": (1 << 16) - 2, "sparse_depth": 64}
"""Fields of a sparse engine, and the most that each may be."""
SYSTOLIC = ("depth", "accumulator", "dsps", "packed_rows")
"""Fields that only a systolic array has, also that beside a sparse engine."""
AROUND_THE_ARRAY = ("activation_memory", "program_memory", "partial_sums", "lanes", "hard_lanes",
                    "line_pixels", "rounding", "steps", "compact", "sparse_entries",
                    "sparse_columns", "sparse_depth", "decompress", "wide_rows", "kept_vectors",
                     "external", "tables", "softmax", "matmul", "lstm", "products", "int4_weights",
                     "program_crc", "protect")
"""Fields that say nothing of an array alone."""


def check(design: "Design") -> None:
    """Check every field, in their order: a UserError says which one is wrong first."""
    one_of(design, "engine", ENGINES)
    if design.engine in ("bitserial", "binary"):
        check_bit_serial(design)
    check_sparse(design)
    one_of(design, "dataflow", DATAFLOWS)
    within(design, "rows", 1, LARGEST_SIDE)
    within(design, "columns", 1, LARGEST_SIDE)
    Integer.parse(design.activations, "activations")
    Integer.parse(design.weights, "weights")
    within(design, "depth", 1, LARGEST_DEPTH, optional=True)
    within(design, "accumulator", 2, LARGEST_SUM, optional=True)
    within(design, "packed_rows", 0, design.rows if design.columns > 1 else 0)
    serial = design.engine == "bitserial"  # which keeps so many pixels of each line
    within(design, "lines", 0, math.isqrt(design.rows) if serial
           else design.rows - design.packed_rows)
    if design.lines and design.dataflow != "ws":
        raise UserError(f"lines must be 0 with dataflow 'os', not {design.lines}: only an array "
                        "whose weights stay has a depthwise path")
    one_of(design, "family", FAMILIES)
    if design.family == "generic":
        for field in ("device", "dsps"):
            only(design, field, None, "for family 'generic', which is no chip's")
    known = sorted({b.device for b in BOARDS.values() if b.family == design.family})
    if design.device not in (None, *known):
        raise UserError(f"device must be one of {', '.join(known)} for family "
                        f"{design.family!r}, or left out, not {design.device!r}")
    check_packed(design)
    check_dsps(design, design.device_products)
    one_of(design, "rounding", ROUNDINGS)
    within(design, "steps", 0, LARGEST_SUMS)
    for field in ("compact", "decompress", "softmax", "matmul", "products", "int4_weights",
                  "program_crc"):
        if not isinstance(getattr(design, field), bool):
            raise UserError(f"{field} must be true or false, not {getattr(design, field)!r}")
    within(design, "lstm", 0, MOST_CELLS)
    one_of(design, "protect", PROTECTIONS)
    check_wide(design)
    within(design, "activation_memory", 0, LARGEST_MEMORY)
    if design.activation_memory:
        check_accelerator(design)
        return
    for field in AROUND_THE_ARRAY:
        only(design, field, getattr(type(design), field),
             "without an activation_memory, which an accelerator needs")


def check_bit_serial(design: "Design") -> None:
    """Check what engines without multipliers need, and what they do not have."""
    if not design.activation_memory:
        alone = ": its array alone is a unit, `hwgen sim bitserial`" \
            if design.engine == "bitserial" else ", of which its array is a part"
        raise UserError(f"activation_memory must be given with engine {design.engine!r}{alone}")
    for field in SYSTOLIC:
        only(design, field, getattr(type(design), field), f"with engine {design.engine!r}",
             ": only a systolic array has it")


def check_packed(design: "Design") -> None:
    """Check what goes with packed rows."""
    for field, known in PACKED.items():
        if design.packed_rows and getattr(design, field) not in known:
            raise UserError(f"packed_rows must be 0 with {field} {getattr(design, field)!r}, not "
                            f"{design.packed_rows}: cells share DSP blocks of an ECP5, for int8, "
                            "in a fast array whose weights stay")


def check_dsps(design: "Design", products: int) -> None:
    """Check the hard multipliers of the cells against those that there are."""
    pairs = design.packed_pairs
    if design.family != "generic" and pairs > products:
        raise UserError(f"packed_rows must be at most {products // (design.columns // 2)}, as "
                        f"there are {products} DSP blocks and each row of pairs takes "
                        f"{design.columns // 2}, not {design.packed_rows}")
    within(design, "dsps", 2 * pairs, products + pairs, optional=True)


def check_binary(design: "Design") -> None:
    """Check the accelerator of the engine ``binary``."""
    for field, (value, why) in BINARY.items():
        only(design, field, value, "with engine 'binary'", f": {why}")
    if design.lanes not in BINARY_LANES or design.columns % design.lanes:
        raise UserError(f"lanes must be 1, 2 or 4 with engine 'binary', and divide the "
                        f"{design.columns} columns, not {design.lanes}")
    for field, most in (("activation_memory", design.activation_memory),
                        ("program_memory", design.program_words)):
        if most > LARGEST_SUMS:
            raise UserError(f"{field} must be at most {LARGEST_SUMS} "
                            f"{'bytes' if field[0] == 'a' else 'words'} with engine 'binary', "
                            f"whose descriptors have 16 bits for an address, not {most}")


def check_wide(design: "Design") -> None:
    """Check what goes with wide rows."""
    rows = design.wide_rows
    if not rows:
        within(design, "wide_rows", 0, 0)
        return
    if type(rows) is not int or rows not in WIDE_ROWS:
        raise UserError(f"wide_rows must be 0, {' or '.join(map(str, WIDE_ROWS))}, not {rows!r}")
    check_companions(design, "wide_rows")
    if design.columns % 2:
        raise UserError(f"columns must be even with wide_rows, as two share a multiplier, not "
                        f"{design.columns}")
    if design.program_words % rows or design.program_memory % design.columns:
        raise UserError(f"program_memory must be a multiple of {rows * design.columns} with "
                        f"wide_rows {rows}, not {design.program_memory}")
    if design.family != "generic" and design.wide_multipliers > design.device_products:
        raise UserError(f"wide_rows must be 0 with {design.columns} columns: they would take "
                        f"{design.wide_multipliers} DSP blocks, and there are "
                        f"{design.device_products}")


def check_sparse(design: "Design") -> None:
    """Check the fields of a sparse engine."""
    if design.engine == "sparse" and not design.activation_memory:
        raise UserError("activation_memory must be given with engine 'sparse': the engine "
                        "alone is a unit, `hwgen sim sparse`")
    for field, most in SPARSE.items():
        if design.engine == "sparse":
            within(design, field, 1, most)
        else:
            only(design, field, 0, "without engine 'sparse'")


def check_accelerator(design: "Design") -> None:
    """Check the fields of what is around the array."""
    if design.compact and design.engine == "sparse":
        raise UserError("compact must be left out with engine 'sparse', not true: a compact "
                        "accelerator has an array alone")
    if design.decompress and (design.compact or design.parts[0] != "systolic"):
        what = "a compact accelerator" if design.compact else f"engine {design.engine!r}"
        raise UserError(f"decompress must be false with {what}, not true: weights are unpacked "
                        "for a systolic array alone")
    for field, value in ACCELERATOR.items():
        only(design, field, value, "with an activation_memory, as every accelerator's")
    within(design, "kept_vectors", 0, LARGEST_SUMS)
    within(design, "tables", 0, MOST_TABLES)
    check_companions(design, "kept_vectors", "matmul", "lstm", "int4_weights", "program_crc",
                     "protect")
    for field in ("rows", "columns"):
        low, high = SIDES
        if design.engine == "binary" and field == "rows":
            high = GROUP
        if design.compact and field == "columns":
            low = LEAST_COLUMNS
        if not low <= getattr(design, field) <= high:
            raise UserError(f"{field} must be from {low} to {high} with an activation_memory, "
                            f"not {getattr(design, field)}")
    if design.activation_memory % design.banks:
        raise UserError(f"activation_memory must be a multiple of {design.banks}, the number of "
                        f"its banks, not {design.activation_memory}")
    within(design, "program_memory", design.columns, LARGEST_MEMORY)
    least = 1 if design.compact or design.engine == "binary" else 4
    within(design, "partial_sums", least, LARGEST_SUMS)
    within(design, "lanes", 1, design.columns)
    left = design.device_products - design.wide_multipliers
    most = left // design.lane_products - design.softmax if design.device else 0
    within(design, "hard_lanes", 0, max(min(design.lanes, most), 0))
    check_dsps(design, design.array_products)
    within(design, "line_pixels", 4 if design.lines > 1 else 0, LARGEST_SUMS)
    if design.engine == "binary":
        check_binary(design)
    check_external(design)
    for field in ("lines", "lanes"):
        if design.compact and getattr(design, field) > 1:
            raise UserError(f"{field} must be at most 1 in a compact accelerator, "
                            f"not {getattr(design, field)}")
    if design.compact and design.engine == "bitserial" and design.lines:
        raise UserError(f"lines must be 0 in a compact accelerator with engine 'bitserial', "
                        f"not {design.lines}: its columns take no pixels of their own")


def check_external(design: "Design") -> None:
    """Check what goes with external memory."""
    if design.external is None:
        return
    if not isinstance(design.external, str):
        raise UserError("external must be a memory chip and its clock in MHz, such as "
                        f"IS42S16160@110, not {design.external!r}")
    External.parse(design.external)
    check_companions(design, "external")
    columns, ring = design.columns, design.program_memory
    if columns & columns - 1:
        raise UserError("columns must be a power of two with external memory, as a page has whole "
                        f"words, not {columns}")
    if ring & ring - 1 or not LEAST_RING <= ring <= LARGEST_RING:
        raise UserError(f"program_memory must be a power of two from {LEAST_RING} to "
                        f"{LARGEST_RING} with external memory, for which it is a ring, not {ring}")


def only(design: "Design", field: str, wanted: object, where: str, why: str = "") -> None:
    """Check that a field has the only value that it may have there."""
    value = getattr(design, field)
    if value != wanted:
        must = "left out" if wanted is None else repr(wanted)
        raise UserError(f"{field} must be {must} {where}, not {value!r}{why}")


def one_of(design: "Design", field: str, known: tuple[str, ...]) -> None:
    """Check that a field is one of the known names."""
    check_choice(field, getattr(design, field), known)


def within(design: "Design", field: str, low: int, high: int, *, optional: bool = False) -> None:
    """Check that a field is an integer between limits, or, where that is ``optional``, None."""
    value = getattr(design, field)
    if value is None and optional:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UserError(f"{field} must be an integer from {low} to {high}, not {value!r}")
