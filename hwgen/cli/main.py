"""The command line: reads options, calls the rooms, prints what they say."""

import argparse
import dataclasses
import importlib
import os
import secrets
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..arch.boards import BOARDS, Board, board
from ..arch.design import Design
from ..arch.fitting import MISSING, fitting
from ..errors import UserError, is_outside
from ..text import discard, json_text, printable, safe_streams, say, table
from ..tools.find import CHECKOUT, cache_environment, pip_command
from .options import chosen_design, command_with, differences, parser

if TYPE_CHECKING:
    from ..rtl.tops.catalogue import Top

__all__ = ["main"]


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
            options, rest = parser(COMMANDS).parse_known_args(arguments)
            options.words = list(sys.argv[1:] if arguments is None else arguments)
            if rest:
                options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
            os.environ.update(cache_environment())
            code = options.run(options)
            for note in getattr(options, "notes", []):  # where all else went well
                print(f"hwgen: {note}", file=sys.stderr)
            return code
        finally:  # also when help was asked for, which is a SystemExit
            sys.stdout.flush()
    except UserError as error:
        return told(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # as with `hwgen boards | head -1`
            discard(sys.stdout)
            return 141
        if not is_outside(error):
            raise
        name = f"{error.filename}: " if error.filename else ""
        return told(f"{name}{error.strerror}")
    except KeyboardInterrupt:
        warnings.simplefilter("ignore")  # what is half-built is not worth a word
        print("hwgen: interrupted", file=sys.stderr)
        return 130


def told(sentence: str) -> int:
    """Say what is wrong, and return the exit code."""
    print(f"hwgen: {' '.join(sentence.split())}", file=sys.stderr)
    return 2


def boards(options: argparse.Namespace) -> int:
    """List the boards, or show one."""
    if options.name is not None:
        show_board(board(options.name), options.json)
    elif options.json:
        print_json([found.to_dict() for found in BOARDS.values()])
    else:
        print(table(
            ["name", "board", "chip", "clock", "LUTs", "multipliers", "memory", "preset"],
            [[b.name, b.title, b.device, f"{b.clock_mhz:g} MHz", b.luts, b.multipliers,
              f"{b.memory_bits // 8192} KB", preset(b)] for b in BOARDS.values()]))
    return 0


def preset(found: Board) -> str:
    """Return a board's preset Design in a word."""
    return f"{found.design.get('rows')}x{found.design.get('columns')}"


def show_board(found: Board, as_json: bool) -> None:
    """Print everything about one board."""
    if as_json:
        print_json(found.to_dict())
        return
    facts = found.to_dict()
    design = facts.pop("design")
    for name, fields in {"design": design, **{f"designs.{other}": fields for other, fields
                                              in facts.pop("designs").items()}}.items():
        facts |= {f"{name}.{field}": value for field, value in fields.items()}
    print(table(["field", "value"], list(facts.items())))


def generate(options: argparse.Namespace) -> int:
    """Write a Design's files."""
    from ..arch.names import identifier_of
    from ..generate import module, write

    design = chosen_design(options)
    name = design.name if options.name is None else options.name
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise UserError(f"--name must be the name of a folder, not {name!r}")
    top, serial, said = chosen_top(options, design)
    if options.name is not None:
        top = top.named(identifier_of(name))
    folder = Path(options.output or Path("rtl_out") / name)
    files = write(design, folder, top)
    if options.json:
        print_json({"name": name, "module": module(design, top),
                    "design": dataclasses.asdict(design),
                    "fingerprint": f"0x{design.fingerprint:08x}", **serial, "folder": str(folder),
                    "files": [str(path) for path in files]})
    else:
        print(f"{printable(name)}: {design.rows} rows, {design.columns} columns, "
              f"{design.activations} activations, {design.weights} weights, {design.dataflow}"
              + f", rounding {design.rounding!r}" * bool(design.activation_memory))
        for line in said:
            print(f"  {line}")
        for path in files:
            print(f"  {printable(path)}")
    return 0


def chosen_top(options: argparse.Namespace,
               design: Design) -> tuple["Top", dict[str, Any], list[str]]:
    """Return the top level that the options choose, and what is to be said of its clock.

    Only an accelerator has any but the first.
    """
    from ..build.clock import board_named, clock_of
    from ..rtl.links.uart import bit_cycles
    from ..rtl.tops.catalogue import TOPS, uart

    if options.top != "stream" and not design.activation_memory:
        values = dataclasses.asdict(design)
        found = fitting(values | {"activation_memory": MISSING["activation_memory"]}, ())
        command = command_with(options.words, differences(values, found)) if found else \
            f"hwgen generate --design ulx3s-85f --top {options.top}"
        raise UserError(f"--top {options.top}: an array alone has no host, and without an "
                        f"activation_memory the Design is one; this would do: `{command}`")
    if options.top != "uart":
        return TOPS[options.top], {}, []
    clock = clock_of(design, board_named(None, options.design, design), options.clock)
    if clock.mhz is None:
        raise UserError(f"--clock is missing, of which the baud is made: {clock.why}")
    cycles = bit_cycles(clock.mhz, options.baud)
    facts = clock.facts(cycles)
    del facts["milliseconds"]
    return uart(cycles), {"baud": options.baud, "bit_cycles": cycles, **facts}, [
        f"a bit takes {cycles} cycles: {options.baud} baud at {clock.mhz:g} MHz, {clock.why}"]


def sim(options: argparse.Namespace) -> int:
    """Run benches and print what they gave."""
    regression = simulation()
    design = chosen_design(options)
    units = regression.units(options.unit)
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    results = []
    for unit in units:
        if not options.json:
            say(unit)
        results.append(regression.simulate(
            unit, design, Path(options.output), simulator=options.simulator,
            waves=options.waves, seed=seed))
    if options.json:
        print_json({"design": dataclasses.asdict(design), "seed": seed,
                    "benches": [result.to_dict() for result in results]})
    else:
        print(regression.summary(design, results, seed))
    return 0 if all(result.passed for result in results) else 1


def simulation() -> ModuleType:
    """Return what runs benches; it lies in the checkout, beside this package."""
    if not (CHECKOUT / "sim" / "regression.py").exists():
        raise UserError("hwgen sim needs the benches of a checkout; clone the repository and "
                        "`pip install -e .[sim]` there")
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    try:
        return importlib.import_module("sim.regression")
    except ModuleNotFoundError as error:
        raise UserError(f"hwgen sim needs {error.name}; `{pip_command('sim')}` brings it"
                        ) from error


def synth(options: argparse.Namespace) -> int:
    """Measure a Design, or what has changed of a list, with the tools that build it."""
    from ..build.clock import board_named
    from ..measure.results import update
    from ..measure.synthesis import measure
    from ..tools.fullness import words

    if options.list is not None:
        tell = partial(print, file=sys.stderr if options.json else sys.stdout, flush=True)
        known = update(Path(options.list), only=options.only, say=tell)
        if options.json:
            print_json({name: dataclasses.asdict(figures) for name, figures in known.items()})
        return 0
    design = chosen_design(options)
    say("building")
    at = board_named(options.board, options.design, design) if design.device else None
    figures = measure(design, clock_mhz=options.clock, seeds=options.seeds,
                      insist=options.insist, at=at)
    if options.json:
        print_json(dataclasses.asdict(figures))
        return 0
    cells = design.rows * design.columns
    print(f"Design {design.name}, alone between registers, placed and routed")
    print(table(["device", "DSP", "LUT", "a cell", "FF", "a cell", "Fmax", "tools"], [[
        figures.device, figures.dsps, figures.luts, f"{figures.luts / cells:.1f}",
        figures.registers, f"{figures.registers / cells:.1f}", f"{figures.fmax_mhz} MHz",
        f"{sum(figures.seconds.values()):.0f} s"]]))
    print(f"of the chip: {words(figures.utilization)}")
    print("limited by:")
    for step in figures.path:
        print(f"  {step}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Try every tool and say how it went."""
    from ..tools.doctor import examine, healthy

    findings = []
    for finding in examine():
        findings.append(finding)
        if not options.json:
            mark = finding.status if finding.needed or finding.status == "ok" else "optional"
            print(f"{finding.tool:<14} {mark:<8} {finding.version:<18} {finding.what}"
                  + (f" -- {finding.remedy}" if finding.remedy else ""), flush=True)
    if options.json:
        print_json({"ok": healthy(findings), "tools": [vars(finding) for finding in findings]})
    elif not healthy(findings):
        setup = "make setup" if (CHECKOUT / "Makefile").exists() else pip_command("all")
        print(f"Some tools that are needed do not work; `{setup}` installs all but the system's.")
    return 0 if healthy(findings) else 1


def network_command(name: str, options: argparse.Namespace) -> int:
    """Run one of the commands that take a network, and print what it says."""
    from . import networks as network_commands

    code, facts, text = getattr(network_commands, name)(options)
    if options.json:
        print_json(facts)
    else:
        print(text)
    return int(code)


def print_json(value: Any) -> None:
    """Print plain data."""
    print(json_text(value, indent=2))


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "boards": boards, "generate": generate, "run": partial(network_command, "run_network"),
    "cycles": partial(network_command, "cycles"),
    "golden": partial(network_command, "golden_model"),
    "tune": partial(network_command, "tune"), "report": partial(network_command, "report"),
    "compile": partial(network_command, "compile_to_file"),
    "quantize": partial(network_command, "quantize"),
    "prune": partial(network_command, "prune"),
    "sim": sim, "synth": synth, "build": partial(network_command, "build"),
    "program": partial(network_command, "program"), "doctor": doctor,
}
