import json
from pathlib import Path

import pytest

from hwgen.report.docs_tables.precision import DEVICES, MARKS, ROWS, ranges, tables, update

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "serial.md"


def test_doc_says_what_was_measured(tmp_path):
    """The tables are those of the figures, not written by hand."""
    copy = tmp_path / "serial.md"
    copy.write_text(DOC.read_text())
    update(copy)
    assert copy.read_text() == DOC.read_text()


def test_update_replaces_what_is_between_the_marks(tmp_path):
    path = tmp_path / "x.md"
    path.write_text(f"a\n{MARKS[0]}\nold\n{MARKS[1]}\nb\n")
    update(path)
    assert path.read_text() == f"a\n{MARKS[0]}\n\n{tables()}\n{MARKS[1]}\nb\n"


@pytest.mark.parametrize("numbers, text", [
    ([], "none"), ([3], "3"), ([1, 2, 3], "1 to 3"), ([1, 3, 4, 8], "1, 3 to 4, 8")])
def test_ranges(numbers, text):
    assert ranges(numbers) == text


def test_rates():
    """A unit of 128 lanes at its clock: a cycle for each pair of bits."""
    known = json.loads((ROOT / "docs" / "results" / "serial.json").read_text())
    plane = next(row for row in ROWS if "BitPlane" in row.title)
    for device in DEVICES:
        figures = known[plane.names[device]]
        assert plane.rate(device, 4) == pytest.approx(figures["fmax_mhz"] * 128 / 16)
        assert plane.per_lut(device, 1) == pytest.approx(
            figures["fmax_mhz"] * 128 / figures["luts"])


def test_every_device_has_a_rival():
    for device in DEVICES:
        assert len([row for row in ROWS if device in row.names and row.any_weight]) >= 4
