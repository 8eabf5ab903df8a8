"""Prove that a mutant of :mod:`sim.mutation` cannot be told from the design by its outputs.

Both stand side by side, from the state after configuration on, with the same inputs. ABC, which is
part of yosys, merges what is equal in both and then looks for an invariant by which no output ever
differs (property-directed reachability), or for inputs by which one does. What is on an output
stream ``x`` counts only while ``x__valid`` is high.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from .mutation import PREPARED, Mutant, Netlist, yosys

__all__ = ["Verdict", "compare"]

PORT = re.compile(r"^  wire (?:width (\d+) )?(?:offset \d+ )?(?:upto )?(?:signed )?"
                  r"(input|output) \d+ (?:signed )?\\(\S+)$", re.MULTILINE)


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
    (folder / "masked.v").write_text(masked((folder / PREPARED).read_text()))
    yosys([
        *variant(top, "original", ""), *variant(top, "mutant", f"mutate {mutant.change}"),
        "design -copy-from original original", "design -copy-from mutant mutant",
        "miter -equiv -flatten original mutant miter", "hierarchy -top miter",
        "memory_map", "opt -full -share_all", "async2sync", "setundef -undriven -zero", "techmap",
        "opt_clean -purge", "dffunmap", "aigmap", "opt_clean -purge",
        "write_aiger -zinit miter.aig",
        # ABC works on what it reads itself. Then yosys misses a result, of a design of no account.
        "design -reset", "read_verilog -sv any.v", "techmap",
        (f"abc -script +read_aiger,miter.aig;scorr;write_aiger,{merged.name};"
         f"pdr,-T,{seconds};write_status,{status.name}"),
    ], folder, seconds=20 * seconds + 120)
    return verdict(merged, status)


def variant(top: str, name: str, change: str) -> list[str]:
    """Return the commands that stash a variant of the design, whose payloads are masked."""
    return [f"read_rtlil {PREPARED}", change, f"rename {top} unmasked", "read_verilog masked.v",
            "hierarchy -top masked", "flatten", "opt_clean", f"rename masked {name}",
            f"design -stash {name}"]


def masked(rtlil: str) -> str:
    """Return Verilog around a design in which what a stream offers is 0 while it offers nothing."""
    ports = PORT.findall(rtlil)
    outputs = {name for _, way, name in ports if way == "output"}
    heads, wires, assigns, connections = [], [], [], []
    for width, way, name in ports:
        size = f"[{int(width or 1) - 1}:0]"
        stream, _, part = name.partition("__")
        heads.append(f"{way} {size} {name}")
        if way == "output" and f"{stream}__valid" in outputs and part not in ("valid", "ready"):
            wires.append(f"wire {size} raw_{name};")
            assigns.append(f"assign {name} = {stream}__valid ? raw_{name} : 0;")
            name = f"raw_{name}"
        connections.append(f".{name.removeprefix('raw_')}({name})")
    return (f"module masked({', '.join(heads)});\n{' '.join(wires)}\n{' '.join(assigns)}\n"
            f"unmasked inner({', '.join(connections)});\nendmodule\n")


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
