"""The clock that is expected, against what was placed and routed."""

import json
from pathlib import Path

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.area import clock
from hwgen.area.clock import (
    CLOCKS,
    SPREAD,
    Clock,
    fit_clocks,
    leave_one_out,
    main,
    median_clock,
    placements_of,
    spread,
)

RESULTS = Path(__file__).parents[2] / "docs" / "results"
PLACED = placements_of(RESULTS / "placements.json")


def test_fitted():
    """Clocks and spread are those of the placements that are kept, and the spread holds most."""
    assert fit_clocks(PLACED) == CLOCKS
    errors = leave_one_out(PLACED)
    assert spread(errors) == SPREAD
    inside = [1 / (1 + SPREAD) - 1e-3 <= 1 + error <= 1 + SPREAD + 1e-3
              for error in errors if error is not None]
    assert 0.85 < np.mean(inside) < 1


def test_all_records_are_among_them():
    """Every placement of a bitstream that is recorded, and of an accelerator by itself."""
    for path in (*RESULTS.glob("boards/*.json"), *RESULTS.glob("tuned/*.json"),
                 *RESULTS.glob("placed/*.json"),
                 RESULTS / "accelerator.json"):
        found = placements_of(path)
        assert found and all(placement in PLACED for placement in found)


def test_leave_one_out():
    """Each is compared with the others of its kind, and those alone."""
    kinds = [{"device": "a", "speed_grade": "6", "engine": engine, "compact": False}
             for engine in "bc"]
    placed = [{**kinds[0], "fmax_mhz": 100}, {**kinds[0], "fmax_mhz": 110},
              {**kinds[0], "fmax_mhz": 130}, {**kinds[1], "fmax_mhz": 7}]
    errors = [100 / 120 - 1, 110 / 115 - 1, 130 / 105 - 1, None]
    assert leave_one_out(placed) == pytest.approx(errors)
    assert fit_clocks(placed) == {("a", "6", "b", False): (110, 3),
                                  ("a", "6", "c", False): (7, 1)}


def test_expected():
    """A preset's is near to what it reached; of what was never placed there is none."""
    preset = Design.load("ulx3s-85f")
    found = median_clock(preset, "6")
    assert found.low < 113.6 < found.high and found.placements >= 6
    assert found.low < found.mhz < found.high
    assert median_clock(preset.replace(compact=True, lanes=1, hard_lanes=1, lines=0,
                                       line_pixels=0), "6") is None
    assert median_clock(preset, "9") is None


@pytest.mark.parametrize("mhz, says", [(80, "should be met"), (95, "may be met, by some seeds"),
                                       (110, "may be met, by few seeds"),
                                       (130, "is more than can be expected")])
def test_in_words(mhz, says):
    text = Clock(100, 90, 120, 4).in_words(180_000, mhz)
    assert text == ("clock: about 100 MHz, 90 to 120, as 4 placements of its kind tell: 1.8 ms, "
                    f"1.5 to 2; {mhz} MHz {says}")


def test_command(tmp_path, capsys):
    """What is added is kept once, and what is printed is what the module has."""
    path = tmp_path / "placements.json"
    for _ in range(2):
        main(path, [RESULTS / "placements.json", *RESULTS.glob("boards/*.json")],
             tmp_path / "clocks.toml")
    assert placements_of(path) == PLACED == json.loads(path.read_text())
    text = capsys.readouterr().out
    assert f"SPREAD = {clock.SPREAD}:" in text
    assert (tmp_path / "clocks.toml").read_bytes() == clock.FILE.read_bytes()
