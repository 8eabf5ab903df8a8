"""What each unit does for its LUTs, by the bits of its operands, as measured.

``python -m hwgen.report.docs_tables.precision docs/serial.md`` puts the tables between the two
marks of that file.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...measure.results import figures_of
from ...text import markdown
from .marks import write_between_marks

__all__ = ["DEVICES", "MARKS", "ROWS", "Row", "ranges", "tables", "update"]

RESULTS = Path(__file__).parents[3] / "docs" / "results"
MARKS = ("<!-- tables: python -m hwgen.report.docs_tables.precision docs/serial.md -->",
         "<!-- end -->")
WIDTHS = (1, 2, 4, 8)
"""Of both operands, in the tables."""
DEVICES = {"LFE5U-85F": "ecp5", "iCE40HX8K": "ice40"}
"""Chips, and the family of each."""


@dataclass(frozen=True)
class Row:
    """A unit as it was measured.

    Parameters
    ----------
    title : str
    results : str
        Name of the file of figures, without its suffix.
    names : dict
        Key of the figures, by device; a device without one has no such row.
    products : function of int
        Products a cycle, of operands of so many bits.
    any_weight : bool
        Whether it takes all weights of those bits, and not only some values.
    """

    title: str
    results: str
    names: dict[str, str]
    products: Callable[[int], float]
    any_weight: bool = True

    def luts(self, device: str) -> int:
        """Return its LUTs."""
        return int(figures(self.results)[self.names[device]]["luts"])

    def rate(self, device: str, width: int) -> float:
        """Return its products a second, in millions."""
        clock = figures(self.results)[self.names[device]]["fmax_mhz"]
        return float(clock) * self.products(width)

    def per_lut(self, device: str, width: int) -> float:
        """Return its products a second and LUT, in millions."""
        return self.rate(device, width) / self.luts(device)


@cache
def figures(results: str) -> dict[str, Any]:
    """Return the figures of a file."""
    return figures_of(RESULTS / f"{results}.json")


def unit_names(unit: str, options: str) -> dict[str, str]:
    """Return the keys of a unit's figures, by device."""
    return {device: f"{unit}_{options}_family{family}_{device.lower()}"
            for device, family in DEVICES.items()}


def bricks(width: int) -> int:
    """Return the products of 8 groups: operands have 2, 4 or 8 bits."""
    size = next(size for size in (2, 4, 8) if width <= size)
    return 8 * 64 // size ** 2


ROWS = [
    Row("`BitPlane`, 128 lanes", "serial", unit_names("bitplane", "lanes128"),
        lambda width: 128 / width ** 2),
    Row("`SerialParallel`, 16 lanes", "serial", unit_names("serial", "lanes16"),
        lambda width: 16 / width),
    Row("`Fusion`, 8 groups, added first", "precision", unit_names("fusion", "groups8_firstadd"),
        bricks),
    Row("`Fusion`, 8 groups, shifted first", "precision",
        unit_names("fusion", "groups8_firstshift"), bricks),
    Row("array, 8x8 DSPs", "systolic", {"LFE5U-85F": "systolic_ws_8x8_int8_int8_lfe5u-85f"},
        lambda width: 64),
    Row("array, 8x8 in fabric", "systolic",
        {"LFE5U-85F": "systolic_ws_8x8_int8_int8_lfe5u-85f_dsps0"}, lambda width: 64),
    Row("array, 2x2 in fabric", "systolic",
        {"iCE40HX8K": "systolic_ws_2x2_int8_int8_ice40hx8k_dsps0"}, lambda width: 4),
    Row("`Ternary`, 16 lanes", "precision", unit_names("ternary", "lanes16"), lambda width: 16,
        any_weight=False),
    Row("`PowerOfTwo`, 16 lanes", "precision", unit_names("power", "lanes16"), lambda width: 16,
        any_weight=False),
]


def ranges(numbers: list[int]) -> str:
    """Return numbers in words, neighbours joined."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]} to {part[-1]}" if part[1:] else str(part[0])
                     for part in parts) or "none"


def tables() -> str:
    """Return all tables, as Markdown."""
    return "\n\n".join(part for device in DEVICES for part in _tables(device)) + "\n"


def _tables(device: str) -> Iterator[str]:
    """Yield the paragraphs of a device."""
    rows = [row for row in ROWS if device in row.names]
    yield f"### {device}"
    yield "Millions of products a second, of operands of so many bits; and the same for each LUT."
    yield "\n".join(markdown(
        ["unit", "LUT", *(f"{width} x {width}" for width in WIDTHS),
         *(f"{width} x {width} a LUT" for width in WIDTHS)],
        [[row.title, row.luts(device), *(f"{row.rate(device, width):.0f}" for width in WIDTHS),
          *(f"{row.per_lut(device, width):.2f}" for width in WIDTHS)] for row in rows]))
    exact = [row for row in rows if row.any_weight]
    yield ("Bits of both operands, of 1 to 8, at which the unit of the line does more for each LUT "
           "than that of the column.")
    yield "\n".join(markdown(["", *(row.title for row in exact)], [
        [line.title, *("" if line is column else ranges([
            width for width in range(1, 9)
            if line.per_lut(device, width) > column.per_lut(device, width)]) for column in exact)]
        for line in exact]))


def update(path: Path) -> None:
    """Put the tables between the marks of a file."""
    write_between_marks(path, MARKS, tables())


if __name__ == "__main__":
    update(Path(sys.argv[1]))
