"""The table of what the tuner found is what its records say, and no slower than the presets."""

from pathlib import Path

import pytest

from hwgen.build.record import Record
from hwgen.report.docs_tables import tuned
from hwgen.report.docs_tables.boards import cycles
from hwgen.report.docs_tables.tuned import FOLDER, MARKS, milliseconds, preset_of, table, update

TEXT = (Path(__file__).parents[2] / "docs" / "results" / "tune.md").read_text()
RECORDS = [Record.parse(path) for path in sorted(FOLDER.glob("*.json"))]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.board)
def test_no_slower_than_the_preset(record):
    """What was placed meets its clock, and runs its network in no more time than the preset."""
    preset, name = preset_of(record), f"{record.network['name']}.tflite"
    count = record.network["cycles"]
    assert record.fmax_mhz >= record.clock_mhz
    assert cycles(record, name) == count
    assert milliseconds(record, count) <= milliseconds(preset, cycles(preset, name))
    assert f" | {count:,} | {record.clock_mhz:g} | {milliseconds(record, count):.3g} | " in TEXT


@pytest.mark.slow
def test_document():
    """All of the table: minutes, as what does not fit is found only when nothing helps."""
    assert TEXT.split(MARKS[0])[1].split(MARKS[1])[0].strip().splitlines() == table()


def test_update(tmp_path, monkeypatch):
    monkeypatch.setattr(tuned, "table", lambda: ["| a |"])
    path = tmp_path / "x.md"
    path.write_text(f"a\n{MARKS[0]}\nold\n{MARKS[1]}\nb\n")
    update(path)
    assert path.read_text().splitlines() == ["a", MARKS[0], "", "| a |", "", MARKS[1], "b"]
