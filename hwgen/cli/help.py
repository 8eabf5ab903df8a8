"""`hwgen help`: what is explained once for all commands."""

import argparse
import dataclasses

from ..arch.design import Design
from ..text import table
from .design import FIELDS, option_of
from .output import show
from .parsing import add_json

__all__ = ["DESCRIPTION", "add_options", "run"]

DESCRIPTION = """\
Explain the fields of a Design, which are options of all commands that take one, and keys of the
TOML files that --design reads.
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("topic", metavar="TOPIC", choices=("design",), help="design")
    add_json(command)


def run(options: argparse.Namespace) -> int:
    """Explain the topic."""
    defaults = {field.name: field.default for field in dataclasses.fields(Design)}
    facts = [{"field": name, "option": option_of(name), "value": value, "default": defaults[name],
              "meaning": meaning} for name, (value, meaning) in FIELDS.items()]
    return show(options, {"fields": facts}, table(
        ["option", "default", "meaning"],
        [[f"{fact['option']} {fact['value']}".strip(),
          "" if fact["default"] is None else str(fact["default"]), fact["meaning"]]
         for fact in facts]))
