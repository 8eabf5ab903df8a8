"""The builds whose records come with hwgen: what each board's Designs reached."""

import json
from functools import cache
from pathlib import Path

from ..errors import UserError
from .record import Record

__all__ = ["FOLDERS", "board_records"]

CHECKOUT = Path(__file__).parents[2] / "docs" / "results"
INSTALLED = Path(__file__).parents[1] / "_records"
FOLDERS = tuple((CHECKOUT if (CHECKOUT / "boards").is_dir() else INSTALLED) / name
                for name in ("boards", "tuned"))
"""Presets of the boards, and Designs that the tuner found for them."""


@cache
def board_records(board: str) -> tuple[Record, ...]:
    """Return what was built for a board, the highest clocks first."""
    found = []
    for path in sorted(path for folder in FOLDERS for path in folder.glob("*.json")):
        try:
            theirs = json.loads(path.read_text(encoding="utf-8"))["board"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is not what `hwgen build` writes: {error}") from error
        if theirs == board:  # so that no other board has to be there
            found.append(Record.parse(path))
    return tuple(sorted(found, key=lambda record: -record.clock_mhz))
