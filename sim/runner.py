"""Run a cocotb bench on the Verilog of a component, and tell what came out."""

import dataclasses
import os
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cocotb_tools.config
import find_libpython
from amaranth.back import verilog

from hwgen.errors import UserError
from hwgen.tools.find import Outcome, call

from . import PERIOD_NS, icarus, verilator
from .verilator import BuildError

__all__ = ["BuildError", "Result", "Test", "benches", "module_of", "run"]

ROOT = Path(__file__).parents[1]
TAIL = 40


@dataclass(frozen=True)
class Test:
    """What one cocotb test gave: its message is empty when it passed."""

    __test__ = False  # not a class of tests for pytest

    name: str
    passed: bool
    message: str
    simulated_ns: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """What one run of a bench gave.

    Parameters
    ----------
    bench : str
        Name of the bench.
    tests : tuple of Test
        The tests that it ran, in their order; not those that it skipped.
    error : str
        Why the run as a whole is worth nothing: it did not end, crashed, or ran no test. Empty
        when it did none of these.
    build_seconds, seconds : float
        Wall time of the build and of the run.
    cached : bool
        Whether the simulator came from the cache.
    log : Path
        Everything that the run printed.
    waves : Path or None
        The waveform.
    """

    bench: str
    tests: tuple[Test, ...]
    error: str
    build_seconds: float
    seconds: float
    cached: bool
    log: Path
    waves: Path | None

    @property
    def passed(self) -> bool:
        """Whether everything that should have happened did."""
        return not self.error and all(test.passed for test in self.tests)

    @property
    def cycles(self) -> int:
        """Simulated clock cycles, of all tests together."""
        return round(sum(test.simulated_ns for test in self.tests) / PERIOD_NS)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain data."""
        facts = dataclasses.asdict(self) | {"passed": self.passed, "cycles": self.cycles}
        return facts | {"log": str(self.log), "waves": self.waves and str(self.waves)}

    def check(self) -> "Result":
        """Return self, or raise an AssertionError with the end of the log."""
        if self.passed:
            return self
        failed = [f"{test.name}: {test.message}" for test in self.tests if not test.passed]
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        raise AssertionError("\n".join([f"{self.bench}: {self.error or 'failed'}", *failed,
                                        f"the end of {self.log}:", *lines]))


def benches() -> dict[str, Path]:
    """Return the benches by the name of their unit."""
    return {path.stem.removeprefix("bench_"): path
            for path in sorted(Path(__file__).parent.rglob("bench_*.py"))}


def module_of(bench: str) -> str:
    """Return the module of a bench: ``bench_x`` is in the folder of its unit, others say where."""
    path = benches().get(bench.removeprefix("bench_"))
    if not bench.startswith("bench_") or path is None:
        return bench
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def run(design: Any, bench: str, workdir: Path, *, simulator: str | None = None,
        parameters: Mapping[str, object] | None = None, waves: bool = False, top: str = "top",
        extra_sources: Sequence[Path] = (), internals: bool = False, optimise: int = 0,
        seed: int = 0, seconds: float = 120) -> Result:
    """Build ``design``, run ``bench`` on it, and return what came out.

    A failing test does not raise; ``run(...).check()`` does.

    Parameters
    ----------
    design : Component or str
        What to simulate: a component of Amaranth's, or Verilog.
    bench : str
        Module with the tests: ``bench_x`` of this package, or the full name of another module.
    workdir : Path
        Folder that gets the Verilog, the log, the results and the waveform.
    simulator : str
        ``verilator`` or ``icarus``; by default what ``$SIM`` says, else Verilator.
    parameters : mapping
        Variables of the environment in which the bench runs.
    waves : bool
        Whether to write ``dump.vcd``.
    top : str
        Name of the top module; that of a component becomes it.
    extra_sources : sequence of Path
        More Verilog files.
    internals, optimise
        See :func:`sim.verilator.build`.
    seed : int
        Seed of ``random`` in the bench: the same in every run unless given.
    seconds : float
        Wall-clock budget of the run, without the build. Whoever needs more has lost a handshake.
    """
    simulator = simulator or os.environ.get("SIM") or "verilator"
    workdir = Path(workdir).absolute()
    workdir.mkdir(parents=True, exist_ok=True)
    text = design if isinstance(design, str) else verilog.convert(
        design, name=top, emit_src=False, strip_internal_attrs=True)
    (workdir / f"{top}.v").write_text(text)

    started = time.monotonic()
    options: dict[str, Any] = {"top": top, "waves": waves, "extra_sources": tuple(extra_sources)}
    if simulator == "verilator":
        built, cached = verilator.build(text, internals=internals, optimise=optimise, **options)
        backend = verilator.run_command
    elif simulator == "icarus":
        built, cached = icarus.build(text, **options)
        backend = icarus.run_command
    else:
        raise UserError(f"The simulator must be verilator or icarus, not {simulator!r}")
    build_seconds = time.monotonic() - started

    results, log = workdir / "results.xml", workdir / "run.log"
    dump = workdir / "dump.vcd" if waves else None
    results.unlink(missing_ok=True)
    command, environment = backend(built, dump)
    module = module_of(bench)
    environment |= cocotb_environment(top, module, results)
    environment["COCOTB_RANDOM_SEED"] = str(seed)
    environment |= {name: str(value) for name, value in (parameters or {}).items()}
    started = time.monotonic()
    outcome = call(command, seconds=seconds, folder=workdir, environment=environment, log=log)
    took = time.monotonic() - started
    tests = read_results(results)
    return Result(bench, tests, fault(outcome, tests, seconds), build_seconds, took, cached, log,
                  dump)


@cache
def libpython() -> str | None:
    """Return the shared library of this Python."""
    return find_libpython.find_libpython()


def cocotb_environment(top: str, module: str, results: Path) -> dict[str, str]:
    """Return the variables by which cocotb knows what to run."""
    library = libpython()
    if library is None:
        raise UserError("cocotb needs a Python with a shared library (libpython); the system's "
                        "package manager has it, often as python3-dev")
    return {
        "GPI_USERS": f"{library};{cocotb_tools.config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_ANSI_OUTPUT": "0",
        "TOPLEVEL_LANG": "verilog",
    }


def read_results(path: Path) -> tuple[Test, ...]:
    """Read the results that cocotb left; there are none when it did not come that far."""
    if not path.exists():
        return ()
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except ElementTree.ParseError:  # it was ended while it wrote them
        return ()
    tests = []
    for case in cases:
        if case.find("skipped") is not None:
            continue
        wrong = case.find("failure")
        wrong = case.find("error") if wrong is None else wrong
        facts = {item.get("name"): item.get("value") for item in case.iter("property")}
        message = "" if wrong is None else (wrong.get("message") or wrong.text or "failed").strip()
        tests.append(Test(case.get("name", ""), wrong is None, message,
                          float(facts.get("sim_time_duration") or 0),
                          float(case.get("time") or 0)))
    return tuple(tests)


def fault(outcome: Outcome, tests: Sequence[Test], seconds: float) -> str:
    """Return what is wrong with a run as a whole, in a few words, or nothing."""
    if outcome.timed_out:
        return f"did not end within {seconds:g} s"
    if not tests:
        return f"ran no test (exit code {outcome.code})"
    if outcome.code and all(test.passed for test in tests):
        return f"ended with exit code {outcome.code}"
    return ""
