"""Where the parts of a design lie on its chip: a picture of what nextpnr placed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path

__all__ = ["Places", "lines_of_cells", "picture", "places"]

Places = Mapping[tuple[int, int], Counter[str]]
"""How many cells of each part lie in each tile of the chip, by column and row."""

NAME = re.compile(r'^\s*"(.+)": \{$')
"""The line before the first field of a cell, as nextpnr writes it."""
PACKED = re.compile("_(LC|PLL)$")
"""What nextpnr adds to the name of a cell when it packs it."""
BEL = re.compile(r'"NEXTPNR_BEL": "X(\d+)/?Y(\d+)')
WITHIN = "serial.accelerator."
"""What the names of a board's cells begin with, but for those of the serial port and the clock."""

BETWEEN = "between these"
REST = "clock, reset, unnamed"
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e08030", "#7a5cc0",
           "#8c6d31", "#2a9d8f", "#b0588f", "#5f7f2f")
GREY = "#999999"
SIZE = 800
"""Of the longer side."""
KEY = 230
"""Width of the names beside it."""


def part(cell: str) -> str:
    """Return the part of the accelerator that a cell belongs to, by its name."""
    name = cell.removeprefix("$flatten\\")
    if name.startswith(WITHIN):
        inner, dot, _ = name.removeprefix(WITHIN).partition(".")
        return inner if dot else BETWEEN
    return "serial port" if name.startswith("serial.uart") else (
        "flash" if name.startswith("serial.flash") else REST)


def lines_of_cells(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a design that nextpnr wrote, each with the cell that it is of.

    The file has hundreds of megabytes where a chip is large; a cell's name has a line of its own.
    """
    cell = before = ""
    for line in lines:
        if '"hide_name"' in line:  # the first field, so the line before has the name
            found = NAME.match(before)
            cell = PACKED.sub("", found[1]) if found else ""
        yield cell, line
        before = line


def places(path: Path) -> Places:
    """Read a design that nextpnr wrote."""
    tiles: dict[tuple[int, int], Counter[str]] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for cell, line in lines_of_cells(file):
            if "NEXTPNR_BEL" in line and (bel := BEL.search(line)):
                tiles.setdefault((int(bel[1]), int(bel[2])), Counter())[part(cell)] += 1
    return tiles


def picture(tiles: Places, title: str, *, upward: bool = False) -> str:
    """Return an SVG of a chip: a tile has the colour of the part with most of its cells.

    It is the paler the fewer cells are in it, compared with the fullest. ``upward`` is whether rows
    are counted from below.
    """
    parts = Counter[str]()
    for cells in tiles.values():
        parts += cells
    names = sorted(parts, key=lambda name: (name == REST, -parts[name], name))
    colours = {name: GREY if name == REST else COLOURS[index % len(COLOURS)]
               for index, name in enumerate(names)}
    columns, rows = (1 + max((place[axis] for place in tiles), default=0) for axis in (0, 1))
    scale = SIZE / max(columns, rows)
    height = max(rows * scale, 22.0 * len(names))
    most = max((cells.total() for cells in tiles.values()), default=1)
    lines = [(f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13" '
              f'viewBox="0 0 {columns * scale + KEY:.0f} {height + 40:.0f}">'),
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="4" y="20" font-size="15">{escape(title)}</text>',
             f'<g transform="translate(0 32) scale({scale:.3f})">',
             f'<rect width="{columns}" height="{rows}" fill="#f2f2f2"/>']
    for (x, y), cells in sorted(tiles.items()):
        name, _ = max(cells.items(), key=lambda item: (item[1], item[0]))
        opacity = 0.3 + 0.7 * cells.total() / most
        lines.append(f'<rect x="{x}" y="{rows - 1 - y if upward else y}" width="1" height="1" '
                     f'fill="{colours[name]}" fill-opacity="{opacity:.2f}"/>')
    lines.append("</g>")
    for index, name in enumerate(names):
        left, base = columns * scale + 12, 46 + 22 * index
        lines += [(f'<rect x="{left:.0f}" y="{base - 11}" width="13" height="13" '
                   f'fill="{colours[name]}"/>'),
                  (f'<text x="{left + 20:.0f}" y="{base}">{escape(name)}: '
                   f'{parts[name]:,} cells</text>')]
    return "\n".join([*lines, "</svg>"]) + "\n"
