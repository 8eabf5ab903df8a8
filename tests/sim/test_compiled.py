"""The checks of the accelerator's bench without cocotb, and mutants in a compiled simulation."""

import json
import re
from contextlib import ExitStack

import pytest

from hwgen.arch.design import Design

from ..runtime.fake_accelerator import FakeAccelerator

checks = pytest.importorskip("sim.accelerator.compiled")
compiled = pytest.importorskip("sim.mutation.compiled")
mutants = pytest.importorskip("sim.mutation.mutants")
runner = pytest.importorskip("sim.runner")

DESIGN = Design(rows=4, columns=4, lanes=1, activation_memory=1024, program_memory=1024,
                partial_sums=8, steps=16)
IDLE = ["memories", "refusals", "turns"]
"""Checks for which nothing runs."""

NEXT = """module top(input clk, rst, rx__valid, tx__ready, input [7:0] rx__payload,
                    output rx__ready, tx__valid, output [7:0] tx__payload);
  assign rx__ready = tx__ready, tx__valid = rx__valid, tx__payload = rx__payload + 1;
endmodule
"""
"""Gives back each byte, plus one."""


class Stuck(FakeAccelerator):
    """An accelerator whose replies lack a bit of a byte."""

    def read(self, count, timeout):
        return bytes(byte & 0xEF for byte in super().read(count, timeout))


def test_a_check_fails():
    """The first one does that notices what is wrong, and none where nothing is."""
    assert checks.first_failure(FakeAccelerator, DESIGN, 0, IDLE) == ("", "")
    name, message = checks.first_failure(Stuck, DESIGN, 0, IDLE)
    assert name == "memories" and "Silence" in message
    smaller = checks.first_failure(lambda: FakeAccelerator(memory=512), DESIGN, 0, IDLE[1:])
    assert smaller[0] == "refusals"


def test_the_same_checks():
    """They are those of the bench, but for what needs its ports."""
    bench = runner.benches()["accelerator"].read_text()
    names = set(re.findall(r"async def test_(\w+)", bench))
    assert names - set(checks.CHECKS) == {"reset", "interrupt"}
    assert set(checks.CHECKS) <= names and not set(checks.INSIDE) & names
    assert checks.NOT_BINARY == set(re.findall(
        r'skip=DESIGN.engine == "binary"\)\nasync def test_(\w+)', bench))


def test_endless(monkeypatch):
    """A mutant of which a check does not end is one that the bench has yet to see."""
    def first_failure(*_):
        raise compiled.Endless

    monkeypatch.setattr(compiled, "first_failure", first_failure)
    fate = compiled.fate_of(None, DESIGN, 3)
    assert (fate.number, fate.passed, fate.hung) == (3, False, True)


@pytest.mark.slow
def test_one_of_many(tmp_path):
    """Each simulation has the mutant that it is asked for, and 0 is the design."""
    made = mutants.instrument(NEXT, "top", tmp_path, count=40)
    come = []
    with ExitStack() as stack:
        links = [stack.enter_context(compiled.MutatedLink(made, number)) for number in range(41)]
        for link in links:
            link.write(bytes(range(100)))
            come.append(link.read(100, 200))
    assert come[0] == bytes(range(1, 101))
    assert 10 < sum(data != come[0] for data in come) < 41


@pytest.mark.slow
def test_survey(tmp_path):
    """Mutants of a whole accelerator, and how long each took."""
    units = pytest.importorskip("sim.accelerator.units")
    design = DESIGN.replace(activation_memory=256, program_memory=1600, partial_sums=8, steps=4)
    top, text = units.source(units.UNIT, design)
    made = mutants.instrument(text, top, tmp_path, count=12)
    (tmp_path / "design.toml").write_text(design.to_toml())
    fates = list(compiled.survey(made, design, numbers=range(1, 13), parameters={
        "DESIGN": tmp_path / "design.toml", "UNIT": json.dumps({"top": "stream"})}))
    assert [fate.number for fate in fates] == list(range(1, 13))
    killed = [fate for fate in fates if not fate.passed]
    assert len(killed) > 5 and all(fate.test.endswith(" (compiled)") for fate in killed)
    assert all(fate.seconds > 0 for fate in fates)


@pytest.mark.slow
def test_counting(tmp_path):
    """A high bit of the counter of cycles that is lost is noticed, though no run takes so long."""
    units = pytest.importorskip("sim.accelerator.units")
    design = DESIGN.replace(activation_memory=256, program_memory=1600, partial_sums=8, steps=4)
    top, text = units.source(units.UNIT, design)
    # Nothing else in the sequencer is added up from so many bits.
    lost = mutants.Mutant(1, r"-mode const0 -cell $flatten\sequencer.$add -port A -portbit 29")
    found = mutants.alike([lost], text, top, tmp_path)
    made = mutants.instrument(text, top, tmp_path, changes=[found[lost.place].change])
    assert checks.first_failure(lambda: compiled.MutatedLink(made, 0), design, 1,
                                [*checks.INSIDE]) == ("", "")
    name, message = checks.first_failure(lambda: compiled.MutatedLink(made, 1), design, 1,
                                         [*checks.INSIDE])
    assert name == "counting" and "with bit 29 of " in message
