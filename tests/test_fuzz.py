"""A short campaign of damaged files over everything that reads; ``make fuzz`` is the long one."""

import json
import time

import numpy as np
import pytest

from hwgen.errors import LONGEST, UserError
from hwgen.tools.untrusted import check_type, read_json, read_toml

from .fuzz.campaign import Campaign
from .fuzz.judge import DEFECT, READ, REFUSED, library_verdict
from .fuzz.results import RESULTS
from .fuzz.sandbox import run
from .fuzz.table import READERS

CASES = 60
SEED = 16


@pytest.mark.parametrize("name", READERS)
def test_reader(name, tmp_path):
    """What is valid is read; what is damaged is read, or refused in one sentence."""
    reader = READERS[name]
    for file, data in reader.files[:4]:
        (tmp_path / file).write_bytes(data)
        assert reader.judge(tmp_path / file, 10).outcome == READ, file
    campaign = Campaign(reader, SEED)
    campaign.run(CASES, len(reader.files))
    assert not campaign.defects


def test_cases_repeat():
    """A case depends on its number and the seed alone."""
    reader = READERS["design"]
    assert reader.case(1, 500) == reader.case(1, 500) != reader.case(2, 500)


def crash():
    import ctypes
    ctypes.string_at(0)


def allocate():
    np.ones(1 << 28)


def swallow():
    try:
        allocate()
    except MemoryError as error:
        raise UserError("there is something wrong with x") from error


def wait():
    while True:
        time.process_time()


def several():
    error = UserError("x")
    error.args = ("x is wrong\nand so is y",)  # which its constructor makes one line of
    raise error


def nameless():
    raise UserError("something is wrong")


@pytest.mark.parametrize("call,why", [
    (lambda: {}["x"], "KeyError"), (crash, "SIGSEGV"), (allocate, "MemoryError"),
    (swallow, "MemoryError"), (wait, "hang"), (several, "not one line"),
    (nameless, "does not name the file"), (lambda: np.float32(1) / np.float32(0),
                                           "RuntimeWarning")])
def test_defects_are_seen(call, why):
    """The harness sees each kind of defect, and goes on with the next case."""
    found = list(run([lambda: library_verdict(call, (UserError,), "x", 0.2),
                      lambda: library_verdict(lambda: None, (UserError,), "x", 0.2)]))
    assert [each.verdict.outcome for each in found] == [DEFECT, READ]
    assert why in found[0].verdict.why


def test_results_are_whole():
    """The long campaign that is kept had every reader, and found nothing that is left."""
    assert sum(reader.cases for reader in READERS.values()) >= 50_000
    known = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert set(known) == set(READERS)
    assert all(row[READ] and row[READ] + row[REFUSED] >= 200 for row in known.values())
    assert not any(row["defects"] for row in known.values())


@pytest.mark.parametrize("text,match", [
    ("[" * 100_000, "nested too deep"), ("\xff", "is not a file of x"), ("", "is not a file of x")])
def test_json_wrong(text, match, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match=match):
        read_json(path, "a file of x")


def test_toml_nested(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(UserError, match="nested too deep"):
        read_toml(path)


def test_toml_long_key(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(".".join("a" * 30_000) + " = 4")
    with pytest.raises(UserError, match="a line of it has more than 1,000 dots"):
        read_toml(path)


def test_endless_file():
    with pytest.raises(UserError, match="must have at most 1 MiB"):
        read_toml("/dev/zero")


@pytest.mark.parametrize("value,kind,match", [
    ("1", int, "x must be an integer, not '1'"), (True, int, "must be an integer, not True"),
    (float("nan"), float, "must be a number, not nan"), ([1, "a"], list[int], r"x\[1\] must be"),
    ({"a": []}, dict[str, float], "x.a must be a number"), (1.5, int | None, "an integer or null"),
    ("\ud800", str, "surrogates not allowed")])
def test_types_wrong(value, kind, match):
    with pytest.raises((TypeError, ValueError), match=match):
        check_type(value, kind, "x")


def test_long_sentence():
    """What is quoted of a file may be as long as it likes: what it is about stays in view."""
    text = str(UserError("luts must be an integer, not " + "9" * 100_000))
    assert text.startswith("luts must be an integer") and len(text) <= LONGEST
