"""Prove that a mutant of :mod:`sim.mutation` cannot be told from the design by its outputs.

Both stand side by side, from the state after configuration on, with the same inputs. ABC, which is
part of yosys, merges what is equal in both and then looks for an invariant by which no output ever
differs (property-directed reachability), or for inputs by which one does. What is on an output
stream ``x`` counts only while ``x__valid`` is high.

Memories and products are too much for that, so at first both are cut there: what a memory or a
multiplier gets is one more output, and what it gives any input, the same for both. As long as both
get the same, they do give the same, so what is equal without them is equal with them. What is not
may be so all the same: then the whole is compared.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .mutation import PREPARED, Mutant, Netlist, yosys

__all__ = ["Verdict", "compare", "compare_parts"]

PORT = re.compile(r"^  wire (?:width (\d+) )?(?:offset \d+ )?(?:upto )?(?:signed )?"
                  r"(input|output) \d+ (?:signed )?\\(\S+)$", re.MULTILINE)
HEAVY = re.compile(r"^  cell \$(?:mem_v2|mul) ", re.MULTILINE)
MEMORY = re.compile(r"parameter \\WIDTH (\d+)\n.*\\OFFSET .*\n.*\\SIZE (\d+)$", re.MULTILINE)
LARGE = 1024
"""Bits of memories, above which they are nothing but cut."""
CUT = ["rename -enumerate -pattern product_% t:$mul",
       "expose -evert -sep __ t:$mem_v2 r:WR_PORTS>0 %i t:$mul %u"]

@dataclass(frozen=True)
class Verdict:
    """Whether a mutant is ``equivalent``, ``different``, or ``unknown`` as time was over.

    ``cycles`` is how many it takes until an output differs, at most.
    """

    answer: str
    cycles: int = 0


def compare(netlist: Netlist, mutant: Mutant, *, seconds: int = 20,
            qualifiers: Mapping[str, str] | None = None) -> Verdict:
    """Compare a mutant with the design, for so many seconds, or twice so many with memories.

    An output that ``qualifiers`` names counts only while another one, which is its value, is high.
    """
    qualifiers = qualifiers or {}
    prepared = (netlist.folder / PREPARED).read_text()
    if HEAVY.search(prepared):
        cut = prove(netlist, mutant, CUT, seconds, qualifiers)
        if cut.answer == "equivalent":
            return cut
        if sum(int(width) * int(size) for width, size in MEMORY.findall(prepared)) > LARGE:
            return Verdict("unknown")
    return prove(netlist, mutant, [], seconds, qualifiers)


def compare_parts(netlist: Netlist, mutant: Mutant, *, seconds: int = 20,
                  qualifiers: Mapping[str, str] | None = None) -> Verdict:
    """Compare as :func:`compare` does, but first the parts of the design that have the mutant.

    Where a part differs, the whole may be equivalent all the same, so that then it is compared.
    """
    for cells in parts(mutant):
        made = part(netlist, mutant, cells)
        if made and compare(*made, seconds=seconds).answer == "equivalent":
            return Verdict("equivalent")
    return compare(netlist, mutant, seconds=seconds, qualifiers=qualifiers)


def parts(mutant: Mutant) -> Iterator[list[str]]:
    """Yield what selects the cells of parts that have a mutant: what its cell drives, at first.

    Then the instances that it is in, the innermost one first.
    """
    cell = mutant.option("cell")
    for steps in (2, 6, 12):
        yield ["c:" + re.sub(r"[\\\[\]]", "?", cell), f"%co{steps}"]
    inside = re.match(r"\$flatten\\(.+?)\.\$", cell)
    names = inside[1].split(".\\") if inside else []
    for depth in range(len(names), 0, -1):
        path = ".?".join(names[:depth])
        yield [f"c:$flatten?{path}.*", f"c:{'.'.join(names[:depth])}.*"]


def part(netlist: Netlist, mutant: Mutant, cells: list[str]) -> tuple[Netlist, Mutant] | None:
    """Return a part of a netlist by itself, and the mutant in it, or None if it is not there."""
    folder = netlist.folder / "part"
    folder.mkdir(exist_ok=True)
    (folder / "whole.il").write_bytes((netlist.folder / PREPARED).read_bytes())
    (folder / PREPARED).unlink(missing_ok=True)
    yosys(["read_rtlil whole.il", f"select -set part {' '.join(cells)}",
           # Inverters that move the initial value of a register belong to it.
           "select -set part @part @part %ci2 @part %co2 %u c:$auto$ff.cc* %i %u",
           "submod -name part @part", "hierarchy -top part", f"write_rtlil {PREPARED}"], folder)
    path, cell = folder / PREPARED, mutant.option("cell")
    if not path.exists() or f" {cell}\n" not in path.read_text():
        return None
    change = re.sub(r"(?<!\S)-module \S+", r"-module \\part", mutant.change)
    return Netlist("", "part", (), folder), replace(mutant, change=change)


def prove(netlist: Netlist, mutant: Mutant, changes: list[str], seconds: int,
          qualifiers: Mapping[str, str]) -> Verdict:
    """Compare a mutant with the design, after changes of both."""
    folder, top = netlist.folder, netlist.top
    status, merged, ports = folder / "status.txt", folder / "merged.aig", folder / "ports.il"
    for path in (status, merged, ports):
        path.unlink(missing_ok=True)
    yosys([f"read_rtlil {PREPARED}", *changes, f"write_rtlil {ports.name}"], folder)
    (folder / "any.v").write_text("module any(input a, b, output y); assign y = a & b; endmodule\n")
    (folder / "masked.v").write_text(masked(ports.read_text(), qualifiers))
    mutate = f"mutate {mutant.change}"
    yosys([
        *variant(top, "original", changes), *variant(top, "mutant", [mutate, *changes]),
        "design -copy-from original original", "design -copy-from mutant mutant",
        "miter -equiv -flatten original mutant miter", "hierarchy -top miter",
        "memory_map", "opt -full -share_all", "async2sync", "setundef -undriven -zero", "techmap",
        "opt_clean -purge", "dffunmap", "aigmap", "opt_clean -purge",
        "write_aiger -zinit miter.aig",
        # ABC works on what it reads itself. Then yosys misses a result, of a design of no account.
        "design -reset", "read_verilog -sv any.v", "techmap",
        (f"abc -script +read_aiger,miter.aig;scorr;write_aiger,{merged.name};"
         f"pdr,-T,{seconds};write_status,{status.name}"),
    ], folder, seconds=30 * seconds + 60)
    return verdict(merged, status)


def variant(top: str, name: str, changes: list[str]) -> list[str]:
    """Return the commands that stash a variant of the design, behind what masks its outputs.

    Registers without an initial value, such as those behind memories, begin with 0 in all.
    """
    return [f"read_rtlil {PREPARED}", *changes, f"rename {top} unmasked", "read_verilog masked.v",
            "hierarchy -top masked", "flatten", "opt_clean", "zinit -all", f"rename masked {name}",
            f"design -stash {name}"]


def masked(rtlil: str, qualifiers: Mapping[str, str]) -> str:
    """Return Verilog around a design in which what counts for nothing is 0.

    So does what a stream offers while it offers nothing, and what a memory gets while it neither
    writes nor reads.
    """
    ports = PORT.findall(rtlil)
    widths = {name: int(width or 1) for width, _, name in ports}
    outputs = {name for _, way, name in ports if way == "output"}
    heads, wires, assigns, connections = [], [], [], []
    for _, way, name in ports:
        size = f"[{widths[name] - 1}:0]"
        heads.append(f"{way} {size} \\{name} ")
        inner = f"\\{name} "
        mask = mask_of(name, widths, outputs, qualifiers) if way == "output" else ""
        if mask:
            inner = f"\\raw_{name} "
            wires.append(f"wire {size} {inner};")
            assigns.append(f"assign \\{name} = {inner}& {mask};")
        connections.append(f".\\{name} ({inner})")
    return (f"module masked({', '.join(heads)});\n{' '.join(wires)}\n{' '.join(assigns)}\n"
            f"unmasked inner({', '.join(connections)});\nendmodule\n")


def mask_of(name: str, widths: Mapping[str, int], outputs: Collection[str],
            qualifiers: Mapping[str, str]) -> str:
    """Return when the bits of an output count, or nothing where they always do."""
    memory, _, part = name.rpartition("__")
    if part == "WR_DATA":
        return f"\\{memory}__WR_EN "
    if part in ("WR_ADDR", "RD_ADDR"):
        enable = f"{memory}__{part[:2]}_EN"
        count = widths[f"{memory}__{part[:2]}_CLK"]
        bits, each = widths[name] // count, widths[enable] // count
        return "{" + ", ".join(f"{{{bits}{{|\\{enable} [{port * each}+:{each}]}}}}"
                               for port in reversed(range(count))) + "}"
    stream, _, part = name.partition("__")
    qualifier = qualifiers.get(name)
    if f"{stream}__valid" in outputs and part not in ("valid", "ready"):
        qualifier = f"{stream}__valid"
    return f"{{{widths[name]}{{\\{qualifier} }}}}" if qualifier else ""


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
