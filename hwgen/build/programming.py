"""Load a board with what was built, by the command in the board's file."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from ..arch.boards import board
from ..errors import UserError
from ..tools import find as tools
from .record import NAME, Record

__all__ = ["Programmed", "program_board", "programmers"]

SECONDS = 600
"""For a programmer; a flash memory takes its time."""


@dataclass(frozen=True)
class Programmed:
    """What the tools printed that loaded a board.

    Members
    -------
    board : str
    commands : list of list of str
        All that are needed.
    outcomes : list of Outcome
        Of those that ran; the first that fails is the last one.
    """

    board: str
    commands: list[list[str]]
    outcomes: list[tools.Outcome]


def program_board(folder: Path) -> Programmed:
    """Load a board with what is in a folder; a :class:`UserError` says why it cannot be."""
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
    outcomes = []
    for command in commands:
        tool = tools.find(command[0])
        if tool is None:
            raise UserError(f"{command[0]} is not installed, and pip does not bring it; with it, "
                            f"this loads the board: {text}")
        outcomes.append(tools.call([tool, *command[1:]], seconds=SECONDS))
        if not outcomes[-1].ok:
            break
    return Programmed(record.board, commands, outcomes)


def programmers(record: Record, folder: Path) -> list[list[str]]:
    """Return the commands that load what was built into ``folder``: those of the board's file.

    The record names files, and nothing that is run: it may come from anywhere.
    """
    found = board(record.board)
    names = {"bitstream": record.bitstream, "frames": record.frames}
    # No path begins as an option does.
    paths = {f"{{{kind}}}": os.path.join(os.curdir * str(folder).startswith("-"), folder, name)
             for kind, name in names.items()}
    commands = [found.programmer, found.flash.get("programmer", "") if record.frames else ""]
    return [[re.sub(r"\{\w+\}", lambda place: paths.get(place[0], place[0]), word)
             for word in shlex.split(command)] for command in commands if command]
