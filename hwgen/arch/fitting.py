"""Fields of a Design that go with those that a user gave."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import UserError
from .boards import BOARDS
from .design import Design
from .design_checks import (
    ACCELERATOR,
    AROUND_THE_ARRAY,
    BINARY,
    BINARY_LANES,
    CHECKED,
    EXTERNAL,
    KEEPING,
    LARGEST_SUMS,
    LEAST_COLUMNS,
    LSTM,
    MATMUL,
    PACKED,
    SIDES,
    SPARSE,
    SYSTOLIC,
    WIDE,
    WIDE_ROWS,
)
from .external import LARGEST_RING, LEAST_RING
from .formats import GROUP
from .lstm import MOST_CELLS

__all__ = ["MISSING", "fitting"]

MISSING = {"activation_memory": 1 << 16, "program_memory": 1 << 16, "partial_sums": 64, "lanes": 4,
           "line_pixels": 512, "sparse_entries": 1024, "sparse_columns": 1024, "sparse_depth": 16}
"""What an accelerator of which nobody said more gets: enough for a small network."""


def fitting(values: Mapping[str, Any], fixed: Collection[str]) -> Design | None:
    """Return the Design nearest to ``values`` that there can be, or None where there is none.

    Those in ``fixed`` stay; of the others what is missing is put in, what is too large becomes as
    large as may be, and what does not exist beside the rest is left out.
    """
    v = Fields(values, fixed)
    for board in BOARDS.values():
        if board.device == v["device"]:
            v.put("family", board.family)
            if board.family != v["family"]:
                v.put("device", None)
    if v["family"] == "generic":
        v.put("device", None)
        v.put("dsps", None)
    accelerator = v["engine"] != "systolic" or any(
        v[field] != getattr(Design, field) for field in AROUND_THE_ARRAY)
    try:
        if accelerator:
            fit_accelerator(v)
        else:
            v.clamp("rows", 1)
            v.clamp("columns", 1)
            v.clamp("lines", 0, v["rows"] if v["dataflow"] == "ws" else 0)
        fit_multipliers(v)
        return Design(**v)
    except (UserError, TypeError):  # or a field is no number, of which Design tells
        return None


class Fields(dict[str, Any]):
    """The fields of a Design, of which some are ``fixed``."""

    def __init__(self, values: Mapping[str, Any], fixed: Collection[str]) -> None:
        super().__init__(values)
        self.fixed = fixed

    def put(self, field: str, value: object) -> None:
        """Set a field, unless it is fixed."""
        if field not in self.fixed:
            self[field] = value

    def clamp(self, field: str, low: int, high: int | None = None) -> None:
        """Bring a field that is not fixed between two numbers."""
        self.put(field, max(low, self[field] if high is None else min(self[field], high)))

    def need(self, field: str) -> None:
        """Give a field that is not there what will do."""
        if not self[field]:
            self.put(field, MISSING[field])


def fit_accelerator(v: Fields) -> None:
    """Fit everything but how many multipliers of the chip are used."""
    engine = v["engine"]
    for field, only in ACCELERATOR.items():
        v.put(field, only)
    if engine == "binary":
        for field, (value, _) in BINARY.items():
            v.put(field, value)
    if engine in ("bitserial", "binary"):
        for field in SYSTOLIC:
            v.put(field, getattr(Design, field))
    for field, most in SPARSE.items():
        if engine == "sparse":
            v.need(field)
            v.clamp(field, 1, most)
        else:
            v.put(field, 0)
    if engine == "sparse":
        v.put("compact", False)
    if engine not in ("systolic", "sparse") or v["compact"]:
        v.put("decompress", False)
    if any(v[field] not in known for field, known in WIDE.items()):
        v.put("wide_rows", 0)
    if v["wide_rows"]:
        v.put("wide_rows", next((rows for rows in WIDE_ROWS if rows >= v["wide_rows"]),
                                WIDE_ROWS[-1]))
    for part, nothing, known in (("matmul", False, MATMUL), ("lstm", 0, LSTM)):
        if any(v[field] not in values for field, values in known.items()):
            v.put(part, nothing)
    v.clamp("lstm", 0, MOST_CELLS)
    for field, without, table in (("kept_vectors", 0, KEEPING), ("external", None, EXTERNAL),
                                  ("program_crc", False, CHECKED)):
        if any(v[name] != only for name, only in table.items()):
            v.put(field, without)

    low, high = SIDES
    v.clamp("rows", low, GROUP if engine == "binary" else high)
    v.clamp("columns", LEAST_COLUMNS if v["compact"] else low, high)
    if v["wide_rows"]:
        v.put("columns", v["columns"] + v["columns"] % 2)
    if v["external"]:
        v.put("columns", 1 << max(v["columns"], 1).bit_length() - 1)
    serial = engine == "bitserial"
    v.clamp("lines", 0, math.isqrt(v["rows"]) if serial else v["rows"])
    if v["compact"]:
        v.clamp("lines", 0, 0 if serial else 1)
    if v["lines"] > 1:
        v.need("line_pixels")
        v.clamp("line_pixels", 4)

    fit_memories(v, engine)
    v.need("partial_sums")
    v.clamp("partial_sums", 1 if v["compact"] or engine == "binary" else 4, LARGEST_SUMS)
    v.need("lanes")
    v.clamp("lanes", 1, 1 if v["compact"] else v["columns"])
    if engine == "binary":
        v.clamp("activation_memory", 0, LARGEST_SUMS)
        v.clamp("program_memory", 0, LARGEST_SUMS * v["columns"])
        v.put("lanes", max(lanes for lanes in BINARY_LANES
                           if lanes <= max(v["lanes"], 1) and v["columns"] % lanes == 0))


def fit_memories(v: Fields, engine: str) -> None:
    """Fit the memories to what is read of them at once."""
    v.need("activation_memory")
    banks = 1 << (max(v["rows"], 0 if engine == "binary" else v["columns"], v["wide_rows"])
                  - 1).bit_length()
    v.put("activation_memory", -(-v["activation_memory"] // banks) * banks)
    v.need("program_memory")
    v.clamp("program_memory", v["columns"])
    if v["wide_rows"]:
        word = max(v["wide_rows"] * v["columns"], 1)
        v.put("program_memory", -(-v["program_memory"] // word) * word)
    if v["external"]:
        v.put("program_memory", 1 << max(v["program_memory"], 1).bit_length() - 1)
        v.clamp("program_memory", LEAST_RING, LARGEST_RING)


def fit_multipliers(v: Fields) -> None:
    """Fit lanes and cells that take multipliers of the chip to how many it has."""
    if v["hard_lanes"]:
        without = Design(**v | {"hard_lanes": 0, "dsps": None, "packed_rows": 0})
        left = without.device_products - without.wide_multipliers
        most = left // without.lane_products - v["softmax"] if v["device"] else 0
        v.clamp("hard_lanes", 0, max(min(v["lanes"], most), 0))
    products = Design(**v | {"dsps": None, "packed_rows": 0}).array_products
    pairs = v["columns"] // 2
    if not pairs or any(v[field] not in known for field, known in PACKED.items()):
        v.put("packed_rows", 0)
    if v["packed_rows"]:
        most = products // pairs if v["family"] == "ecp5" else v["rows"]
        v.clamp("packed_rows", 0, min(most, v["rows"] - v["lines"]))
        v.clamp("lines", 0, v["rows"] - v["packed_rows"])
    if v["dsps"] is not None:
        shared = v["packed_rows"] * pairs
        v.clamp("dsps", 2 * shared, products + shared)
