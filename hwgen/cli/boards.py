"""`hwgen boards`: list the boards, or show one.

List the boards, or show one. The name of a board is also the name of its preset Design.
"""

import argparse

from ..arch.boards import BOARDS
from .output import show

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("name", nargs="?", metavar="NAME",
                         help="show this one, with all its facts")


def run(options: argparse.Namespace) -> int:
    """List the boards, or show one."""
    if options.name is not None:
        found = BOARDS[options.name]
        return show(options, found.to_dict(), str(found))
    return show(options, [each.to_dict() for each in BOARDS.values()], str(BOARDS))
