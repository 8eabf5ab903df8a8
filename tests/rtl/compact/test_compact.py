# amaranth: UnusedElaboratable=no
"""Accelerators that are small rather than fast: the same values, in the cycles predicted."""

import pytest

from hwgen.arch.design import Design
from hwgen.errors import UserError

from ..accelerator.test_accelerator_layers import check

MEMORIES = {"activation_memory": 1 << 16, "program_memory": 1 << 20, "lanes": 1, "compact": True}
SMALL = Design(rows=4, columns=4, lines=1, partial_sums=64, **MEMORIES)
DESIGNS = {
    "no-line": Design(rows=5, columns=8, partial_sums=100, **MEMORIES),
    "narrow": Design(rows=4, columns=2, lines=1, partial_sums=128, **MEMORIES),
    # With as many columns, requantised sums wait for a cycle without a value.
    "wide": Design(rows=7, columns=10, lines=1, partial_sums=23, rounding="single", **MEMORIES),
    "tall": Design(rows=9, columns=5, lines=1, partial_sums=8, rounding="single", **MEMORIES),
}


def test_random_layers():
    check(SMALL, range(300, 330))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_random_layers_on_other_designs(name):
    check(DESIGNS[name], range(400, 440))


@pytest.mark.parametrize("fields, text", [
    ({"lanes": 2}, "lanes must be at most 1 in a compact accelerator, not 2"),
    ({"lines": 2, "line_pixels": 9}, "lines must be at most 1 in a compact accelerator, not 2"),
    ({"compact": 1}, "compact must be true or false, not 1"),
    ({"columns": 1}, "columns must be from 2 to 32 with an activation_memory, not 1"),
    ({"columns": 3, "compact": False},
     "columns must be from 4 to 32 with an activation_memory, not 3")])
def test_wrong(fields, text):
    with pytest.raises(UserError, match=f"^{text}$"):
        SMALL.replace(**fields)


def test_toml():
    assert SMALL.to_toml().splitlines()[-1] == "compact = true"
    assert "compact" not in SMALL.replace(compact=False).to_toml()
