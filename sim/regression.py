"""Run the benches of units on the Verilog of a Design, and sum up what they gave."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hwgen
from hwgen.arch.design import Design
from hwgen.errors import UserError, closest
from hwgen.generate.conversion import to_verilog
from hwgen.generate.design import accelerator, module, verilog
from hwgen.generate.unit import binary_of
from hwgen.generate.units import UNITS
from hwgen.rtl.primitives.library import Library
from hwgen.text import table

from .accelerator import units as accelerators
from .cells import models_of_cells
from .runner import BuildError, Result, benches, run
from .units import parameters as unit_parameters

__all__ = ["simulate", "simulate_files", "simulate_unit", "summary", "units"]


SECONDS = 600
"""Wall-clock budget of a bench, also where many run at once."""


def units(wanted: str | None) -> list[str]:
    """Return the units to simulate: the wanted one, or all that have a bench."""
    known = sorted({*benches(), *accelerators.UNITS})
    if wanted is None:
        return known
    if wanted not in known:
        raise UserError(f"there is no bench for a unit {wanted!r}; there are "
                        f"{', '.join(known) or 'none'}{closest(wanted, known)}")
    return [wanted]


def source(unit: str, design: Design, given: Mapping[str, Any] = {},
           ) -> tuple[str, str]:
    """Return the top module and the Verilog of a unit, some of whose parameters are ``given``."""
    if unit in UNITS:
        return unit, hwgen.unit(unit, **parameters(unit, design) | given).verilog()
    if unit == "binary":
        made = accelerator(binary_of(design), exposed=True)
        return unit, to_verilog(Library().convert(made, unit))
    if unit in accelerators.UNITS:
        return accelerators.source(unit, design)
    if unit == "systolic":
        design = design.array_alone
    return module(design), verilog(design)


def bench(unit: str) -> str:
    """Return the module of a unit's bench: a whole accelerator has one for all top levels."""
    return f"bench_{accelerators.UNIT if unit in accelerators.UNITS else unit}"


def design_for(unit: str, design: Design) -> Design:
    """Return the Design whose unit is simulated: an array alone is no whole accelerator."""
    return accelerators.design_of(design) if unit in accelerators.UNITS else design


def parameters(unit: str, design: Design) -> dict[str, Any]:
    """Return what ``$UNIT`` says to a bench: parameters that no Design has."""
    if unit in accelerators.UNITS:
        return {"top": accelerators.UNITS[unit]}
    return unit_parameters(unit, design)


def simulate(unit: str, design: Design, folder: Path, *, simulator: str, waves: bool,
             seed: int, given: Mapping[str, Any] = {}) -> Result:
    """Run the bench of ``unit`` on the Verilog of ``design``, or of parameters that are ``given``.

    The bench finds the Design in the file that ``$DESIGN`` names, and the parameters of a unit that
    no Design has in ``$UNIT``.
    """
    design = design_for(unit, design)
    workdir = folder / unit / design.name
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        (workdir / "design.toml").write_text(design.to_toml())
    except OSError as error:
        raise UserError(f"{workdir} cannot be written: {error.strerror}") from error
    top, text = source(unit, design, given)
    try:
        result = run_bench(unit, text, workdir, top=top, family=given.get("family", design.family),
                           simulator=simulator, waves=waves, seed=seed,
                           parameters={"DESIGN": (workdir / "design.toml").absolute(),
                                       "UNIT": json.dumps(parameters(unit, design) | given)})
        return replace(result, bench=f"bench_{unit}")
    except BuildError as error:
        log = workdir / "build.log"
        log.write_text(f"{error}\n")
        return Result(f"bench_{unit}", (), f"does not build: {str(error).splitlines()[0]}", 0, 0,
                      False, log, None)


def simulate_unit(name: str, folder: Path, *, seed: int = 0, **given: Any) -> Result:
    """Run the bench of a unit with parameters that are given, in all of it or in part."""
    hwgen.unit(name, **given).write(folder)
    return simulate_files(folder, seed=seed)


def simulate_files(folder: Path, *, seed: int = 0) -> Result:
    """Run the bench of the unit whose files are in a folder, on that very Verilog."""
    facts = json.loads((folder / "unit.json").read_text())
    name, chosen = facts["unit"], facts["parameters"]
    return run_bench(name, (folder / f"{name}.v").read_text(), folder, top=name,
                     family=chosen.get("family", "generic"), seed=seed,
                     parameters={"UNIT": json.dumps(chosen)})


def run_bench(unit: str, text: str, folder: Path, *, family: str, **options: Any) -> Result:
    """Run the bench of a unit on Verilog, beside models of the cells that it uses."""
    return run(text, bench(unit), folder, seconds=SECONDS,
               extra_sources=models_of_cells(text, family, folder), **options)


def summary(about: str, results: Sequence[Result], seed: int) -> str:
    """Return a table of the results, and below it what failed; ``seed`` repeats it.

    ``about`` is what the Verilog was made of.
    """
    rows = [[result.bench.removeprefix("bench_"),
             f"{sum(test.passed for test in result.tests)}/{len(result.tests)}", result.cycles,
             "cached" if result.cached else f"{result.build_seconds:.1f}",
             f"{result.seconds:.1f}", "ok" if result.passed else "FAILED"] for result in results]
    lines = [f"{about}, seed {seed}",
             table(["unit", "tests", "cycles", "build s", "run s", "result"], rows)]
    for result in results:
        if result.error:
            lines.append(f"{result.bench}: {result.error}")
        failed = [test for test in result.tests if not test.passed]
        lines += [f"{test.name}: {test.message.splitlines()[0]}" for test in failed]
        if not result.passed:
            lines.append(f"log: {result.log}")
        if result.waves and result.waves.exists():
            lines.append(f"waveform: {result.waves}")
    return "\n".join(lines)
