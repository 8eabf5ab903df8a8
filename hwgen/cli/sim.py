"""`hwgen sim`: run the benches of the units.

Run the benches of the units on the Verilog of a Design, in a simulator, against the golden
model. A summary follows; exit code 1 says that a test failed. The random data differ from run to
run: the summary tells the seed, and --seed repeats it.

Examples:
  hwgen sim                                     all units, on an 8x8 array
  hwgen sim systolic --design icebreaker        one unit, on a board's preset
  hwgen sim csc --rows 16 --codebook            one with parameters of its own
  hwgen sim systolic --rows 2 --columns 2 --waves
                                                with a waveform in build/sim/
"""

import argparse
import dataclasses
import importlib
import secrets
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import UserError
from ..text import say
from ..tools.find import BENCHES, pip_command
from .design import add_design, chosen_design
from .output import show
from .parsing import refuse_rest, seed

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("unit", nargs="?", metavar="UNIT",
                         help="run this one only; its parameters are options, too (`hwgen help "
                         "units`), and follow the Design where they are not given")
    add_design(command)
    command.add_argument("--waves", action="store_true", help="write a waveform (dump.vcd)")
    command.add_argument("--simulator", choices=("verilator", "icarus"), default="verilator",
                         help="what simulates (default: verilator)")
    command.add_argument("--seed", type=seed, metavar="N",
                         help="seed of the random data (default: another one every time)")
    command.add_argument("-o", "--output", metavar="DIR", default="build/sim",
                         help="folder for logs and waveforms (default: build/sim)")


def run(options: argparse.Namespace) -> int:
    """Run benches and print what they gave."""
    regression = simulation()
    units = regression.units(options.unit)
    given = unit_parameters(options)
    design = chosen_design(options)
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    results = []
    for unit in units:
        if not options.json:
            say(unit)
        results.append(regression.simulate(
            unit, design, Path(options.output), simulator=options.simulator,
            waves=options.waves, seed=seed, given=given))
    about = " ".join([f"Unit {options.unit}", *(f"{name}={value}" for name, value
                                                in given.items())])
    show(options, {"design": dataclasses.asdict(design), "seed": seed,
                   "benches": [result.to_dict() for result in results]},
         regression.summary(about if given else f"Design {design.name}", results, seed))
    return 0 if all(result.passed for result in results) else 1


def unit_parameters(options: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters that are given of the one unit that is run, and are no Design's."""
    from ..generate.units import UNITS
    from .unit_options import given_parameters

    if options.unit in UNITS:
        given = given_parameters(options.unit, options)
        vars(options).update(dict.fromkeys(given))  # so they are no fields of the Design
        return given
    refuse_rest(options)
    return {}


def simulation() -> ModuleType:
    """Return what runs benches."""
    if str(BENCHES) not in sys.path:
        sys.path.insert(0, str(BENCHES))
    try:
        return importlib.import_module("sim.regression")
    except ModuleNotFoundError as error:
        raise UserError(f"hwgen sim needs {error.name}; `{pip_command('sim')}` brings it"
                        ) from error
