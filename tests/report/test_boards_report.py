"""The table of boards and networks is what the records and the cost model say."""

from pathlib import Path

import pytest

from hwgen.report.docs_tables import boards
from hwgen.report.docs_tables.boards import MARKS, records, table, update

ROOT = Path(__file__).parents[2]


def test_what_was_built():
    """What each record says of its network is in README."""
    text = (ROOT / "README.md").read_text()
    for record in (record for record in records() if record.network):
        assert f" | {record.network['cycles']:,} | {record.clock_mhz:g} | " in text


@pytest.mark.slow
def test_readme():
    """All of the table: two minutes, as what does not fit is found only when nothing helps."""
    text = (ROOT / "README.md").read_text()
    assert text.split(MARKS[0])[1].split(MARKS[1])[0].strip().splitlines() == table()


def test_update(tmp_path, monkeypatch):
    monkeypatch.setattr(boards, "table", lambda: ["| a |"])
    path = tmp_path / "x.md"
    path.write_text(f"a\n{MARKS[0]}\nold\n{MARKS[1]}\nb\n")
    update(path)
    assert path.read_text().splitlines() == ["a", MARKS[0], "", "| a |", "", MARKS[1], "b"]


def test_clocks_are_met():
    """What is recorded was placed at a clock that it meets."""
    assert all(record.fmax_mhz >= record.clock_mhz for record in records())
