"""What each board does with each network: simulated cycles, at the clock that was placed.

``python -m hwgen.report.docs_tables.boards README.md`` puts the table between the two marks of that
file.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ...arch.boards import BOARDS
from ...build.clock import clock_of_build
from ...build.record import Record
from ...compiler import compile_network
from ...errors import UserError
from ...network.reader import read_network
from ...predict.layers import predictions
from ...text import markdown
from .marks import write_between_marks

__all__ = ["MARKS", "NETWORKS", "records", "table", "update"]

ROOT = Path(__file__).parents[3]
MARKS = ("<!-- table: python -m hwgen.report.docs_tables.boards README.md -->", "<!-- end -->")
NETWORKS = {
    "kws_dscnn.tflite": "keywords", "ic_resnet8.tflite": "images",
    "vww_mobilenet.tflite": "persons", "ad_autoencoder.tflite": "anomalies",
    "tfc_1w1a.onnx": "digits, 1 bit", "tfc_2w2a.onnx": "digits, 2 bits",
}
"""Networks of the project, and what they are called in the table."""


def records() -> list[Record]:
    """Return what was built of each board's Designs, the quickest clocks first."""
    paths = (ROOT / "docs" / "results" / "boards").glob("*.json")
    found = [Record.parse(path) for path in sorted(paths)]
    return sorted(found, key=lambda record: -record.clock_mhz)


def cycles(record: Record, name: str) -> int | None:
    """Return the cycles of an inference, or None where the network does not fit."""
    network = read_network(ROOT / "networks" / name)
    if network.rounding != record.design.rounding:
        return None
    try:
        program = compile_network(network, record.design)
    except UserError:
        return None
    return sum(work.cycles for work in predictions(network, program, None))


def rows() -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for record in records():
        for name, title in NETWORKS.items():
            count = cycles(record, name)
            if count is not None:
                seconds = (clock_of_build(record).milliseconds(count) or 0) / 1000
                design = record.design
                yield [BOARDS[record.board].title,
                       f"{design.rows}x{design.columns} {design.engine}", title, f"{count:,}",
                       f"{record.clock_mhz:g}", f"{1000 * seconds:.3g}", f"{1 / seconds:,.0f}"]


@cache
def table() -> list[str]:
    """Return the table as lines of Markdown."""
    return markdown(["board", "array", "network", "cycles, simulated", "clock, MHz, placed",
                     "latency, ms", "inferences a second"], list(rows()))


def update(path: Path) -> None:
    """Put the table between the marks of a file."""
    write_between_marks(path, MARKS, "".join(f"{line}\n" for line in table()))


if __name__ == "__main__":
    update(Path(sys.argv[1]))
