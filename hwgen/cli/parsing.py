"""How the command line reads words: parsers whose errors are one sentence, and types of values."""

import argparse
import re
from typing import Any, NoReturn

from ..arch.frames import HIGHEST_BAUD, LOWEST_BAUD
from ..errors import UserError, closest
from ..measure.place_and_route import LARGEST_SEED

__all__ = ["BAUD", "Parser", "add_baud", "add_clock", "baud", "integer", "megahertz",
           "number", "refuse_rest", "seed"]

BAUD = 1_000_000
"""Bits a second of a serial port where nothing is said."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, not a page of usage."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Raise the :class:`UserError` that says what is wrong and where to read more."""
        message = re.sub(r"^argument (\S+): (takes )?", lambda m: f"{m[1]} takes " if m[2]
                         else f"{m[1]}: ", message)
        command = re.match(r"COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", message)
        unknown = re.match(r"unrecognized arguments: (\S+)", message)
        if message == "the following arguments are required: COMMAND":
            message = "a command is missing"
        elif command:
            known = re.findall(r"[a-z]+", command[2])
            message = f"there is no command {command[1]!r}{closest(command[1], known)}"
        elif unknown and unknown[1].startswith("-"):
            options = list(self._option_string_actions)
            message = (f"there is no option {unknown[1]}"
                       f"{closest(unknown[1].partition('=')[0], options)}")
        elif unknown:
            message = f"there is one word too many, {unknown[1]!r}"
        raise UserError(f"{message} (`{self.prog} --help` explains)")


def integer(text: str) -> int:
    """Read an integer; Design checks whether it will do."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes an integer, not {text!r}") from None


def number(text: str) -> float:
    """Read a number; who uses it checks whether it will do."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a number, not {text!r}") from None


def seed(text: str) -> int:
    """Read a seed, as the tools take them."""
    if not text.isdecimal() or len(text) > len(str(LARGEST_SEED)) or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"takes an integer from 0 to {LARGEST_SEED}, not {text!r}")
    return int(text)


def megahertz(text: str) -> float:
    """Read a frequency."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"takes MHz from 1 to 1000, not {text!r}")
    return value


def baud(text: str) -> int:
    """Read a baud rate."""
    if not text.isdecimal() or not LOWEST_BAUD <= int(text) <= HIGHEST_BAUD:
        raise argparse.ArgumentTypeError(f"takes {LOWEST_BAUD} to {HIGHEST_BAUD} bits a second, "
                                         f"not {text!r}")
    return int(text)


def add_baud(command: argparse.ArgumentParser) -> None:
    """Add the option that tells how fast a serial port is."""
    command.add_argument("--baud", type=baud, metavar="BAUD", default=BAUD,
                         help=f"bits a second of the serial port (default: {BAUD})")


def add_clock(command: argparse.ArgumentParser) -> None:
    """Add the option that says at which clock times are told."""
    command.add_argument("--clock", type=megahertz, metavar="MHZ",
                         help="the accelerator's clock (default: the one that a recorded build of "
                         "the Design, or of each, has met, or what may be expected)")


def refuse_rest(options: argparse.Namespace) -> None:
    """Refuse words that a command has no use for."""
    if options.rest:
        options.parser.error(f"unrecognized arguments: {' '.join(options.rest)}")
