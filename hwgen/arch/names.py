"""Names of accelerators: what everything global of one begins with, so that two go together."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .design_checks import SPARSE

if TYPE_CHECKING:
    from .design import Design

__all__ = ["identifier_of", "name_of"]

RESERVED = frozenset(Path(__file__).with_name("verilog_words.txt").read_text("utf-8").split())
"""Words of SystemVerilog (IEEE 1800-2017): no module has such a name."""

ENDINGS = ("_registers", "_stream")
"""Ends of names that another accelerator's names in C have, too: npu_registers.h, and the macro
NPU_STREAM_STATUS of an accelerator npu."""


def identifier_of(name: str) -> str:
    """Return what the names in Verilog and C of an accelerator called ``name`` begin with.

    It has no two underscores in a row, so that the first two in the name of a module are those
    behind it: accelerators of different names share no module.
    """
    found = name.replace("-", "_")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", found):
        likely = "_".join(re.findall(r"[A-Za-z0-9]+", name))
        likely = likely if likely[:1].isalpha() else f"npu_{likely}".rstrip("_")
        raise UserError(f"--name must be letters and digits with single underscores or dashes "
                        f"between them, a letter first, as names in Verilog and C begin with it, "
                        f"not {name!r}; {likely} would do, and --output names the folder")
    if found in RESERVED:
        raise UserError(f"--name must not be {name!r}, a word of Verilog, as the top module gets "
                        f"that name; {found}_npu would do")
    if re.match(r"hwgen(_|$)", found, re.I):
        raise UserError(f"--name must not begin with hwgen, as names that all accelerators share "
                        f"do, not {name!r}; {('npu' + found[5:])} would do")
    for ending in ENDINGS:
        if found.lower().endswith(ending):
            raise UserError(f"--name must not end in {ending}, as names in C of the accelerator "
                            f"{found[:-len(ending)]} do, not {name!r}; {found}_npu would do")
    return found


def name_of(design: "Design") -> str:
    """Return a name that tells Designs apart, for files and folders."""
    parts = [design.engine, design.dataflow, f"{design.rows}x{design.columns}", design.activations,
             design.weights]
    for field in ("depth", "accumulator", "lines", "device", "dsps", "packed_rows"):
        value = getattr(design, field)
        if value not in (None, 0) or (field == "dsps" and value == 0):
            field = field.removesuffix("_rows")
            parts.append(f"{field}{value}" if isinstance(value, int) else value.lower())
    if design.family != "generic" and design.device is None:
        parts.append(design.family)
    if design.activation_memory:
        parts += [f"memory{design.activation_memory}", f"program{design.program_memory}",
                  f"sums{design.partial_sums}", f"lanes{design.lanes}", design.rounding]
        parts += [f"hard{design.hard_lanes}"] * (design.hard_lanes > 0)
        parts += [f"pixels{design.line_pixels}"] * (design.line_pixels > 0)
        parts += ["compact"] * design.compact + ["decompress"] * design.decompress
        parts += [f"wide{design.wide_rows}"] * (design.wide_rows > 0)
        parts += [f"kept{design.kept_vectors}"] * (design.kept_vectors > 0)
        parts += [design.external.lower().replace("@", "at")] if design.external else []
        parts += [f"tables{design.tables}"] * (design.tables > 0)
        parts += (["softmax"] * design.softmax + ["matmul"] * design.matmul
                  + [f"lstm{design.lstm}"] * (design.lstm > 0)
                  + ["products"] * design.products + ["int4"] * design.int4_weights
                  + ["crc"] * design.program_crc
                  + [design.protect] * (design.protect != "none"))
    if design.engine == "sparse":
        parts += [f"{field.removeprefix('sparse_')}{getattr(design, field)}" for field in SPARSE]
    return "_".join(parts)
