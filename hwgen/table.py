"""Tables: aligned text for the command line, Markdown for files."""

from collections.abc import Sequence

from .terminal import printable

__all__ = ["markdown", "table"]


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return the rows in aligned columns; what looks like a number stands to the right."""
    cells = [[printable(cell) for cell in row] for row in rows]
    header = [printable(cell) for cell in header]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [bool(cells) and all(row[i][:1].isdigit() or row[i] in ("", "-") for row in cells)
             for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(cell.rjust(width) if is_right else cell.ljust(width)
                         for cell, width, is_right in zip(row, widths, right, strict=True)
                         ).rstrip()

    return "\n".join([line(header), "  ".join("-" * width for width in widths),
                      *map(line, cells)])


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(printable(cell).replace("|", "\\|") for cell in line) + " |"
            for line in lines]
