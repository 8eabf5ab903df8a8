"""`hwgen help`: what is explained once for all commands.

Explain the fields of a Design, which are options of all commands that take one, and keys of the
TOML files that --design reads; or the units that `hwgen generate --unit` writes, and their
parameters.
"""

import argparse
import dataclasses
from typing import Any

from ..arch.design import Design
from ..text import table
from .design import FIELDS, option_of
from .output import show

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("topic", metavar="TOPIC", choices=("design", "units"),
                         help="design or units")


def run(options: argparse.Namespace) -> int:
    """Explain the topic."""
    return units(options) if options.topic == "units" else fields(options)


def units(options: argparse.Namespace) -> int:
    """Explain the units."""
    from ..generate.unit import OF_DESIGNS, unit
    from ..generate.units import UNITS

    cycles = {name: unit(name).cycles for name in UNITS}
    facts = [{"unit": name, "about": kind.about, "by_default": cycles[name], "parameters": [
        {"name": each, "option": option_of(each), "about": parameter.about,
         "default": parameter.default, **range_of(parameter)}
        for each, parameter in kind.parameters.items()]} for name, kind in UNITS.items()]
    rows: list[list[str]] = []
    for name, kind in UNITS.items():
        rows.append([name, "", ", ".join(f"{each} {count}" for each, count in cycles[name].items()),
                     kind.about])
        rows += [["", option_of(each), parameter.values, f"{parameter.about} (default: "
                  + ("off" if parameter.default is False else str(parameter.default)) + ")"]
                 for each, parameter in kind.parameters.items()]
    text = table(["unit", "parameter", "values", "meaning"], rows)
    return show(options, {"units": facts, "of_designs": list(OF_DESIGNS)},
                f"{text}\n\nLatency, from an input to its result, and interval, from result to "
                "result at best, are in\ncycles, with the default of each parameter.\n\n"
                "A Design's fields (`hwgen help design`) are the parameters of:\n"
                f"{', '.join(OF_DESIGNS)}.")


def range_of(parameter: Any) -> dict[str, Any]:
    """Return what a parameter may be, as plain data."""
    if isinstance(parameter.default, bool):
        return {"type": "flag"}
    if isinstance(parameter.default, int):
        return {"type": "integer", "low": parameter.low, "high": parameter.high}
    return {"type": "choice", "choices": list(parameter.choices)}


def fields(options: argparse.Namespace) -> int:
    """Explain the fields of a Design."""
    defaults = {field.name: field.default for field in dataclasses.fields(Design)}
    facts = [{"field": name, "option": option_of(name), "value": value, "default": defaults[name],
              "meaning": meaning} for name, (value, meaning) in FIELDS.items()]
    return show(options, {"fields": facts}, table(
        ["option", "default", "meaning"],
        [[f"{fact['option']} {fact['value']}".strip(),
          "" if fact["default"] is None else str(fact["default"]), fact["meaning"]]
         for fact in facts]))
