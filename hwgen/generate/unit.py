# amaranth: UnusedElaboratable=no
"""A unit alone: from its parameters to its files."""

import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..arch.design import Design
from ..errors import UserError, closest
from ..text import Shown, ShownTable
from ..tools.files import write_texts
from .conversion import convert, waivers
from .port_list import ports_page
from .units import NAMED, UNITS

__all__ = ["OF_DESIGNS", "Unit", "accelerator_of", "binary_of", "unit"]


@dataclass(frozen=True, repr=False)
class Unit(Shown):
    """A unit with its parameters: what :func:`unit` returns.

    Members
    -------
    name : str
    parameters : mapping
        All of them, those that are the default included.
    component : wiring.Component
        In Amaranth, for a system of one's own.
    """

    name: str
    parameters: Mapping[str, Any]
    component: Any

    @property
    def golden(self) -> ModuleType:
        """The module of its golden model."""
        return importlib.import_module(f"..golden.{UNITS[self.name].golden}", __package__)

    @property
    def cycles(self) -> dict[str, int]:
        """Its latency, and its interval if that does not depend on the data."""
        return {name: getattr(self.component, name) for name in ("latency", "interval")
                if hasattr(self.component, name)}

    @property
    def timing(self) -> str:
        """When its results come."""
        cycles = ", ".join(f"{name} {count}" for name, count in self.cycles.items())
        return f"{UNITS[self.name].timing.format(**NAMED, **self.cycles)} In cycles: {cycles}."

    @property
    def summary(self) -> str:
        """What it is, and when its results come."""
        return f"Unit {self.title}: {self.timing}"

    def _view_(self) -> list[str | ShownTable]:
        """Return what it does, and a table of its parameters."""
        kind = UNITS[self.name]
        columns = dict.fromkeys(("parameter", "value", "values", "meaning"), str)
        return [kind.about, ShownTable(columns, [
            (name, self.parameters[name], each.values, each.about)
            for name, each in kind.parameters.items()])]

    @property
    def title(self) -> str:
        """Its name and its parameters, in a line."""
        return " ".join([self.name, *(f"{name}={value}" for name, value
                                      in self.parameters.items())])

    def verilog(self, module: str = "") -> str:
        """Return its Verilog: the same text for the same parameters, always.

        The names of all modules begin with that of the top one, if that is given.
        """
        return convert(lambda: self.component, module or self.name, f"the unit {self.title}",
                       module)

    def port_table(self, module: str = "") -> str:
        """Return its ports and its timing as a Markdown page."""
        about = f"{UNITS[self.name].about[0].upper()}{UNITS[self.name].about[1:]}. {self.timing}"
        return ports_page(f"# Ports of `{module or self.name}`", about, self.component)

    def write(self, folder: str | os.PathLike[str], module: str = "") -> list[Path]:
        """Write its files into ``folder``, all of them or none, and return their paths."""
        texts = {f"{module or self.name}.v": self.verilog(module),
                 "ports.md": self.port_table(module),
                 "lint.vlt": waivers(self.parameters.get("family", "generic"), module),
                 "unit.json": json.dumps({"unit": self.name, "parameters": self.parameters,
                                          **self.cycles}, indent=1) + "\n"}
        return write_texts(Path(folder), texts)


def unit(name: str, **parameters: Any) -> Unit:
    """Return a unit alone: its component, its golden model, and its files.

    >>> unit = hwgen.unit("csc", rows=16, codebook=True)
    >>> unit.cycles
    {'latency': 2, 'interval': 1}
    >>> unit.golden.__name__
    'hwgen.golden.sparse.decoder'
    >>> [path.name for path in unit.write("decoder")]
    ['csc.v', 'ports.md', 'lint.vlt', 'unit.json']

    Parameters
    ----------
    name : str
        One of those that `hwgen help units` lists, with their parameters.
    parameters
        Those that are not the default; a :class:`UserError` names the one that is wrong.
    """
    if name not in UNITS:
        raise UserError(f"there is no unit {name!r}{closest(name, UNITS)}; there are "
                        f"{', '.join(sorted(UNITS))}")
    kind = UNITS[name]
    for given in parameters:
        if given not in kind.parameters:
            raise UserError(f"unit {name} has no parameter {given!r}"
                            f"{closest(given, kind.parameters)}; it has "
                            f"{', '.join(kind.parameters) or 'none'}")
    chosen = {each: parameters.get(each, parameter.default)
              for each, parameter in kind.parameters.items()}
    for each, parameter in kind.parameters.items():
        if not parameter.accepts(chosen[each]):
            raise UserError(f"{each} of unit {name} must be {parameter.values}, not "
                            f"{chosen[each]!r}")
    try:
        return Unit(name, chosen, kind.make(**chosen))
    except (TypeError, ValueError) as error:
        raise UserError(f"unit {name}: {error}") from error


OF_DESIGNS = ("systolic", "binary", "accelerator", "accelerator-axi", "accelerator-spi",
              "accelerator-uart", "accelerator-wishbone")
"""Units that a Design describes: an array alone, and whole accelerators in their top levels."""


def accelerator_of(design: Design) -> Design:
    """Return the Design of a whole accelerator: this one, or a small one with about its array."""
    if design.activation_memory:
        return design
    rows, columns = (min(max(side, 4), 32) for side in (design.rows, design.columns))
    lines = min(design.lines, 3)
    return Design(rows=rows, columns=columns, lines=lines, lanes=min(columns, 3),
                  activation_memory=64 * max(rows, columns, 16), program_memory=400 * columns,
                  partial_sums=24, line_pixels=12 if lines > 1 else 0, steps=12,
                  family=design.family)


def binary_of(design: Design) -> Design:
    """Return the Design of a binary accelerator: this one, or one of about its array's size."""
    if design.engine == "binary":
        return design
    columns = min(max(design.columns, 4), 32)
    return Design(engine="binary", rows=min(max(design.rows, 4), 8), columns=columns,
                  lanes=next(lanes for lanes in (4, 2, 1) if columns % lanes == 0),
                  activation_memory=1024, program_memory=500 * columns, partial_sums=1, steps=4,
                  family=design.family)
