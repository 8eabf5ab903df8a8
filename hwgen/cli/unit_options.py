"""The parameters of a unit as options of a command."""

import argparse
from collections.abc import Sequence
from typing import Any

from ..errors import UserError
from ..generate.units import UNITS, Flag, Whole
from .design import FIELDS, given_fields, option_of
from .parsing import Parser, integer

__all__ = ["given_parameters", "parameters_of"]


def parameters_of(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of a unit that are given, and refuse what is none.

    Some have the names of fields of a Design, and were read as these; ``options.rest`` has others.
    """
    known = UNITS[name].parameters
    if options.design is not None:
        raise UserError(f"--design must be left out: unit {name} is not made of a Design, but of "
                        f"{', '.join(map(option_of, known)) or 'nothing'}")
    for field in given_fields(options):
        if field not in known:
            raise UserError(f"{option_of(field)} is no parameter of unit {name}; it has "
                            f"{', '.join(map(option_of, known)) or 'none'}")
    return given_parameters(name, options)


def given_parameters(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of a unit that are given, also beside those of a Design."""
    known = UNITS[name].parameters
    given = {field: value for field, value in given_fields(options).items() if field in known}
    return given | read(name, options.rest)


def read(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Read the parameters that no Design has."""
    parser = Parser(prog="hwgen help units", add_help=False)
    for each, parameter in UNITS[name].parameters.items():
        if each in FIELDS:
            continue
        if isinstance(parameter, Flag):
            parser.add_argument(option_of(each), action="store_const", const=True)
        else:
            parser.add_argument(option_of(each),
                                type=integer if isinstance(parameter, Whole) else str)
    found, unknown = parser.parse_known_args(words)
    if unknown:
        known = ", ".join(map(option_of, UNITS[name].parameters)) or "none"
        raise UserError(f"unit {name} has no parameter {unknown[0]}; it has {known} "
                        "(`hwgen help units` explains)")
    return {each: value for each, value in vars(found).items() if value is not None}
