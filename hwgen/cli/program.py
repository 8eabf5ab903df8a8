"""`hwgen program`: load a board with what was built.

Load a board with a bitstream, by the command that is the board's. Its tool does not come with pip;
without it the command is told. No board has been loaded with one of these bitstreams yet.
"""

import argparse
import re
import shlex
from pathlib import Path

from ..build.programming import program_board
from ..text import printable, say
from .output import show

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("folder", metavar="DIR", help="what `hwgen build` wrote")


def run(options: argparse.Namespace) -> int:
    """Load a board with what was built."""
    say("loading the board")
    found = program_board(Path(options.folder))
    last = found.outcomes[-1]
    facts = {"board": found.board, "commands": found.commands, "code": last.code,
             "output": "".join(outcome.output for outcome in found.outcomes)}
    show(options, facts, "\n".join(
        f"{printable(shlex.join(command))}\n{plain(outcome.output)}".rstrip()
        for command, outcome in zip(found.commands, found.outcomes, strict=False)))
    return 0 if last.ok else 1


def plain(output: str) -> str:
    """Return what a tool prints without its colours, and each state of its progress in a line."""
    return re.sub(r"\x1b\[[\d;]*[mK]", "", output).replace("\r\n", "\n").replace("\r", "\n")
