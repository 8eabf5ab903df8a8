"""`hwgen build`: make a bitstream for a board.

Make a bitstream of a Design, the board's preset unless --design says otherwise, with a serial port
and the highest clock that it meets: place and route tries for a clock that is out of reach, or for
--clock, and the fastest placement gets the clock that timing analysis allows. Beside the bitstream
are build.json, which tells `hwgen run --build` and the reader what was built, a picture of where
everything lies, the Verilog, the constraints of the pins and, for a MODEL, its Program. Everything
or nothing is written.

Examples:
  hwgen build --board orangecrab-25f            the preset, in build/orangecrab-25f/
  hwgen build net.tflite --board ulx3s-85f --clock 110 --insist
                                                is checked to fit, with its time an inference
  hwgen build net.tflite --board tang-nano-9k --embed
                                                works without a host that loads it
  hwgen build --board ulx3s-85f --design my.toml --seeds 1 2 3 4 5
  hwgen run net.tflite --build build/ulx3s-85f --port /dev/ttyUSB0 --input x.npy
"""

import argparse
import shlex
from pathlib import Path

from ..arch.boards import BOARDS, Board, board
from ..build.bitstream import PICTURE
from ..build.clock import clock_of_build
from ..build.folder import build
from ..build.programming import programmers
from ..build.record import Record
from ..errors import UserError
from ..network.reader import read
from ..runtime.compiled import compile
from ..text import printable, say
from .design import add_design, chosen_design
from .network_design import network_design
from .output import show
from .parsing import add_baud, megahertz, seed

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("model", nargs="?", metavar="MODEL",
                         help="the network: it must fit, and its Program is written, too")
    command.add_argument("--board", metavar="NAME",
                         help="the board (see `hwgen boards`; default: the preset's)")
    add_design(command)
    command.add_argument("--clock", type=megahertz, metavar="MHZ",
                         help="a clock that is enough (default: the highest that is met)")
    command.add_argument("--seeds", type=seed, metavar="N", nargs="+", default=[1, 2, 3],
                         help="seeds of the placer, side by side: the first that meets the clock "
                         "is taken, or else the fastest (default: 1 2 3)")
    command.add_argument("--insist", action="store_true",
                         help="the router goes on until --clock is reached: ECP5 only, and within "
                         "an hour")
    command.add_argument("--embed", action="store_true",
                         help="the board has the MODEL's Program when it wakes up, from the "
                         "bitstream, or from flash memory where that cannot hold it")
    add_baud(command)
    command.add_argument("-o", "--output", metavar="DIR",
                         help="folder to write to (default: build/NAME of the board)")


def run(options: argparse.Namespace) -> int:
    """Make a bitstream for a board, and print what it takes."""
    if options.design is None:
        options.design = board_for(options).name
    network = read(options.model) if options.model else None
    design = network_design(options, network).design if network else chosen_design(options)
    found = board_for(options)
    say("compiling" if network else "writing Verilog")
    folder = Path(options.output or Path("build") / found.name)
    record = build(compile(network, design) if network else design, found, folder,
                   embed=options.embed, clock=options.clock, seeds=options.seeds,
                   baud=options.baud, insist=options.insist, say=say)
    return show(options, {**record.to_dict(), "folder": str(folder)}, text_of(record, folder))


def board_for(options: argparse.Namespace) -> Board:
    """Return the board that is asked for, or that of the Design's preset."""
    if options.board is None and options.design not in BOARDS:
        raise UserError("--board is missing: which of them shall it run on? There are "
                        f"{', '.join(BOARDS)}")
    return board(options.board or options.design)


def text_of(record: Record, folder: Path) -> str:
    """Return what a reader wants to know first."""
    lines = [str(record)]
    if record.network:
        cycles = record.network["cycles"]
        lines.append(f"{printable(record.network['name'])}: {cycles:,} cycles predicted, "
                     f"{clock_of_build(record).time(cycles)}")
        if record.network["embedded"]:
            lines.append("the board has it when it wakes up, "
                         + ("from its flash memory" if record.frames else "from the bitstream"))
    lines.append(f"{printable(folder / PICTURE)}: where everything lies")
    commands = [f": {shlex.join(command)}" for command in programmers(record, folder)] or [""]
    lines += [f"{printable(folder / name)}{printable(command)}" for name, command in zip(
        [record.bitstream, record.frames], commands, strict=False)]
    return "\n".join(lines)
