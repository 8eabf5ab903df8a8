"""`hwgen boards`: list the boards, or show one.

List the boards, or show one. The name of a board is also the name of its preset Design.
"""

import argparse

from ..arch.boards import BOARDS, Board, board
from ..text import table
from .output import print_json

__all__ = ["add_options", "run"]

def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("name", nargs="?", metavar="NAME",
                         help="show this one, with all its facts")


def run(options: argparse.Namespace) -> int:
    """List the boards, or show one."""
    if options.name is not None:
        show_board(board(options.name), options.json)
    elif options.json:
        print_json([found.to_dict() for found in BOARDS.values()])
    else:
        print(table(
            ["name", "board", "chip", "clock", "LUTs", "multipliers", "memory", "preset"],
            [[b.name, b.title, b.device, f"{b.clock_mhz:g} MHz", b.luts, b.multipliers,
              f"{b.memory_bits // 8192} KB", preset_size(b)] for b in BOARDS.values()]))
    return 0


def preset_size(found: Board) -> str:
    """Return a board's preset Design in a word."""
    return f"{found.design.get('rows')}x{found.design.get('columns')}"


def show_board(found: Board, as_json: bool) -> None:
    """Print everything about one board."""
    if as_json:
        print_json(found.to_dict())
        return
    facts = found.to_dict()
    design = facts.pop("design")
    for name, fields in {"design": design, **{f"designs.{other}": fields for other, fields
                                              in facts.pop("designs").items()}}.items():
        facts |= {f"{name}.{field}": value for field, value in fields.items()}
    print(table(["field", "value"], list(facts.items())))
