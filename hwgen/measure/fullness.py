"""What nextpnr counts of a chip: how full it is of what, and what it has too little of."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["KINDS", "Utilization", "check_counts", "excess", "utilization", "words"]

KINDS = {
    "TRELLIS_COMB": "LUTs", "TRELLIS_FF": "registers", "DP16KD": "block RAMs",
    "MULT18X18D": "multipliers", "ICESTORM_LC": "logic cells", "ICESTORM_RAM": "block RAMs",
    "ICESTORM_DSP": "multipliers", "ICESTORM_SPRAM": "single-port RAMs", "LUT4": "LUTs",
    "DFF": "registers", "BSRAM": "block RAMs", "MULT9X9": "multipliers", "ALU": "carry cells",
    "MULT18X18": "multipliers of 18 by 18 bits", "RAM16SDP4": "LUT memories",
}
"""What nextpnr counts, and what that is."""

PLACES_OF_LUTS = {"LUT4": 1, "ALU": 1, "RAM16SDP4": 4}
"""Of a Gowin, whose carry cells and LUT memories are made of LUTs: nextpnr counts each alone."""

Utilization = dict[str, dict[str, int]]
"""Of each kind of cell, how many are ``used`` and how many ``available``."""


def utilization(report: Mapping[str, Any]) -> Utilization:
    """Return how many cells of each known kind a report of nextpnr has, and the chip."""
    counts = report["utilization"]
    found = {kind: {"used": int(counts[kind]["used"]), "available": int(counts[kind]["available"])}
             for kind in KINDS if kind in counts and "available" in counts[kind]}
    if "LUT4" in found and "ALU" in found:
        found["LUT4"]["used"] = sum(places * counts.get(kind, {"used": 0})["used"]
                                    for kind, places in PLACES_OF_LUTS.items())
    return found


def check_counts(used: Utilization, name: str) -> None:
    """Refuse counts, as a file has them, of cells that no chip has, or that are not whole."""
    for kind, count in used.items():
        if kind not in KINDS or set(count) != {"used", "available"}:
            raise ValueError(f"{name}: utilization of {kind!r} must be used and available cells of "
                             f"one of these kinds: {', '.join(KINDS)}")


def share(count: Mapping[str, int]) -> float:
    """Return which part of a kind is in use."""
    return count["used"] / count["available"] if count["available"] else 0.0


def words(used: Utilization) -> str:
    """Return how full a chip is of each kind in use, what is scarcest first."""
    return ", ".join(
        f"{KINDS[kind]} {count['used']} of {count['available']} ({share(count):.0%})"
        for kind, count in sorted(used.items(), key=lambda each: -share(each[1])) if count["used"])


def excess(log: str) -> str:
    """Return what nextpnr's count says that a chip has too little of, or nothing."""
    rows = {name: (int(used), int(there)) for name, used, there in re.findall(
        r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", log, re.M)}
    return " and ".join(
        f"it takes {used} {KINDS.get(name, name)} and the chip has {there}, "
        f"{used - there} too few" for name, (used, there) in rows.items() if used > there)
