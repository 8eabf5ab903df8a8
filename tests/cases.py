"""Cases of which `make test` runs some."""

from collections.abc import Sequence
from typing import Any

import pytest


def some(cases: Sequence[Any], count: int) -> list[Any]:
    """Return all cases as parameters, of which so many, evenly spread, are not marked as slow."""
    kept = {index * len(cases) // count for index in range(count)}
    return [pytest.param(case, marks=() if index in kept else pytest.mark.slow)
            for index, case in enumerate(cases)]
