"""The page of the Python API, docs/api.md, from the docstrings.

``python -m hwgen.report.docs_tables.api docs/api.md`` writes it.
"""

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import hwgen

from ...arch.boards import Board
from ...build.record import Record
from ...compress.quantize import Quantised
from ...generate.hardware import Hardware
from ...generate.unit import Unit
from ...generate.unrolled import Unrolled
from ...network.graph import Network
from ...predict.mixed_precision import MixedNetwork
from ...predict.pruning import Pruned
from ...runtime.compiled import Compiled
from ...runtime.faults.faults import Faults
from ...runtime.simulate import Simulation
from ...tune.tuned import Tuned
from ..designs import Report

__all__ = ["RESULTS", "reference"]

GROUPS = {
    "Networks": ("read", "quantize", "quantize_mixed", "prune"),
    "Designs and boards": ("Design", "boards", "tune"),
    "A network on a Design": ("compile", "simulate", "faults", "report", "build"),
    "Hardware": ("generate", "unit", "unroll", "component", "model", "port_table", "verilog",
                 "write"),
    "Errors": ("UserError",)}
"""The names, in the order of the page."""

RESULTS: tuple[type, ...] = (Network, Quantised, MixedNetwork, Pruned, Board, Tuned, Compiled,
                             Simulation, Faults, Report, Record, Hardware, Unit, Unrolled)
"""What the functions return."""

HEAD = """\
# Python API

`import hwgen` has the names below, and imports what they need when it is first used. Each does the
work of a command of the command line, and says the same where something is wrong: a `UserError` is
one sentence. Where it names an option, such as `--fill`, the argument `fill` is meant.

What functions return shows itself: `x` in a terminal is a line, `print(x)` is what the command
prints, a notebook shows tables, and `x.to_frame()` is the first table as a DataFrame where pandas
is installed. Arrays are NumPy's.

The examples run in a checkout, after `import hwgen, numpy, pathlib`. This page is made of the
docstrings by `python -m hwgen.report.docs_tables.api docs/api.md`.
"""


def reference() -> str:
    """Return the page."""
    parts = [HEAD]
    for group, names in GROUPS.items():
        parts.append(f"## {group}\n")
        parts += [entry(name, getattr(hwgen, name)) for name in names]
    parts.append("## What functions return\n")
    return "\n".join([*parts, *map(result, RESULTS)])


def entry(name: str, found: Any) -> str:
    """Return what the page has of a name."""
    shown = ""
    if inspect.isfunction(found):
        given = ", ".join(argument(each) for each in with_star(inspect.signature(found)))
        shown = f"```python\nhwgen.{name}({given})\n```\n\n"
    return f"### {name}\n\n{shown}{page_text(inspect.getdoc(found) or '')}\n"


def with_star(signature: inspect.Signature) -> list[inspect.Parameter | None]:
    """Return the parameters, and None where those begin that are given by name alone."""
    given: list[inspect.Parameter | None] = []
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and None not in given:
            given.append(None)
        given.append(each)
    return given


def argument(parameter: inspect.Parameter | None) -> str:
    """Return an argument as a signature has it, without its type."""
    if parameter is None:
        return "*"
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    if parameter.name == "say" or parameter.default is parameter.empty:
        return parameter.name + "=..." * (parameter.name == "say")
    default = parameter.default
    return f"{parameter.name}={default!r}" if isinstance(
        default, str | int | float | tuple | None) else f"{parameter.name}=..."


def result(kind: type) -> str:
    """Return what the page has of a class that functions return."""
    names = [name for name, each in vars(kind).items() if name[0] != "_" and name != "summary"
             and isinstance(each, property) | inspect.isfunction(each) | hasattr(each, "func")]
    members = [f"- `{name}{'()' * inspect.isfunction(vars(kind)[name])}`: "
               f"{line_of(inspect.getdoc(vars(kind)[name]))}" for name in names]
    return "\n".join([f"### {kind.__name__}\n", page_text(inspect.getdoc(kind) or ""), "",
                      *members, *[""] * bool(members)])


def line_of(text: str | None) -> str:
    """Return the first sentence or sentences of a docstring."""
    return inline((text or "").partition("\n\n")[0].replace("\n", " "))


def inline(text: str) -> str:
    """Return the marks of a docstring as Markdown has them."""
    return re.sub(r"``([^`]+)``", r"`\1`", re.sub(r":\w+:`([^`]+)`", r"`\1`", text))


def page_text(docstring: str) -> str:
    """Return a docstring as Markdown: examples as code, sections as lists."""
    parts = []
    section = False
    for block in docstring.split("\n\n"):
        if block.startswith(">>>"):
            parts.append(f"```python\n{block}\n```")
        elif re.match(r"(Parameters|Members)\n-+\n", block):
            section = True
            title, _, rest = block.partition("\n")
            parts.append(f"{title}:\n\n{list_of(rest.partition(chr(10))[2])}")
        else:
            parts.append(list_of(block) if section and re.match(r"\S.*\n  ", block)
                         else inline(block))
    return "\n\n".join(parts)


def list_of(text: str) -> str:
    """Return the names of a section, and what is said of each, as a list."""
    lines = []
    for line in text.splitlines():
        if line.startswith(" "):
            lines.append(f"  {inline(line.strip())}")
        else:
            name, _, kind = line.partition(" : ")
            lines.append(f"- `{name}`" + f" ({inline(kind)})" * bool(kind))
    return "\n".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
