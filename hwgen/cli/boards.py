"""`hwgen boards`: list the boards, or show one.

List the boards, or show one. The name of a board is also the name of its preset Design.
"""

import argparse
from typing import Any

from ..arch.boards import BOARDS, Board, board
from ..text import table
from .output import show

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("name", nargs="?", metavar="NAME",
                         help="show this one, with all its facts")


def run(options: argparse.Namespace) -> int:
    """List the boards, or show one."""
    if options.name is not None:
        found = board(options.name)
        return show(options, found.to_dict(), table(["field", "value"], field_rows(found)))
    return show(options, [each.to_dict() for each in BOARDS.values()], table(
        ["name", "board", "chip", "clock", "LUTs", "multipliers", "memory", "preset"],
        [[b.name, b.title, b.device, f"{b.clock_mhz:g} MHz", b.luts, b.multipliers,
          f"{b.memory_bits // 8192} KB", preset_size(b)] for b in BOARDS.values()]))


def preset_size(found: Board) -> str:
    """Return a board's preset Design in a word."""
    return f"{found.design.get('rows')}x{found.design.get('columns')}"


def field_rows(found: Board) -> list[tuple[str, Any]]:
    """Return every field of a board, and of its Designs."""
    facts = found.to_dict()
    design = facts.pop("design")
    for name, fields in {"design": design, **{f"designs.{other}": fields for other, fields
                                              in facts.pop("designs").items()}}.items():
        facts |= {f"{name}.{field}": value for field, value in fields.items()}
    return [*facts.items()]
