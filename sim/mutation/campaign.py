"""Mutants of every unit of ``hwgen sim``: which of them its bench notices. ``make mutate``.

Each mutant gets a first look: seconds of its bench, or of what takes less time than that. What that
does not notice, and seconds do not prove to be equivalent, gets the whole bench, and then is
compared with the design formally. What is left is looked for at other sizes of the unit under the
same names, as a small one may never use a bit. What no size's bench notices is a survivor: a hole
in the bench.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.text import table
from hwgen.tools.cache import digest

from ..accelerator import units as accelerators
from ..cells import models_of_cells
from ..regression import bench, design_for, parameters, source, units
from ..runner import benches
from . import compiled
from .equivalence import Verdict, compare_parts, soon_equivalent
from .lemmas import LEMMAS
from .mutants import PREPARED, Fate, Mutant, Netlist, alike, instrument, survey
from .results import Campaign, hardware_of, report, stale

__all__ = ["current_hardware", "main", "run"]

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "mutants.json"
SIZES = [Design(rows=2, columns=2), Design(rows=3, columns=5), Design(rows=8, columns=8)]
"""The first one is that of all mutants, the others those of what it leaves."""
FIRST = {"post": Design(rows=1, columns=1)}
"""Other first ones: products are hard to prove anything of, and one lane has enough of them."""
COUNTS = {accelerators.UNIT: 300}
"""Mutants of units that are larger than most."""
QUALIFIERS = {
    "axi_stream": {"m_axis_tdata": "m_axis_tvalid", "m_axis_tlast": "m_axis_tvalid",
                   "host__r_data": "host__ack", "host__error": "host__ack",
                   "bus__address": "bus__read bus__write", "bus__mask": "bus__write",
                   "bus__w_data": "bus__write"},
    "binary": {"bus__r_data": "bus__ack&bus__read&~bus__error", "bus__error": "bus__ack"},
    "host_port": {"bus__r_data": "bus__ack&bus__read&~bus__error", "bus__error": "bus__ack",
                  "program__write_data": "|program__write_mask",
                  "activations__write_address": "|activations__write_mask",
                  "activations__write_data": "|activations__write_mask"},
    "page_stream": {"write": "write[-1]"},
    "post": {"o": "o_valid", "o_tag": "o_valid", "o_group": "o_valid", "ready_last": "ready"},
    "wishbone": {"wb_dat_r": "wb_ack"}}
"""Outputs of units that count only while another one of some is high, besides those of streams."""
SECONDS = 4 * 3600
"""Wall-clock budget of a bench on all mutants."""
NO_BENCH = "bench without a cycle budget"
LOOK = 10
"""Seconds of a bench in which nearly all mutants are noticed that ever are. Only those that
are not, and are not proven to be equivalent then, get the whole of a longer bench."""
COMPILED = {accelerators.UNIT}
"""Units whose first look is not at the bench, but at its checks without cocotb."""


class Subject:
    """A unit of the size of a Design, in a folder of its own."""

    def __init__(self, unit: str, design: Design, folder: Path) -> None:
        design = design_for(unit, design)
        self.unit, self.bench, self.of = unit, bench(unit), design
        self.folder = folder / unit / design.name
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "design.toml").write_text(design.to_toml())
        top, text = source(unit, design)
        self.design = {"verilog": text, "top": top, "folder": self.folder,
                       "extra_sources": models_of_cells(text, design.family, self.folder)}
        self.parameters = {"DESIGN": (self.folder / "design.toml").absolute(),
                           "UNIT": json.dumps(parameters(unit, design))}

    def look(self, netlist: Netlist, jobs: int, numbers: Sequence[int]) -> list[Fate]:
        """Return what is seen of mutants, with some numbers, in a short time each.

        Of those that the whole bench has to be run on it says that they hang.
        """
        if self.unit not in COMPILED:
            return self.survey(netlist, jobs, numbers, each=LOOK)
        return [replace(fate, hung=fate.passed or fate.hung) for fate in self.kept(
            netlist, numbers, "compiled", lambda new: compiled.survey(
                netlist, self.of, parameters=self.parameters, numbers=new, jobs=jobs))]

    def survey(self, netlist: Netlist, jobs: int, numbers: Sequence[int], each: int = 0
               ) -> list[Fate]:
        """Run the bench on mutants with some numbers, on so many of them at once.

        With ``each`` a mutant gets so many seconds, and hangs where that is too few.
        """
        return self.kept(netlist, numbers, str(each) if each else "", lambda new: survey(
            netlist, self.bench, parameters=self.parameters, numbers=new, seconds=SECONDS,
            jobs=jobs, each=each))

    def kept(self, netlist: Netlist, numbers: Sequence[int], way: str,
             find: Callable[[list[int]], Iterable[Fate]]) -> list[Fate]:
        """Return fates of mutants with some numbers, which are kept: none is found twice.

        ``find`` finds those that are new, in a ``way`` that has a name.
        """
        text, folder = (netlist.folder / PREPARED).read_bytes(), self.folder / "fates"
        folder.mkdir(exist_ok=True)
        of = {number: digest([text, netlist.mutants[number - 1].change, sources(),
                              *([way] if way else [])]) for number in numbers}
        files = {number: folder / f"{name}.json" for number, name in of.items()}
        new = [number for number, file in files.items() if not file.exists()]
        for fate in find(new) if new else []:
            files[fate.number].write_text(json.dumps(asdict(fate)))
        return [replace(Fate(**json.loads(file.read_text())), number=number)
                for number, file in files.items()]


@cache
def sources() -> str:
    """Return a digest of all that a bench may be made of."""
    root = Path(__file__).parents[2]
    own = {Path(__file__).with_name(f"{name}.py")
           for name in ("campaign", "equivalence", "lemmas", "results")}
    return digest(path.read_bytes() for room in ("hwgen", "sim")
                  for path in sorted((root / room).rglob("*.py")) if path not in own)


def run(unit: str, folder: Path, *, count: int = 100, seed: int = 1, seconds: int = 20,
        jobs: int = 1) -> Campaign:
    """Return what becomes of ``count`` mutants of a unit, of which each gets so much proving.

    So many mutants are simulated at once.
    """
    first, *others = sizes_of(unit)
    subject = Subject(unit, first, folder)
    netlist = instrument(**subject.design, count=count, seed=seed)

    def proven(mutant: Mutant) -> bool:
        return answer(unit, netlist, mutant, seconds) == "equivalent"

    def proven_soon(mutant: Mutant) -> bool:
        file = proof(unit, netlist, mutant, seconds)
        if not file.exists() and soon_equivalent(netlist, mutant):
            file.write_text(json.dumps(asdict(Verdict("equivalent"))))
        return file.exists() and proven(mutant)

    # No bench can notice what is proven already.
    wanted = [mutant.number for mutant in netlist.mutants
              if not (proof(unit, netlist, mutant, seconds).exists() and proven(mutant))]
    looks = subject.look(netlist, jobs, wanted)
    unseen = [look.number for look in looks
              if look.hung and not proven_soon(netlist.mutants[look.number - 1])]
    whole = subject.survey(netlist, jobs, unseen) if unseen else []
    fates = {fate.number: fate for fate in (*(look for look in looks if not look.hung), *whole)}
    found = Campaign(unit, first.name, seed, len(netlist.mutants),
                     hardware=hardware_of(subject.design["verilog"]))
    found.seconds = round(sum(fate.seconds for fate in (*looks, *whole)), 1)
    left = []
    for mutant in netlist.mutants:
        fate = fates.get(mutant.number, Fate(mutant.number, True))
        if fate.hung:
            found.survivors.append(f"{mutant.place}: {NO_BENCH}")
        elif not fate.passed:
            test = fate.test or fate.message
            found.killed[test] = found.killed.get(test, 0) + 1
        elif proven(mutant):
            found.equivalent.append(mutant.place)
        else:
            left.append(mutant)
    for size in others:
        left = list(not_found(unit, size, left, folder, found, subject.design["verilog"], jobs))
    found.survivors += [f"{mutant.place}: {answer(unit, netlist, mutant, seconds)}"
                        for mutant in left]
    return found


def sizes_of(unit: str) -> list[Design]:
    """Return the Designs whose unit is tried, the first one with all mutants."""
    if unit == accelerators.UNIT:
        return accelerators.MUTATED
    return [FIRST[unit], *SIZES] if unit in FIRST else SIZES


def answer(unit: str, netlist: Netlist, mutant: Mutant, seconds: int) -> str:
    """Return whether a mutant is equivalent, as a proof says; proofs are kept."""
    file, qualifiers = proof(unit, netlist, mutant, seconds), QUALIFIERS.get(unit, {})
    if not file.exists():
        verdict = compare_parts(netlist, mutant, seconds=seconds, qualifiers=qualifiers,
                                lemma=LEMMAS.get(unit, {}).get(mutant.place))
        file.write_text(json.dumps(asdict(verdict)))
    known = json.loads(file.read_text())
    depth = f" after {known['cycles']} cycles" if known["answer"] == "different" else ""
    return known["answer"] + depth


def proof(unit: str, netlist: Netlist, mutant: Mutant, seconds: int) -> Path:
    """Return the file of what a proof of a mutant says."""
    text, qualifiers = (netlist.folder / PREPARED).read_bytes(), QUALIFIERS.get(unit, {})
    lemma = LEMMAS.get(unit, {}).get(mutant.place)
    of = digest([text, mutant.change, str(seconds), json.dumps(qualifiers), repr(lemma)])
    return netlist.folder / f"proof_{of}.json"


def not_found(unit: str, size: Design, left: Sequence[Mutant], folder: Path,
              found: Campaign, verilog: str, jobs: int) -> Iterator[Mutant]:
    """Note which mutants the bench of another size notices; yield the others."""
    if not left:
        return
    subject = Subject(unit, size, folder)
    if subject.design["verilog"] == verilog:  # the same at every size
        yield from left
        return
    same = alike(left, **subject.design)
    of: dict[str, Fate] = {}
    if same:
        netlist = instrument(**subject.design, changes=[m.change for m in same.values()])
        numbers = [mutant.number for mutant in netlist.mutants]
        looks = subject.look(netlist, jobs, numbers)
        unseen = [look.number for look in looks if look.hung]
        whole = subject.survey(netlist, jobs, unseen) if unseen else []
        fates = {fate.number: fate for fate in (*looks, *whole)}
        of = dict(zip(same, (fates[number] for number in numbers), strict=True))
    for mutant in left:
        fate = of.get(mutant.place)
        if fate is None or fate.passed or fate.hung:
            yield mutant
        else:
            found.elsewhere[mutant.place] = size.name


def current_hardware(unit: str) -> str:
    """Return the digest of the Verilog whose mutants a campaign would try now."""
    return hardware_of(source(unit, design_for(unit, sizes_of(unit)[0]))[1])


def kept_in(file: Path) -> dict[str, dict[str, Any]]:
    """Return what is known of campaigns, by unit."""
    return json.loads(file.read_text()) if file.exists() else {}


def main(words: Sequence[str] | None = None) -> int:
    """Run campaigns, keep what they gave, and return 1 where there are survivors."""
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("unit", nargs="*", help="units; by default those whose Verilog has "
                        "changed since their last campaign")
    parser.add_argument("--count", type=int,
                        help="mutants of a unit (default: 100; of a whole accelerator 300)")
    parser.add_argument("--seed", type=int, default=1, help="which mutants (default: 1)")
    parser.add_argument("--seconds", type=int, default=20,
                        help="of a proof, at most (default: 20)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(),
                        help="mutants simulated at once (default: one for each core)")
    parser.add_argument("--output", type=Path, default=Path("build/mutants"), help="folder")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to keep them in")
    options = parser.parse_args(words)
    # Behind other top levels an accelerator has the same mutants.
    current = {unit: current_hardware(unit) for unit in benches()}
    try:
        wanted = [unit for name in options.unit for unit in units(name)] or stale(
            kept_in(options.results), current)
    except UserError as error:
        parser.error(str(error))
    survivors = 0
    for unit in wanted:
        started = time.monotonic()
        count = options.count or COUNTS.get(unit, 100)
        found = run(unit, options.output, count=count, seed=options.seed,
                    seconds=options.seconds, jobs=options.jobs)
        survivors += len(found.survivors)
        kept = kept_in(options.results) | {unit: asdict(found)}
        options.results.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        options.results.with_suffix(".md").write_text(report(kept, current))
        print(table(["unit", "mutants", "killed", "equivalent", "elsewhere", "survivors", "s"],
                    [[unit, found.mutants, sum(found.killed.values()), len(found.equivalent),
                      len(found.elsewhere), len(found.survivors),
                      f"{time.monotonic() - started:.0f}"]]), flush=True)
        for place in found.survivors:
            print(f"  survived: {place}", flush=True)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
