"""What campaigns have found, of which Verilog, and the page of it: ``docs/results/mutants.md``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hwgen.tools.cache import digest

from ..runner import benches

__all__ = ["Campaign", "hardware_of", "report", "stale"]

HEADER = re.compile(r"\A/\*.*?\*/\n", re.DOTALL)
"""Names the version of hwgen."""


@dataclass
class Campaign:
    """What became of a unit's mutants.

    Parameters
    ----------
    unit, design : str
        The unit, and the Design whose size it has.
    seed : int
        Of the choice of mutants.
    mutants : int
        How many there were.
    killed : dict of str to int
        How many each test noticed first.
    equivalent : list of str
        Where those are that cannot be told from the design by its outputs.
    elsewhere : dict of str to str
        Where those are that only another Design has a use for, and which one's bench notices them.
    survivors : list of str
        All others.
    seconds : float
        Processor time of the bench.
    hardware : str
        Digest of the Verilog that was mutated, see :func:`hardware_of`.
    """

    unit: str
    design: str
    seed: int
    mutants: int = 0
    killed: dict[str, int] = field(default_factory=dict)
    equivalent: list[str] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)
    survivors: list[str] = field(default_factory=list)
    seconds: float = 0
    hardware: str = ""


def hardware_of(verilog: str) -> str:
    """Return a digest of Verilog, which is the same in every version that makes the same of it."""
    return digest([HEADER.sub("", verilog)])


def stale(campaigns: Mapping[str, Mapping[str, Any]], current: Mapping[str, str]) -> list[str]:
    """Return the units without a campaign of their ``current`` Verilog, of which digests are given.

    Of ``campaigns``, by unit, the fields of a :class:`Campaign` are given.
    """
    return [unit for unit, hardware in current.items()
            if campaigns.get(unit, {}).get("hardware") != hardware]


def report(campaigns: Mapping[str, Mapping[str, Any]], current: Mapping[str, str]) -> str:
    """Return the page of all campaigns, which says of which ones the Verilog has changed since."""
    rows = [[unit, c["design"], c["mutants"], sum(c["killed"].values()), len(c["equivalent"]),
             len(c["elsewhere"]), len(c["survivors"]), f"{c['seconds']:.0f}",
             "yes" if c.get("hardware") == current.get(unit) else "**no**",
             f"`make mutate UNIT={unit}`"]
            for unit, c in sorted(campaigns.items())]
    head = ["unit", "Design", "mutants", "killed", "equivalent", "killed at another size",
            "survivors", "CPU s", "of today's Verilog", "command"]
    lines = ["# Mutants", "",
             ("Small changes of each unit's Verilog, and whether its bench notices them; how it is "
              "done and read is in [docs/testing.md](../testing.md). Written by `make mutate`."),
             "",
             *("| " + " | ".join(map(str, row)) + " |" for row in (head, ["---"] * len(head),
                                                                 *rows)), ""]
    if missing := [unit for unit in benches() if unit not in campaigns]:
        lines += [f"No campaign was run yet of: {', '.join(missing)}.", ""]
    for unit, c in sorted(campaigns.items()):
        parts = [("Killed by", [f"`{test}`: {number}" for test, number in sorted(
                     c["killed"].items(), key=lambda item: (-item[1], item[0]))]),
                 ("Equivalent", [f"`{place}`" for place in c["equivalent"]]),
                 ("Killed at another size", [f"`{place}`: {size}"
                                             for place, size in c["elsewhere"].items()]),
                 ("Survivors", [f"`{place}`" for place in c["survivors"]])]
        if any(places for _, places in parts):
            lines += [f"## {unit}", ""]
            for name, places in parts:
                if places:
                    lines += [f"{name}:", "", *(f"- {place}" for place in places), ""]
    return "\n".join(lines)
