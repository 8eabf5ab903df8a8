"""What `hwgen build` does, from options to what it prints."""

import argparse
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..arch.boards import BOARDS, Board, board
from ..arch.design import Design
from ..build.bitstream import PICTURE, build
from ..build.clock import built
from ..build.embedded import NOTHING, Embedded
from ..build.record import NAME, Record
from ..compiler.compile import compile_network
from ..errors import UserError
from ..files.whole import filling
from ..network.graph import Network
from ..predict.efficiency import Work
from ..predict.layers import predictions
from ..text import printable, table
from ..tools import find as tools
from ..tools.fullness import words

__all__ = ["board_for", "build_bitstream", "program_board"]

SECONDS = 600
"""For a programmer; a flash memory takes its time."""


def board_for(options: argparse.Namespace) -> Board:
    """Return the board that is asked for, or that of the Design's preset."""
    if options.board is None and options.design not in BOARDS:
        raise UserError("--board is missing: which of them shall it run on? There are "
                        f"{', '.join(BOARDS)}")
    return board(options.board or options.design)


def build_bitstream(options: argparse.Namespace, design: Design, network: Network | None,
                    say: Callable[[str], Any]) -> tuple[int, dict[str, Any], str]:
    """Build a bitstream; return exit code, facts, and text."""
    found = board_for(options)
    folder = Path(options.output or Path("build") / found.name)
    facts, program, embedded = None, None, NOTHING
    if network is not None:
        program = compile_network(network, design)
        cycles = sum(predictions(network, program), Work()).cycles
        facts = {"name": network.name, "program": "network.program", "cycles": cycles,
                 "embedded": options.embed}
    if options.embed:
        if program is None:
            raise UserError("--embed needs a MODEL: which network shall the bitstream have?")
        embedded = Embedded.of(program, found)
    with filling(folder) as scratch:
        record = build(design, found, scratch, clock_mhz=options.clock, seeds=options.seeds,
                       baud=options.baud, insist=options.insist, network=facts, embedded=embedded,
                       say=say)
        if program is not None:
            program.save(scratch / "network.program")
    say("")
    return 0, {**record.to_dict(), "folder": str(folder)}, text_of(record, found, folder)


def text_of(record: Record, found: Board, folder: Path) -> str:
    """Return what a reader wants to know first."""
    used = record.used
    lines = [
        f"Design {record.design.name} on {found.title}",
        table(["LUT", "FF", "DSP", "block RAM", "clock", "Fmax", "tools"],
              [[used["luts"], used["registers"], used["dsps"], used["block_rams"],
                f"{record.clock_mhz:.2f} MHz",
                f"{record.fmax_mhz:.2f} MHz", f"{sum(record.seconds.values()):.0f} s"]]),
        f"of the chip: {words(record.utilization)}",
        "limited by:", *(f"  {step}" for step in record.path)]
    if record.network:
        cycles = record.network["cycles"]
        lines.append(f"{printable(record.network['name'])}: {cycles:,} cycles predicted, "
                     f"{built(record).time(cycles)}")
        if record.network["embedded"]:
            lines.append("the board has it when it wakes up, "
                         + ("from its flash memory" if record.frames else "from the bitstream"))
    lines.append(f"{printable(folder / PICTURE)}: where everything lies")
    commands = [f": {shlex.join(command)}" for command in programmers(record, folder)] or [""]
    lines += [f"{printable(folder / name)}{printable(command)}" for name, command in zip(
        [record.bitstream, record.frames], commands, strict=False)]
    return "\n".join(lines)


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


def plain(output: str) -> str:
    """Return what a tool prints without its colours, and each state of its progress in a line."""
    return re.sub(r"\x1b\[[\d;]*[mK]", "", output).replace("\r\n", "\n").replace("\r", "\n")


def program_board(options: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Load a board with what was built; return exit code, facts, and text."""
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
    return 0 if outcome.ok else 1, facts, "\n".join(lines)
