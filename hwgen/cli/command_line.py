"""The command line: lists the commands, runs one, and says in a sentence why it could not be done.

Each command is a module of its own, with what it takes, what it does, and its help: that is the
docstring of the module, but for the first line. So is the help of all in that of the package.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from types import ModuleType

from .. import __version__
from ..errors import UserError, is_outside
from ..text import PROGRESS, discard, safe_streams
from ..tools.find import cache_environment
from .parsing import Parser, refuse_rest

__all__ = ["COMMANDS", "main", "parser"]

COMMANDS = {
    "boards": "list the boards",
    "generate": "write the Verilog of a Design",
    "unroll": "write a small network as one pipeline of adders",
    "run": "run a network on a board, layer by layer",
    "faults": "flip bits of the simulated hardware, and say what comes of it",
    "cycles": "predict what a network takes, without simulating",
    "golden": "run a network in NumPy",
    "tune": "find the Design for networks and a board",
    "report": "show networks on a Design as a page of HTML",
    "compile": "write the Program of a network for a Design",
    "quantize": "make an int8 network of a float one",
    "prune": "set weights of an int8 network to 0",
    "sim": "run the benches of the units",
    "synth": "measure a Design with yosys and nextpnr",
    "build": "make a bitstream for a board",
    "program": "load a board with what was built",
    "doctor": "try every tool",
    "completion": "let a shell complete commands, options and names",
    "help": "explain the fields of a Design, or the units",
}
"""In the order of the help. Only the module of the command that is run is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done. 1: a test failed, or a needed tool does not work. 2: a mistake of the user's, told in
    one sentence. 130: interrupted.
    """
    with safe_streams():
        return run(arguments)


def run(arguments: Sequence[str] | None) -> int:
    """Run one command, and say in a sentence why it could not be done."""
    try:
        if sys.stdout is None:
            raise UserError("standard output is closed; > /dev/null throws away what is printed")
        try:
            words = list(sys.argv[1:] if arguments is None else arguments)
            options, rest = parser(words[:1]).parse_known_args(words)
            options.words, options.rest = words, rest
            if getattr(options, "unit", None) is None:  # a unit has options of its own
                refuse_rest(options)
            os.environ.update(cache_environment())
            with PROGRESS.watch(options.command, options.quiet):
                code = options.run(options)
            for note in getattr(options, "notes", []):  # where all else went well
                print(f"hwgen: {note}", file=sys.stderr)
            return code
        finally:  # also when help was asked for, which is a SystemExit
            sys.stdout.flush()
    except UserError as error:
        return report_error(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # as with `hwgen boards | head -1`
            discard(sys.stdout)
            return 141
        if not is_outside(error):
            raise
        name = f"{error.filename}: " if error.filename else ""
        return report_error(f"{name}{error.strerror}")
    except KeyboardInterrupt:
        warnings.simplefilter("ignore")  # what is half-built is not worth a word
        print("hwgen: interrupted", file=sys.stderr)
        return 130


def report_error(sentence: str) -> int:
    """Say what is wrong, and return the exit code."""
    print(f"hwgen: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def help_of(module: ModuleType) -> dict[str, str]:
    """Return the help that the docstring of a module has, examples apart."""
    about, found, examples = (module.__doc__ or "").partition("Examples:\n")
    return {"description": about.partition("\n\n")[2], "epilog": found.lower() + examples}


def parser(wanted: Iterable[str] = COMMANDS) -> Parser:
    """Return the parser of the command line, with the options of the commands that are wanted."""
    top = Parser(prog="hwgen", **help_of(sys.modules[__package__]))
    top.add_argument("--version", action="version", version=f"hwgen {__version__}",
                     help="print the version")
    chosen = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = chosen.add_parser(name, help=summary)
        if name in wanted:
            module = importlib.import_module(f".{name}", __package__)
            vars(command).update(help_of(module))
            command.set_defaults(run=module.run, parser=command)
            module.add_options(command)
            command.add_argument("--json", action="store_true", help="print JSON")
            command.add_argument("--quiet", action="store_true", help="show no progress")
    return top
