"""Designs that the tuner found, placed and routed, beside the presets of their boards.

``python -m hwgen.report.docs_tables.tuned docs/results/tune.md`` puts the table between the two
marks of that file. Both are of bitstreams: cycles are those that are simulated, clocks those that
were placed.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ...arch.boards import BOARDS
from ...build.record import Record
from ...text import markdown
from .boards import NETWORKS, ROOT, cycles, records
from .marks import write_between_marks

__all__ = ["FOLDER", "MARKS", "milliseconds", "preset_of", "table", "update"]

FOLDER = ROOT / "docs" / "results" / "tuned"
MARKS = ("<!-- table: python -m hwgen.report.docs_tables.tuned docs/results/tune.md -->",
         "<!-- end -->")


def preset_of(record: Record) -> Record:
    """Return what was built of the preset of a record's board."""
    return next(each for each in records() if each.board == record.board
                and each.design.engine == record.design.engine)


def milliseconds(record: Record, count: int) -> float:
    """Return how long so many cycles take."""
    return count / record.clock_mhz / 1000


def rows() -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for path in sorted(FOLDER.glob("*.json")):
        record = Record.parse(path)
        preset, design = preset_of(record), record.design
        for name, title in NETWORKS.items():
            count = cycles(record, name)
            if count is not None:
                yield [BOARDS[record.board].title,
                       f"[{design.rows}x{design.columns}](tuned/{path.name})", title,
                       *result_cells(record, count), *result_cells(preset, cycles(preset, name))]


def result_cells(record: Record, count: int | None) -> list[str]:
    """Return cycles, clock and time; of a network that does not fit, nothing."""
    if count is None:
        return ["does not fit", "", ""]
    return [f"{count:,}", f"{record.clock_mhz:g}", f"{milliseconds(record, count):.3g}"]


@cache
def table() -> list[str]:
    """Return the table as lines of Markdown."""
    return markdown(["board", "tuned array", "network", "cycles", "clock, MHz", "latency, ms",
                     "preset's cycles", "clock", "latency"], list(rows()))


def update(path: Path) -> None:
    """Put the table between the marks of a file."""
    write_between_marks(path, MARKS, "".join(f"{line}\n" for line in table()))


if __name__ == "__main__":
    update(Path(sys.argv[1]))
