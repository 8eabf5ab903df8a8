"""`hwgen program`: load a board with what was built."""

import argparse
import re
import shlex
from pathlib import Path

from ..arch.boards import board
from ..build.record import NAME, Record
from ..errors import UserError
from ..text import printable
from ..tools import find as tools
from .build import programmers
from .output import show
from .parsing import add_json

__all__ = ["DESCRIPTION", "add_options", "run"]

DESCRIPTION = """\
Load a board with a bitstream, by the command that is the board's. Its tool does not come with pip;
without it the command is told. No board has been loaded with one of these bitstreams yet.
"""

SECONDS = 600
"""For a programmer; a flash memory takes its time."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("folder", metavar="DIR", help="what `hwgen build` wrote")
    add_json(command)


def run(options: argparse.Namespace) -> int:
    """Load a board with what was built."""
    folder = Path(options.folder)
    record = Record.read(folder)
    found = board(record.board)
    for name in filter(None, (record.bitstream, record.frames)):
        path = folder / name
        if not path.is_file() or path.resolve().parent != folder.resolve():
            raise UserError(f"{path} must be a file, and no link to another folder: `hwgen build` "
                            "writes it")
    if not found.programmer:
        raise UserError(f"board {record.board} has no programmer in its file; load "
                        f"{folder / record.bitstream} with a tool of your own")
    if record.frames and not found.flash:
        raise UserError(f"{folder / NAME}: frames must be empty, as board {record.board} has no "
                        f"flash memory in its file, not {record.frames!r}")
    commands = programmers(record, folder)
    text = " && ".join(shlex.join(command) for command in commands)
    lines, output = [], ""
    for command in commands:
        tool = tools.find(command[0])
        if tool is None:
            raise UserError(f"{command[0]} is not installed, and pip does not bring it; with it, "
                            f"this loads the board: {text}")
        outcome = tools.call([tool, *command[1:]], seconds=SECONDS)
        output += outcome.output
        lines.append(f"{printable(shlex.join(command))}\n{plain(outcome.output)}".rstrip())
        if not outcome.ok:
            break
    facts = {"board": record.board, "commands": commands, "code": outcome.code, "output": output}
    show(options, facts, "\n".join(lines))
    return 0 if outcome.ok else 1


def plain(output: str) -> str:
    """Return what a tool prints without its colours, and each state of its progress in a line."""
    return re.sub(r"\x1b\[[\d;]*[mK]", "", output).replace("\r\n", "\n").replace("\r", "\n")
