"""Cases of which `make test` runs some, and `pytest -m slow` the others."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

__all__ = ["quick", "some"]


def some(cases: Sequence[Any], count: int) -> list[Any]:
    """Return all cases as parameters, of which so many, evenly spread, are not marked as slow.

    A case that is a tuple is one of several parameters.
    """
    kept = {index * len(cases) // count for index in range(count)}
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)),
                         marks=() if index in kept else pytest.mark.slow)
            for index, case in enumerate(cases)]


def quick(names: Iterable[str], *kept: str) -> list[Any]:
    """Return all names as parameters, of which those that are kept are not marked as slow."""
    names = [*names]
    assert {*kept} <= {*names}
    return [pytest.param(name, marks=() if name in kept else pytest.mark.slow) for name in names]
