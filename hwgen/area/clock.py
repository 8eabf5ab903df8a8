"""The clock that an accelerator may be expected to meet, from those that were placed and routed.

``python -m hwgen.area.clock docs/results/placements.json FILE ...`` adds the placements of further
files, the ``build.json`` of `hwgen build` or figures of `hwgen synth` that lie beside their list,
writes the clocks of all to ``clocks.toml``, and prints how far off they are.

The placements are few, and another seed makes a tenth of a difference: so what is expected is the
middle of those of the same kind on the same chip, and the spread is that of all kinds. It does not
know the size of an array.
"""

import json
import math
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arch.boards import board
from ..arch.design import Design
from ..errors import UserError
from ..measure.results import read_list
from ..measure.synthesis import board_of
from ..text import table
from ..tools.untrusted import check_type, read_json, refusing

__all__ = ["CLOCKS", "SPREAD", "Clock", "median_clock", "fit_clocks", "kind",
           "leave_one_out", "placements_of"]

SURE = 90
"""Of 100 placements, how many the spread holds."""

ClockKind = tuple[str, str, str, bool]
"""Chip, its speed grade, engine, and whether the accelerator is compact."""

FILE = Path(__file__).with_name("clocks.toml")
MEASURED = tomllib.loads(FILE.read_text(encoding="utf-8"))

CLOCKS: dict[ClockKind, tuple[float, int]] = {
    (found["device"], found["speed_grade"], found["engine"], found["compact"]):
    (found["mhz"], found["placements"]) for found in MEASURED["clock"]}
"""The median, in MHz, and of how many placements."""

OF_SPREAD = "a placement's distance from the median of its kind, as a share"

SPREAD: float = MEASURED["spread"]
"""How far a placement is from the median of the others of its kind, as a share."""


@dataclass(frozen=True)
class ClockRecord:
    """What is kept of a placement: the Design's name and kind, and what the placer made of it."""

    design: str
    device: str
    speed_grade: str
    engine: str
    compact: bool
    luts: int
    clock_mhz: float
    seed: int
    fmax_mhz: float


@dataclass(frozen=True)
class Clock:
    """What is expected, in MHz: the middle and its bounds, and how many placements tell it."""

    mhz: float
    low: float
    high: float
    placements: int

    def __str__(self) -> str:
        return f"about {self.mhz:.0f} MHz, {self.low:.0f} to {self.high:.0f}"

    def in_words(self, cycles: int, wanted: float | None) -> str:
        """Return what it means for so many cycles, and for a clock that is wanted."""
        least, about, most = (f"{cycles / mhz / 1000:.3g}"
                              for mhz in (self.high, self.mhz, self.low))
        text = (f"clock: {self}, as {self.placements} placements of its kind tell: {about} ms, "
                f"{least} to {most}")
        return text if wanted is None else f"{text}; {self.verdict(wanted)}"

    def verdict(self, mhz: float) -> str:
        """Return what it says of a clock that is wanted."""
        if mhz > self.high:
            return f"{mhz:g} MHz is more than can be expected"
        return f"{mhz:g} MHz " + ("should be met" if mhz <= self.low else "may be met, by some "
                                  "seeds" if mhz <= self.mhz else "may be met, by few seeds")


def median_clock(design: Design, grade: str) -> Clock | None:
    """Return the clock of a Design, on its chip of a speed grade.

    None if nothing of its kind has been placed on such a one.
    """
    known = CLOCKS.get(kind({**vars(design), "speed_grade": grade}))
    if known is None:
        return None
    mhz, count = known
    return Clock(mhz, mhz / (1 + SPREAD), mhz * (1 + SPREAD), count)


def kind(placement: dict[str, Any]) -> ClockKind:
    """Return the kind of a placement, or of the fields of a Design and a speed grade."""
    return (placement["device"], placement["speed_grade"], placement["engine"],
            placement["compact"])


def middle(clocks: Iterable[float]) -> float:
    """Return the median."""
    return round(float(np.median(list(clocks))), 1)


def fit_clocks(placements: Sequence[dict[str, Any]]) -> dict[ClockKind, tuple[float, int]]:
    """Return the clock of each kind, and how many placements it is of."""
    found: dict[ClockKind, list[float]] = {}
    for placement in placements:
        found.setdefault(kind(placement), []).append(placement["fmax_mhz"])
    return {each: (middle(clocks), len(clocks)) for each, clocks in sorted(found.items())}


def leave_one_out(placements: Sequence[dict[str, Any]]) -> list[float | None]:
    """Return how far each is from the middle of the others of its kind; None without others."""
    found: list[float | None] = []
    for index, placement in enumerate(placements):
        others = [other["fmax_mhz"] for number, other in enumerate(placements)
                  if number != index and kind(other) == kind(placement)]
        found.append(placement["fmax_mhz"] / middle(others) - 1 if others else None)
    return found


def spread(errors: Iterable[float | None]) -> float:
    """Return the share by which :data:`SURE` of 100 are too slow or too quick at most."""
    ratios = [abs(math.log1p(error)) for error in errors if error is not None]
    return round(math.expm1(float(np.percentile(ratios, SURE))), 3)


def placements_of(path: Path) -> list[dict[str, Any]]:
    """Return the placements of accelerators that a file has."""
    what = "a list of placements, a record of a build, or a file of measured figures"
    values = read_json(path, what)
    with refusing(path, what):
        found = values if isinstance(values, list) else list(_placements(values, path))
        check_type(found, list[ClockRecord], "the file")
        if any(each["fmax_mhz"] <= 0 for each in found):
            raise UserError("fmax_mhz must be above 0")
        return found


def _placements(values: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:
    """Yield the placements of a record, or of measured figures."""
    if "attempts" in values:
        grade = board(values["board"]).speed_grade
        for each in values["attempts"]:
            yield placement(Design.from_dict(values["design"]), grade, values["used"]["luts"],
                            each["clock_mhz"], each["seed"], each["fmax_mhz"])
        return
    for entry in read_list(path.with_suffix(".toml")):
        if isinstance(entry.design, Design) and entry.design.activation_memory:
            figures = values[entry.design.name]
            grade = figures.get("speed_grade") or board_of(entry.design, entry.at).speed_grade
            for seed, fmax in figures["seeds"].items():
                yield placement(entry.design, grade, figures["luts"], entry.clock_mhz, int(seed),
                                fmax)


def placement(design: Design, grade: str, luts: int, clock: float, seed: int, fmax: float,
              ) -> dict[str, Any]:
    """Return what is kept of a placement."""
    return asdict(ClockRecord(design.name, str(design.device), grade, design.engine,
                              design.compact, luts, round(clock, 2), seed, round(fmax, 2)))


def write_clocks(placements: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the clock of each kind, and the spread, below the comment at the head of the file."""
    head = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    lines = ["", f"spread = {spread(leave_one_out(placements))}  # {OF_SPREAD}"]
    for (device, grade, engine, compact), (mhz, count) in fit_clocks(placements).items():
        lines += ["", "[[clock]]", f'device = "{device}"', f'speed_grade = "{grade}"',
                  f'engine = "{engine}"',
                  f"compact = {str(compact).lower()}", f"mhz = {mhz}", f"placements = {count}"]
    path.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")


def main(path: Path, others: Sequence[Path], clocks: Path = FILE) -> None:
    """Add the placements of other files, and write what is fitted to all of them."""
    known = placements_of(path) if path.exists() else []
    for other in others:
        known += [each for each in placements_of(other) if each not in known]
    if others:
        path.write_text("[\n" + ",\n".join(f" {json.dumps(each)}" for each in known) + "\n]\n")
    errors = leave_one_out(known)
    print(table(["Design", "LUT", "for MHz", "seed", "MHz", "held out"], [
        [each["design"], each["luts"], f"{each['clock_mhz']:g}", each["seed"],
         f"{each['fmax_mhz']:.1f}", "-" if error is None else f"{error:+.1%}"]
        for each, error in zip(known, errors, strict=True)]), "\n")
    write_clocks(known, clocks)
    sizes = np.abs([error for error in errors if error is not None])
    print(f"\nSPREAD = {spread(errors)}: {len(sizes)} placements, each left out: "
          f"{sizes.mean():.1%} off on average, {np.median(sizes):.1%} in the middle, "
          f"{sizes.max():.1%} at most")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
