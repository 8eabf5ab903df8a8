"""The pages that are made of the code: commands, fields of a Design, boards, units, operators.

``python -m docs.site.reference docs`` writes them.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

from hwgen.arch.boards import BOARDS, Board
from hwgen.arch.design import Design
from hwgen.cli.command_line import COMMANDS, parser
from hwgen.cli.design import FIELDS
from hwgen.generate.unit import OF_DESIGNS, unit
from hwgen.generate.units import UNITS
from hwgen.text import count, markdown

from .operators import operators

__all__ = ["PAGES", "write"]

WAVES = Path(__file__).parents[1] / "waves"
MADE = "This page is made of the code by `python -m docs.site.reference docs`."
COMMANDS_HEAD = f"""\
# Commands

What `hwgen COMMAND --help` says. {MADE}

Every command takes `--json`, which prints JSON, and `--quiet`, which shows no progress.
`--design D` takes a preset of a [board](presets.md) or a TOML file; with it, each field of a
[Design](design.md) is an option, too.

Exit codes: 0, done; 1, a test failed, or a needed tool does not work; 2, a mistake in what was
asked, told in one sentence; 130, interrupted.
"""
FIELDS_HEAD = f"""\
# Fields of a Design

A Design says all that fixes an accelerator before synthesis. In a TOML file, as `rows = 8`; on the
command line, as `--rows 8` (`hwgen help design`); in Python, as `hwgen.Design(rows=8)`. {MADE}

Fields are checked together, before anything runs: an error names the field and a command that
works. Fields of a preset follow those that options change, and the command says which. What is 0,
`False` or empty by default costs nothing in hardware.
"""
PRESETS_HEAD = f"""\
# Boards and presets

All boards that hwgen knows, and the Designs that come with them (`hwgen boards`). {MADE}

[boards.md](boards.md) explains bitstreams, clocks and how to add a board; what was placed, and at
which clock, is [there](boards.md#measured), too. No board has run any of it.
"""
UNITS_HEAD = f"""\
# Units and their parameters

What `hwgen generate --unit NAME` and `hwgen.unit(NAME)` take ([units.md](units.md)). {MADE}

Latency is the cycles from an input to its result, interval those from result to result at best,
with the default of each parameter. Timing diagrams are of the examples in
[rtl_out](../rtl_out/README.md). These take the fields of a [Design](design.md):
{", ".join(f"`{name}`" for name in OF_DESIGNS)}.
"""


def commands() -> str:
    """Return the page of the command line."""
    top = parser()
    known = next(action.choices for action in top._actions if action.dest == "command")
    assert isinstance(known, dict)
    return "\n".join([
        COMMANDS_HEAD,
        *markdown(["command", "does"], [[f"[{name}](#hwgen-{name})", about]
                                        for name, about in COMMANDS.items()]), "",
        *[line for name, command in known.items() for line in of_command(name, command)]])


def of_command(name: str, command: argparse.ArgumentParser) -> list[str]:
    """Return what the page has of a command."""
    rows = []
    for action in command._actions:
        if action.help not in (argparse.SUPPRESS, None) and action.dest not in (
                "help", "json", "quiet"):
            value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else
                                       action.dest.upper()) if action.nargs != 0 else ""
            if isinstance(value, tuple):
                value = " ".join(value)
            dots = " ..." * (action.nargs in ("+", "*"))
            words = ", ".join(action.option_strings)
            rows.append([f"`{f'{words} {value}{dots}'.strip()}`",
                         " ".join(str(action.help).replace("%%", "%").split())])
    examples = (command.epilog or "").partition(":\n")[2].rstrip()
    return [f"## hwgen {name}", "", *paragraphs(command.description or COMMANDS[name]), "",
            *markdown(["argument", "meaning"], rows), "",
            *(["```text", examples, "```", ""] if examples else [])]


def paragraphs(text: str) -> list[str]:
    """Return a help text as Markdown: what is no sentence of Markdown stays as it is."""
    return [line.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
            for line in text.strip().splitlines()]


def fields() -> str:
    """Return the page of a Design's fields."""
    defaults = {field.name: field.default for field in dataclasses.fields(Design)}
    return "\n".join([
        FIELDS_HEAD,
        *markdown(["field", "value", "default", "meaning"], [
            [f"`{name}`", f"`{value}`" if value else "", "" if defaults[name] is None else
             f"`{defaults[name]}`", meaning] for name, (value, meaning) in FIELDS.items()]), "",
        "[README](../README.md#features) says more of the most common ones.", ""])


def presets() -> str:
    """Return the page of boards and their presets."""
    rows, loading, designs = [], [], []
    for name, board in BOARDS.items():
        rows.append([f"`{name}`", board.title, board.device, f"{board.clock_mhz:g}",
                     count(board.luts), count(board.multipliers),
                     f"{board.memory_bits / 8192:,.0f} KB"])
        loading.append([f"`{name}`", f"`{board.programmer}`", pins_of(board)])
        for own in ["", *board.designs]:
            preset = Design.load(f"{name}:{own}" if own else name)
            designs.append([f"`{f'{name}:{own}' if own else name}`", preset.engine,
                            f"{preset.rows}x{preset.columns}", str(preset.lines),
                            str(preset.lanes), count(preset.activation_memory),
                            count(preset.program_memory), "yes" if preset.compact else ""])
    return "\n".join([
        PRESETS_HEAD,
        *markdown(["board", "is", "chip", "crystal, MHz", "LUTs", "multipliers", "block RAM"],
                  rows), "", "## Programming and the serial port", "",
        "`hwgen program` runs the command, with the files of a build in place of the braces.",
        "[first-board.md](first-board.md) goes through it.", "",
        *markdown(["board", "loaded by", "serial port"], loading), "", "## Presets", "",
        "What `--design` takes. Memories in bytes.", "",
        *markdown(["preset", "engine", "array", "lines", "lanes", "activations", "program",
                   "compact"], designs), ""])


def pins_of(board: Board) -> str:
    """Return where the serial port of a board is."""
    if not board.serial:
        return "its USB"
    where = board.serial.get("connector")
    pins = f"rx {board.serial['rx']}, tx {board.serial['tx']}"
    return f"an adapter at {pins}" + f" of connector `{where}`" * bool(where)


def units() -> str:
    """Return the page of units and their parameters."""
    parts = [UNITS_HEAD]
    for name, kind in UNITS.items():
        cycles = ", ".join(f"{each} {number}" for each, number in unit(name).cycles.items())
        parts += [f"## {name}", "",
                  sentence(kind.about) + f" {cycles.capitalize()}." * bool(cycles), ""]
        if (WAVES / f"{name}.svg").exists():
            parts += [f"![A timing diagram of {name}](waves/{name}.svg)", ""]
        if kind.parameters:
            parts += [*markdown(["parameter", "values", "default", "meaning"], [
                [f"`{each}`", parameter.values, str(parameter.default), parameter.about]
                for each, parameter in kind.parameters.items()]), ""]
    return "\n".join(parts)


def sentence(text: str) -> str:
    """Return what stands beside a name in a list as a sentence."""
    return f"{text[:1].upper()}{text[1:]}.".replace("*", "\\*")


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands, "design.md": fields, "presets.md": presets,
    "unit-parameters.md": units, "operators.md": operators}


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
