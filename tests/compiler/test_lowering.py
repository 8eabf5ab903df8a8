"""Steps before their buffers have addresses."""

import pytest

from hwgen.arch.steps import Mode, Step
from hwgen.compiler.lowering import PlacedStep


def two_sources(source, second):
    step = Step(mode=Mode.DIRECT, last_columns=4, taps_y=2, base=3, taps_y_step_bytes=5, output=1)
    return PlacedStep(step, source, "target", second=second)


@pytest.mark.parametrize("a, b, base, distance", [
    (100, 200, 103, 102), (200, 100, 105, 98), (100, 100, 103, 2), (101, 98, 103, 1)])
def test_sources_are_read_from_the_lower_one_on(a, b, base, distance):
    step = two_sources("a", "b").at({"a": a, "b": b, "target": 50})
    assert (step.base, step.taps_y_step_bytes, step.output) == (base, distance, 51)


def test_each_source_is_read_in_the_last_pass():
    placed = two_sources("a", "b")
    for buffer, base in (("a", 3), ("b", 5)):
        step, = placed.reads(buffer)
        assert (step.base, step.taps_y, step.taps_y_step_bytes) == (base, 2, 0)
    assert not list(placed.reads("target"))
    assert [step.base for step in two_sources("a", "a").reads("a")] == [3, 5]
