"""What was built, where a command goes by it, and the clock at which its times are told."""

import argparse
from pathlib import Path

from ..arch.boards import BOARDS
from ..arch.design import Design
from ..build.clock import BoardClock, board_named, clock_of
from ..build.record import Record
from ..errors import UserError
from .parsing import BAUD

__all__ = ["add_clock_board", "clock_for", "record_of_build"]


def add_clock_board(command: argparse.ArgumentParser) -> None:
    """Add the option that names the board whose clock a Design has."""
    command.add_argument("--board", metavar="NAME", choices=tuple(BOARDS),
                         help="the Design's board, where that is not told by a preset: for the "
                         "clock")


def record_of_build(options: argparse.Namespace) -> Record | None:
    """Return the record of --build, which then says what board, baud and Design there are."""
    if options.build is None:
        return None
    if options.design is not None or options.board not in (None, "sim"):
        raise UserError("--build says which board and Design there are; leave --design and --board "
                        "out")
    record = Record.read(Path(options.build))
    if getattr(options, "baud", BAUD) not in (BAUD, record.baud):
        raise UserError(f"--baud must be left out with --build, which was built for {record.baud}")
    options.board, options.baud, options.design = record.board, record.baud, record.board
    return record


def clock_for(options: argparse.Namespace, design: Design,
              built: Record | None = None) -> BoardClock:
    """Return the clock at which a Design's times are told."""
    if built is not None:
        if options.clock is not None:
            raise UserError(f"--clock must be left out with --build, which was built for "
                            f"{built.clock_mhz:g} MHz")
        return clock_of(design, built.board, record=built)
    name = None if options.board == "sim" else options.board
    return clock_of(design, board_named(name, options.design, design), options.clock)
