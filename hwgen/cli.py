"""The command line: reads options, calls the rooms, prints what they say."""

import argparse
import dataclasses
import importlib
import json
import os
import secrets
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .boards import BOARDS, Board, board
from .design import Design
from .errors import UserError
from .options import chosen_design, parser
from .table import table

if TYPE_CHECKING:
    from .tops import Top

__all__ = ["main"]

CHECKOUT = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done. 1: a test failed, or a needed tool does not work. 2: a mistake of the user's, told in
    one sentence. 130: interrupted.
    """
    try:
        options, rest = parser(COMMANDS).parse_known_args(arguments)
        if rest:
            options.parser.error(f"unrecognized arguments: {' '.join(rest)}")
        code = options.run(options)
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"hwgen: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        warnings.simplefilter("ignore")  # what is half-built is not worth a word
        print("hwgen: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as with `hwgen boards | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


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
    from .generate import write

    design = chosen_design(options)
    name = design.name if options.name is None else options.name
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise UserError(f"--name must be the name of a folder, not {name!r}")
    folder = Path(options.output or Path("rtl_out") / name)
    files = write(design, folder, chosen_top(options, design))
    if options.json:
        print_json({"name": name, "design": dataclasses.asdict(design), "folder": str(folder),
                    "files": [str(path) for path in files]})
    else:
        print(f"{name}: {design.rows} rows, {design.columns} columns, "
              f"{design.activations} activations, {design.weights} weights, {design.dataflow}")
        for path in files:
            print(f"  {path}")
    return 0


def chosen_top(options: argparse.Namespace, design: Design) -> "Top":
    """Return the top level that the options choose; only an accelerator has any but the first."""
    from .rtl.uart import bit_cycles
    from .tops import TOPS, uart

    if options.top != "stream" and not design.activation_memory:
        raise UserError(f"--top {options.top}: an array alone has no host; give the Design an "
                        "activation_memory, as that of ulx3s-85f has one")
    if options.top == "uart":
        return uart(bit_cycles(options.clock, options.baud))
    return TOPS[options.top]


def sim(options: argparse.Namespace) -> int:
    """Run benches and print what they gave."""
    regression = simulation()
    design = chosen_design(options)
    units = regression.units(options.unit)
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    results = []
    for unit in units:
        if not options.json and sys.stderr.isatty():
            print(f"{unit} ...", end="\r", file=sys.stderr, flush=True)
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
        raise UserError(f"hwgen sim needs {error.name}; `pip install -e .[sim]` brings it"
                        ) from error


def synth(options: argparse.Namespace) -> int:
    """Measure a Design, or what has changed of a list, with the tools that build it."""
    from .cost.results import update
    from .cost.synthesis import measure

    if options.list is not None:
        tell = partial(print, file=sys.stderr if options.json else sys.stdout, flush=True)
        known = update(Path(options.list), only=options.only, say=tell)
        if options.json:
            print_json({name: dataclasses.asdict(figures) for name, figures in known.items()})
        return 0
    design = chosen_design(options)
    if sys.stderr.isatty():
        print("building ...", end="\r", file=sys.stderr, flush=True)
    figures = measure(design, clock_mhz=options.clock, seeds=options.seeds,
                      insist=options.insist)
    if options.json:
        print_json(dataclasses.asdict(figures))
        return 0
    cells = design.rows * design.columns
    print(f"Design {design.name}, alone between registers, placed and routed")
    print(table(["device", "DSP", "LUT", "a cell", "FF", "a cell", "Fmax", "tools"], [[
        figures.device, figures.dsps, figures.luts, f"{figures.luts / cells:.1f}",
        figures.registers, f"{figures.registers / cells:.1f}", f"{figures.fmax_mhz} MHz",
        f"{sum(figures.seconds.values()):.0f} s"]]))
    print("limited by:")
    for step in figures.path:
        print(f"  {step}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Try every tool and say how it went."""
    from .doctor import examine, healthy

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
        print("Some tools that are needed do not work; `make setup` installs all but the "
              "system's.")
    return 0 if healthy(findings) else 1


def network_command(name: str, options: argparse.Namespace) -> int:
    """Run one of the commands that take a network, and print what it says."""
    from . import network_commands

    code, facts, text = getattr(network_commands, name)(options)
    if options.json:
        print_json(facts)
    else:
        print(text)
    return int(code)


def print_json(value: Any) -> None:
    """Print plain data."""
    print(json.dumps(value, indent=2))


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
