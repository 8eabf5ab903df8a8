"""Commands read words and print; what they do is done by functions that take values."""

import ast
import functools
import importlib
import inspect
from pathlib import Path

import pytest

from hwgen.cli.command_line import COMMANDS

PACKAGE = Path(__file__).parents[2] / "hwgen"
CLI = PACKAGE / "cli"
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if not path.is_relative_to(CLI)]

FUNCTIONS = {
    "build": "hwgen.build.folder.build",
    "compile": "hwgen.runtime.compiled.compile_images",
    "cycles": "hwgen.runtime.compiled.compile_images",
    "doctor": "hwgen.tools.doctor.examine",
    "faults": "hwgen.runtime.faults.faults.faults",
    "generate": "hwgen.generate.hardware.generate",
    "golden": "hwgen.runtime.simulate.simulate",
    "program": "hwgen.build.programming.program_board",
    "prune": "hwgen.predict.pruning.prune",
    "quantize": "hwgen.compress.quantize.quantize",
    "report": "hwgen.report.designs.report_at",
    "run": "hwgen.runtime.run.run_program",
    "sim": "sim.regression.simulate",
    "synth": "hwgen.measure.synthesis.measure",
    "tune": "hwgen.tune.tune.tune",
    "unroll": "hwgen.generate.unrolled.unroll",
}
"""What each command calls. `boards`, `completion` and `help` do nothing but explain."""
ALSO = {
    "generate": "hwgen.generate.unit.unit",
    "quantize": "hwgen.predict.mixed_precision.quantize_mixed",
    "synth": "hwgen.measure.results.update",
}
"""What some call instead, by their options."""


@functools.cache
def nodes(path):
    """Return all that a file consists of."""
    return [*ast.walk(ast.parse(path.read_text()))]


def names_called(tree):
    """Return the names of the functions that are called, without their modules."""
    return {ast.unparse(node.func).rpartition(".")[2] for node in ast.walk(tree)
            if isinstance(node, ast.Call)}


def takers_of_options(path):
    """Return the functions to which options are handed on, by those that have got them."""
    for function in nodes(path):
        if isinstance(function, ast.FunctionDef) and any(
                each.annotation and ast.unparse(each.annotation) == "argparse.Namespace"
                for each in function.args.args):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and any(
                        isinstance(each, ast.Name) and each.id == "options"
                        for each in [*node.args, *(word.value for word in node.keywords)]):
                    yield ast.unparse(node.func)


def test_only_the_command_line_knows_of_options():
    """No other module has to do with the words of a command line."""
    found = {path.relative_to(PACKAGE).as_posix(): {
        name for node in nodes(path) if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (getattr(node, "module", ""), *(alias.name for alias in node.names))}
        for path in SOURCES}
    assert len(found) > 250
    assert not {path for path, names in found.items() if names & {"argparse", "Namespace"}}


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.stem)
def test_options_stay_in_the_command_line(path):
    """Whatever takes the options is part of the command line."""
    ours = {node.name for node in nodes(path) if isinstance(node, ast.FunctionDef)} | {
        alias.name for node in nodes(path) if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names}
    assert {*takers_of_options(path)} - {"getattr", "vars"} <= ours


def test_every_command_has_a_function():
    assert {*FUNCTIONS} == {*COMMANDS} - {"boards", "completion", "help"}


@pytest.mark.parametrize("command, name", [*FUNCTIONS.items(), *ALSO.items()])
def test_functions_take_values_and_return_one(command, name):
    """The function is called by its command; all that it takes and returns has a type."""
    module, _, short = name.rpartition(".")
    signature = inspect.signature(getattr(importlib.import_module(module), short))
    given = [each.annotation for each in signature.parameters.values()]
    assert inspect.Signature.empty not in given
    assert not any("Namespace" in str(each) for each in given)
    assert signature.return_annotation not in (inspect.Signature.empty, None)
    assert short in names_called(ast.parse((CLI / f"{command}.py").read_text()))
