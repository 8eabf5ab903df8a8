"""The options that choose a Design: a preset or a file, and single fields of it."""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..arch.design import SPARSE, SYSTOLIC, Design
from ..arch.fitting import fitting
from ..errors import UserError
from ..tools.untrusted import read_toml
from .parsing import integer

__all__ = ["FIELDS", "add_design", "chosen_design", "command_with", "design_given", "differences",
           "given_fields", "option_of"]

FIELDS: Mapping[str, Sequence[str]] = read_toml(Path(__file__).with_name("fields.toml"))
"""What stands for a value of each field, and what the field is."""


def option_of(field: str) -> str:
    """Return the option of a field."""
    return f"--{field.replace('_', '-')}"


def add_design(command: argparse.ArgumentParser) -> None:
    """Add the options that choose a Design."""
    command.add_argument("--design", metavar="D",
                         help="start from a board's preset (see `hwgen boards`) or a TOML file; "
                         "fields of it are options, such as --rows 8, which `hwgen help design` "
                         "explains")
    for field in dataclasses.fields(Design):
        if isinstance(field.default, bool):
            command.add_argument(option_of(field.name), action="store_const", const=True,
                                 dest=field.name, help=argparse.SUPPRESS)
        else:
            is_text = isinstance(field.default, str) or field.name in ("device", "external")
            command.add_argument(option_of(field.name), metavar=FIELDS[field.name][0],
                                 type=str if is_text else integer, help=argparse.SUPPRESS)


def given_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a Design that options give."""
    return {name: value for name in FIELDS if (value := getattr(options, name)) is not None}


def design_given(options: argparse.Namespace) -> bool:
    """Return whether options choose a Design, or any field of it."""
    return options.design is not None or bool(given_fields(options))


def chosen_design(options: argparse.Namespace) -> Design:
    """Return the Design that the options choose."""
    design = Design.load(options.design) if options.design is not None else Design()
    given = given_fields(options)
    if given.get("family", design.family) != design.family:
        given = {"device": None, "dsps": None} | given  # those were the other family's
    engine = given.get("engine", design.engine)
    if engine != design.engine:  # nor are these fields of all engines
        others = [*(SYSTOLIC if engine in ("bitserial", "binary") else ()),
                  *(SPARSE if engine != "sparse" else ())]
        given = {name: getattr(Design, name) for name in others} | given
    if not given:
        return design
    try:
        return design.replace(**given)
    except UserError as error:
        return adapt_design(options, design, given, error)


def adapt_design(options: argparse.Namespace, design: Design, given: Mapping[str, Any],
                 error: UserError) -> Design:
    """Return a Design that has the fields ``given`` and is otherwise as near as may be to another.

    Fields of a preset or a file follow those that are given, and what became of them is told.
    Where nothing can follow, or no Design is named, the ``error`` is, with a command that would do.
    """
    values = dataclasses.asdict(design) | dict(given)
    own = given_fields(options)
    found = fitting(values, [*own])
    if found and options.design is not None:
        changes = ", ".join(f"{name} is {new!r}, not {old!r}"
                            for name, (old, new) in differences(values, found).items())
        print(f"hwgen: to fit the options, {changes}", file=sys.stderr)
        return found
    found = found or fitting(values, ())
    changed = differences(values, found) if found else {}
    if not changed or {*changed} <= {*own} and len(changed) == 1:  # as the error says
        raise error
    all_of_them = f"; to be given or changed: {', '.join(changed)}" if len(changed) > 1 else ""
    raise UserError(f"{error}{all_of_them}; this would do: "
                    f"`{command_with(options.words, changed)}`") from error


def differences(values: Mapping[str, Any], design: Design) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which a Design is not as wanted: what was wanted, and what it has."""
    return {name: (values[name], getattr(design, name)) for name in FIELDS
            if values[name] != getattr(design, name)}


def command_with(words: Sequence[str], changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Return a command with other values of some fields of its Design."""
    options = {option_of(name): new for name, (_, new) in changed.items()}
    kept, rest = [], iter(words)
    for word in rest:
        option = word.partition("=")[0]
        if option not in options:
            kept.append(word)
        elif "=" not in word and not isinstance(options[option], bool):
            next(rest, None)  # its value
    for option, new in options.items():
        if new is True:
            kept.append(option)
        elif new is not None and new is not False:
            kept += [option, str(new)]
    return shlex.join(["hwgen", *kept])
