"""Prove that a mutant of :mod:`sim.mutation` cannot be told from the design by its outputs.

Both stand side by side, from the state after configuration on, with the same inputs. ABC, which is
part of yosys, merges what is equal in both and then looks for an invariant by which no output ever
differs (property-directed reachability), or for inputs by which one does.
"""

from dataclasses import dataclass
from pathlib import Path

from .mutation import PREPARED, Mutant, Netlist, yosys

__all__ = ["Verdict", "compare"]


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant is ``equivalent``, ``different``, or ``unknown`` as time was over.

    ``cycles`` is how many it takes until an output differs, at most.
    """

    answer: str
    cycles: int = 0


def compare(netlist: Netlist, mutant: Mutant, *, seconds: int = 20) -> Verdict:
    """Compare a mutant with the design, for so many seconds.

    Memories become registers, so they should be small.
    """
    folder, top = netlist.folder, netlist.top
    status, merged = folder / "status.txt", folder / "merged.aig"
    for path in (status, merged):
        path.unlink(missing_ok=True)
    (folder / "any.v").write_text("module any(input a, b, output y); assign y = a & b; endmodule\n")
    yosys([
        f"read_rtlil {PREPARED}", "design -save original",
        f"mutate {mutant.change}", f"rename {top} mutant", "design -stash mutant",
        "design -load original", f"rename {top} original", "design -copy-from mutant mutant",
        "miter -equiv -flatten original mutant miter", "hierarchy -top miter",
        "memory_map", "opt -full", "async2sync", "setundef -undriven -zero", "techmap",
        "opt_clean -purge", "dffunmap", "abc -g AND", "opt_clean -purge",
        "write_aiger -zinit miter.aig",
        # ABC works on what it reads itself. Then yosys misses a result, of a design of no account.
        "design -reset", "read_verilog -sv any.v", "techmap",
        (f"abc -script +read_aiger,miter.aig;scorr;write_aiger,{merged.name};"
         f"pdr,-T,{seconds};write_status,{status.name}"),
    ], folder, seconds=20 * seconds + 120)
    return verdict(merged, status)


def verdict(merged: Path, status: Path) -> Verdict:
    """Read what ABC left behind."""
    if not merged.exists():
        return Verdict("unknown")
    head, *rest = merged.read_bytes().split(b"\n", 2)
    latches, output = int(head.split()[3]), rest[0]
    if latches == 0:
        return Verdict("equivalent" if output == b"0" else "different", 1)
    words = status.read_text().split() if status.exists() else ["", "0"]
    answers = {"snl_UNSAT": "equivalent", "snl_SAT": "different"}
    return Verdict(answers.get(words[0], "unknown"), int(words[1]))
