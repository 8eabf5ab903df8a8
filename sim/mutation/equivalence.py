"""Prove that a mutant of :mod:`sim.mutation.mutants` cannot be told from the design by its outputs.

Both stand side by side, from the state after configuration on, with the same inputs. A register
or a memory that has no initial value begins with any, the same in both. ABC, which is
part of yosys, merges what is equal in both and then looks for an invariant by which no output ever
differs (property-directed reachability), or for inputs by which one does. What is on an output
stream ``x`` counts only while ``x__valid`` is high.

Memories and products are too much for that, so at first both are cut there: what a memory or a
multiplier gets is one more output, and what it gives any input, the same for both. As long as both
get the same, they do give the same, so what is equal without them is equal with them. What is not
may be so all the same: then the whole is compared. Where time is over, :func:`heals` asks less.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from .lemmas import PORT, Lemma, registers, side_by_side, words_of
from .mutants import PREPARED, SECONDS, Mutant, Netlist, yosys

__all__ = ["Verdict", "compare", "compare_parts", "soon_equivalent"]

HEAVY = re.compile(r"^  cell \$(?:mem_v2|mul) ", re.MULTILINE)
AT_ONCE = re.compile(r"^  cell \$mem_v2 \\(\S+)\n(?:    .*\n)*?"
                     r"    parameter \\RD_CLK_ENABLE \d+'0+$", re.MULTILINE)
MEMORY = re.compile(r"parameter \\WIDTH (\d+)\n.*\\OFFSET .*\n.*\\SIZE (\d+)$", re.MULTILINE)
LARGE = 1024
"""Bits of memories, above which they are nothing but cut."""
NEAR, SOON = 2, 5
"""What is proven soon: of how many of the smallest parts, in how many seconds each."""
LAYERS = 3
"""How far a difference is followed from register to register."""
CUT = ["rename -enumerate -pattern product_% t:$mul",
       "expose -evert -sep __ t:$mem_v2 r:WR_PORTS>0 %i t:$mul %u"]


CLOCK = re.compile(r"^    connect \\(?:CLK|RD_CLK|WR_CLK) (.+)$", re.MULTILINE)
TIME = ["async2sync", "clk2fflogic"]
"""What a step of a proof is: a cycle of the only clock, or any moment for several clocks."""


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant is ``equivalent``, ``different``, or ``unknown`` as time was over.

    ``cycles`` is how many it takes until an output differs, at most.
    """

    answer: str
    cycles: int = 0


def compare(netlist: Netlist, mutant: Mutant, *, seconds: int = 20,
            qualifiers: Mapping[str, str] | None = None, lemma: Lemma | None = None) -> Verdict:
    """Compare a mutant with the design; each attempt to prove something gets so many seconds.

    An output that ``qualifiers`` names counts only while one of those is high that are its value:
    ports, bits of them such as ``a[0]``, or its own last one ``[-1]``, or ``a&~b`` of some.
    What ``lemma`` says is proven, too.
    """
    qualifiers = qualifiers or {}
    prepared = (netlist.folder / PREPARED).read_text()
    changes = CUT if HEAVY.search(prepared) else []
    if lemma:
        known = prove(netlist, mutant, changes, seconds, qualifiers, lemma)
        if known.answer == "equivalent":
            return known
    found = prove(netlist, mutant, changes, seconds, qualifiers)
    if found.answer == "unknown" and heals(netlist, mutant, changes, seconds, qualifiers):
        return Verdict("equivalent")
    if found.answer == "equivalent" or not changes:
        return found
    if sum(int(width) * int(size) for width, size in MEMORY.findall(prepared)) > LARGE:
        return Verdict("unknown")
    return prove(netlist, mutant, [], seconds, qualifiers)


def compare_parts(netlist: Netlist, mutant: Mutant, *, seconds: int = 20,
                  qualifiers: Mapping[str, str] | None = None, lemma: Lemma | None = None,
                  ) -> Verdict:
    """Compare as :func:`compare` does, but first the parts of the design that have the mutant.

    Before that it is looked whether any wire leads from the mutant to an output. Where a part
    differs, the whole may be equivalent all the same, so that then it is compared. What is known
    of the whole is for the whole alone, and what is known of an instance for that.
    """
    if lemma is None and is_unseen(netlist, mutant, qualifiers or {}):
        return Verdict("equivalent")
    groups: Iterable[list[str]] = parts(mutant) if lemma is None else ()
    if lemma and lemma.instance:
        groups = [cells_in(lemma.instance)]
    for cells in groups:
        made = part(netlist, mutant, cells)
        if made and compare(*made, seconds=seconds, lemma=lemma).answer == "equivalent":
            return Verdict("equivalent")
    return compare(netlist, mutant, seconds=seconds, qualifiers=qualifiers, lemma=lemma)


def soon_equivalent(netlist: Netlist, mutant: Mutant) -> bool:
    """Return whether a few seconds are enough to prove a mutant equivalent: most that are.

    Then no output of the cells within a few steps behind it ever differs.
    """
    for cells in list(parts(mutant))[:NEAR]:
        made = part(netlist, mutant, cells)
        if made:
            heavy = HEAVY.search((made[0].folder / PREPARED).read_text())
            if prove(*made, CUT if heavy else [], SOON, {}).answer == "equivalent":
                return True
    return False


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
        yield cells_in(*names[:depth])


def cells_in(*names: str) -> list[str]:
    """Return what selects the cells of an instance, with the names of those around it."""
    return [f"c:$flatten?{'.?'.join(names)}.*", f"c:{'.'.join(names)}.*"]


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
          qualifiers: Mapping[str, str], lemma: Lemma | None = None) -> Verdict:
    """Compare a mutant with the design, after changes of both."""
    folder, top = netlist.folder, netlist.top
    status, merged, ports = folder / "status.txt", folder / "merged.aig", folder / "ports.il"
    for path in (status, merged, ports, folder / "miter.map"):
        path.unlink(missing_ok=True)
    prepared = (folder / PREPARED).read_text()
    if lemma:
        changes = [*changes, "expose " + " ".join(f"w:{name}" for name in registers(prepared))]
    yosys([f"read_rtlil {PREPARED}", *changes, f"write_rtlil {ports.name}"], folder)
    (folder / "any.v").write_text("module any(input a, b, output y); assign y = a & b; endmodule\n")
    (folder / "masked.v").write_text(masking_verilog(ports.read_text(), qualifiers))
    mutate = f"mutate {mutant.change}"
    beside = ["miter -equiv -flatten original mutant miter"]
    if lemma:
        (folder / "beside.v").write_text(side_by_side(
            ports.read_text(), AT_ONCE.findall(prepared), lemma, words_of(prepared)))
        beside = ["read_verilog -sv beside.v", "proc"]
    yosys([
        *variant(top, "original", changes), *variant(top, "mutant", [mutate, *changes]),
        "design -copy-from original original", "design -copy-from mutant mutant",
        *beside, "hierarchy -top miter", "flatten",
        "memory_map", "opt -full -share_all", TIME[len(clocks(prepared)) > 1],
        "setundef -undriven -zero", "techmap",
        "opt_clean -purge", "dffunmap", "aigmap", "opt_clean -purge",
        "write_aiger -zinit -map miter.map miter.aig",
    ], folder, seconds=SECONDS)
    if not (folder / "miter.map").exists():
        return Verdict("unknown")
    (folder / "miter.aig").write_bytes(same_start(
        (folder / "miter.aig").read_bytes(), (folder / "miter.map").read_text(),
        parted=mutant.option("wire") if mutant.option("port") == "Q" else ""))
    if lemma and len(clocks(prepared)) == 1 and holds_by_step(folder, lemma, seconds):
        return Verdict("equivalent")
    yosys([
        # ABC works on what it reads itself. Then yosys misses a result, of a design of no account.
        "read_verilog -sv any.v", "techmap",
        (f"abc -script +read_aiger,miter.aig;{'' if lemma else 'scorr;'}write_aiger,{merged.name};"
         f"pdr,-T,{seconds};write_status,{status.name}"),
    ], folder, seconds=30 * seconds + 60)
    return verdict(merged, status)


def clocks(rtlil: str) -> set[str]:
    """Return the clocks of a design; what reads memories at once has none, but ``1'x``."""
    return {name for given in CLOCK.findall(rtlil)
            for name in re.findall(r"\\\S+(?: \[\d+\])?|\d+'[01]\S*", given)}


def holds_by_step(folder: Path, lemma: Lemma, seconds: int) -> bool:
    """Return whether all that a lemma says holds at first, and after a cycle if it did before."""
    (folder / "step.aig").write_bytes(one_step(
        (folder / "miter.aig").read_bytes(), (folder / "miter.map").read_text(),
        {name for name, holds in lemma.relations.items() if not holds.startswith("SAME &&")}))
    status = folder / "step.txt"
    status.unlink(missing_ok=True)
    yosys(["read_verilog -sv any.v", "techmap",
           f"abc -script +read_aiger,step.aig;pdr,-T,{seconds};write_status,{status.name}"],
          folder, seconds=30 * seconds + 60)
    return status.exists() and status.read_text().startswith("snl_UNSAT")


def one_step(aig: bytes, names: str, weak: Collection[str]) -> bytes:
    """Return a circuit that is never 1 if the output of another one is never, by induction.

    Of that one, both sides' registers are taken to be equal but those with ``weak`` names, and have
    to be so a cycle later: then most of both sides is the same.
    """
    head, rest = aig.split(b"\n", 1)
    _, inputs, count, outputs, total = map(int, head.split()[1:6])
    *lines, rest = rest.split(b"\n", count + outputs)
    nexts, trigger = [int(line.split()[0]) for line in lines[:count]], int(lines[count])
    ands, end = [], 0
    for gate in range(total):
        left = 2 * (inputs + count + 1 + gate)
        first, end = decode_number(rest, end)
        second, end = decode_number(rest, end)
        ands.append((left, left - first, left - first - second))
    sides: dict[str, dict[tuple[str, str], int]] = {"gold": {}, "gate": {}}
    named = re.findall(r"^(?:inv)?latch (\d+) (\d+) (gold|gate)\.(?:inner\.)?(.*)$", names,
                       re.MULTILINE)
    apart = {index for index, _, _, name in named if name in weak}  # by any of their names
    for index, bit, side, name in named:
        # What has no name of its own may be a part of a register with one.
        if index not in apart and not re.search(r"\b_\d+_$", name):
            sides[side][name, bit] = int(index)
    pairs = [(sides["gold"][key], at) for key, at in sides["gate"].items() if key in sides["gold"]]
    given = 2 * inputs + count
    gates = Gates(given + 2)

    def unrolled(first: int, states: list[int]) -> tuple[list[int], int]:
        values = {0: 0} | {2 + 2 * index: first + 2 * index for index in range(inputs)}
        values |= {2 + 2 * (inputs + index): state for index, state in enumerate(states)}
        for name, *of in ands:
            values[name] = gates.both(*(values[at & ~1] ^ at & 1 for at in of))
        literals = [values[at & ~1] ^ at & 1 for at in (*nexts, trigger)]
        return literals[:-1], literals[-1]

    states = [2 + 2 * (inputs + index) for index in range(count)]
    for gold, gate in pairs:
        states[gate] = states[gold]
    # Once inputs were not legal all is well.
    broken = [int(at) for at in re.findall(r"^latch (\d+) 0 broken$", names, re.MULTILINE)]
    for at in broken:
        states[at] = 0
    now, wrong = unrolled(2, states)
    same = 1
    for gold, gate in pairs:
        same = gates.both(same, gates.differ(now[gold], now[gate]) ^ 1)
    for at in broken:
        same = gates.both(same ^ 1, now[at] ^ 1) ^ 1
    _, later = unrolled(2 + 2 * (inputs + count), now)
    _, begins = unrolled(2, [0] * count)
    holds = gates.both(gates.both(same, later ^ 1) ^ 1, wrong ^ 1) ^ 1
    bad = gates.both(holds, begins ^ 1) ^ 1
    idle = 2 * (given + 1)  # a register, for it must have one
    out = gates.both(bad, idle ^ 1)
    rows = b"".join(encode_number(at - high) + encode_number(high - low)
                    for (high, low), at in gates.ands.items())
    size = len(gates.ands)
    return f"aig {given + 1 + size} {given} 1 1 {size}\n2\n{out}\n".encode() + rows


def decode_number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number as :func:`encode_number` writes it, and where the next one begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def heals(netlist: Netlist, mutant: Mutant, changes: list[str], seconds: int,
          qualifiers: Mapping[str, str]) -> bool:
    """Return whether a proof is found that a difference stays in a few registers, and ends there.

    Where the whole is too much: the design is there once, and beside it those registers alone as
    the mutant would have them. What is to be proven is that whatever the mutant makes of them and
    of the design's other registers is what the design makes, but in these few. Then by induction
    all others are always equal, and so are the outputs. It begins with the registers whose next
    value is another circuit, and goes on with those that they reach. All must have one clock.
    """
    folder, both = netlist.folder, circuits(netlist, mutant, changes, qualifiers)
    own: set[int] = set()
    for _ in range(LAYERS if both else 0):
        found, differ = beside(*both, own)
        if found is None:
            return True
        (folder / "beside.aig").write_bytes(found)
        status = folder / "beside.txt"
        status.unlink(missing_ok=True)
        yosys(["read_verilog -sv any.v", "techmap",
               (f"abc -script +read_aiger,beside.aig;scorr;pdr,-T,{seconds};"
                f"write_status,{status.name}")],
              folder, seconds=30 * seconds + 60)
        if status.exists() and status.read_text().startswith("snl_UNSAT"):
            return True
        if differ <= own:
            return False
        own |= differ
    return False


def circuits(netlist: Netlist, mutant: Mutant, changes: list[str], qualifiers: Mapping[str, str],
             ) -> tuple["Circuit", "Circuit"] | tuple[()]:
    """Return a design and a mutant, each as a circuit, if it has but one clock."""
    folder = netlist.folder
    if len(clocks((folder / PREPARED).read_text())) > 1:
        return ()
    ports = folder / "ports.il"
    yosys([f"read_rtlil {PREPARED}", *changes, f"write_rtlil {ports.name}"], folder)
    (folder / "masked.v").write_text(masking_verilog(ports.read_text(), qualifiers))
    files = {name: folder / f"{name}.aag" for name in ("original", "mutant")}
    for file in files.values():
        file.unlink(missing_ok=True)
    for name, more in ("original", []), ("mutant", [f"mutate {mutant.change}"]):
        yosys([*variant(netlist.top, name, [*more, *changes]), f"design -load {name}",
               "memory_map", "zinit -all", "async2sync", "techmap", "dffunmap", "setundef -zero",
               "aigmap", f"write_aiger -ascii -zinit -symbols {files[name].name}"], folder)
    if not all(file.exists() for file in files.values()):
        return ()
    design, changed = (Circuit(file.read_text()) for file in files.values())
    changed.sort_registers(design)
    return design, changed


def is_unseen(netlist: Netlist, mutant: Mutant, qualifiers: Mapping[str, str]) -> bool:
    """Return whether no wire leads from where a mutant differs to an output, or what was cut.

    So it is with bits of what goes from register to register, if nobody at the end wants them.
    """
    heavy = HEAVY.search((netlist.folder / PREPARED).read_text())
    both = circuits(netlist, mutant, CUT if heavy else [], qualifiers)
    return bool(both) and unseen(*both)


def variant(top: str, name: str, changes: list[str]) -> list[str]:
    """Return the commands that stash a variant of the design, behind what masks its outputs."""
    return [f"read_rtlil {PREPARED}", *changes, f"rename {top} unmasked", "read_verilog masked.v",
            "hierarchy -top masked", "flatten", "opt_clean", f"rename masked {name}",
            f"design -stash {name}"]


def masking_verilog(rtlil: str, qualifiers: Mapping[str, str]) -> str:
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

    def bit_of(found: re.Match[str]) -> str:
        port = found[1]
        inner = f"\\raw_{port} " if port == name else f"\\{port} "
        return inner + (f"[{int(found[2]) % widths[port]}]" if found[2] else "")

    any_of = " | ".join(re.sub(r"(\w+)(?:\[(-?\d+)\])?", bit_of, each)
                        for each in (qualifier or "").split())
    return f"{{{widths[name]}{{{any_of}}}}}" if any_of else ""


def same_start(aig: bytes, names: str, parted: str = "") -> bytes:
    """Return an AIG in which a mutant's registers without initial value begin as the design's do.

    In what yosys writes each bit of them has an input of its own, whose name is in its map. Where
    a mutant has parted a bit from a wire, and so from the wire's initial value, which is 0, the bit
    has no name.
    """
    starts = {(side, wire, bit): int(index) for index, bit, side, wire in
              re.findall(r"^init (\d+) (\d+) (gold|gate)\.(.*)$", names, re.MULTILINE)}
    of = {2 * index + 2: 2 * starts["gold", wire, bit] + 2 for (side, wire, bit), index in
          starts.items() if side == "gate" and ("gold", wire, bit) in starts}

    def move(literal: int) -> int:
        return of.get(literal & ~1, literal & ~1) | literal & 1

    head, rest = aig.split(b"\n", 1)
    _, inputs, latches, outputs, gates = map(int, head.split()[1:6])
    unnamed = set(range(inputs)).difference(
        int(index) for index in re.findall(r"^(?:input|init) (\d+) ", names, re.MULTILINE))
    has_value = not re.search(rf"^init .*{re.escape(parted)}$", names, re.MULTILINE)
    if parted and has_value and len(unnamed) == 1:
        of[2 * unnamed.pop() + 2] = 0
    *lines, rest = rest.split(b"\n", latches + outputs)
    lines = [b" ".join([b"%d" % move(int(line.split()[0])), *line.split()[1:]]) for line in lines]
    numbers, number, shift, end = [], 0, 0, 0
    while len(numbers) < 2 * gates:
        number |= (rest[end] & 127) << shift
        shift += 7
        if rest[end] < 128:
            numbers.append(number)
            number = shift = 0
        end += 1
    packed = bytearray()
    for gate in range(gates):
        left = 2 * (inputs + latches + 1 + gate)
        first = left - numbers[2 * gate]
        high, low = sorted((move(first), move(first - numbers[2 * gate + 1])), reverse=True)
        for delta in (left - high, high - low):
            while delta > 127:
                packed.append(delta & 127 | 128)
                delta >>= 7
            packed.append(delta)
    return b"\n".join([head, *lines, bytes(packed) + rest[end:]])


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


class Circuit:
    """What a file in AIGER's ASCII form says: literals, of which odd ones are inverted."""

    def __init__(self, text: str) -> None:
        lines = iter(text.splitlines())
        _, inputs, latches, outputs, ands = map(int, next(lines).split()[1:6])
        rows = [[int(word) for word in line.split()]
                for line in islice(lines, inputs + latches + outputs + ands)]
        self.inputs = [row[0] for row in rows[:inputs]]
        self.latches = rows[inputs:][:latches]
        self.outputs = [row[0] for row in rows[inputs + latches:][:outputs]]
        self.ands = rows[inputs + latches + outputs:]
        names = dict(line.split(" ", 1) for line in lines if re.match(r"[ilo]\d+ ", line))
        self.inputs_by_name = {names[f"i{index}"]: at for index, at in enumerate(self.inputs)}
        self.outputs_by_name = {names[f"o{index}"]: at for index, at in enumerate(self.outputs)}
        self.registers = [names.get(f"l{index}", "") for index in range(latches)]

    def sort_registers(self, other: "Circuit") -> None:
        """Have registers in the order of those of another circuit that have the same names.

        One whose output is not what has its name comes before those that have none in either.
        """
        if len(self.latches) != len(other.latches):
            return
        rows = list(zip(self.registers, self.latches, strict=True))
        known = {name: row for name, row in rows if name and name in other.registers}
        rest = [row for name, row in rows if name not in known]
        parted = iter(rest)
        for name in other.registers:
            if name and name not in known:
                known[name] = next(parted)
        self.latches = [known[name] if name else next(parted) for name in other.registers]
        self.registers = list(other.registers)


class Gates:
    """Gates of a circuit that is being made, each once; those with known results are none."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.ands: dict[tuple[int, int], int] = {}

    def both(self, a: int, b: int) -> int:
        """Return the literal of ``a & b``."""
        low, high = sorted((a, b))
        if low == 0 or low ^ 1 == high:
            return 0
        if low == 1 or low == high:
            return high
        return self.ands.setdefault((high, low), 2 * (self.first + len(self.ands)))

    def differ(self, a: int, b: int) -> int:
        """Return the literal of ``a ^ b``."""
        return self.both(self.both(a, b) ^ 1, self.both(a ^ 1, b ^ 1) ^ 1)

    def copy(self, circuit: Circuit, values: dict[int, int]) -> dict[int, int]:
        """Return the literals of a circuit's variables, of which those of its ends are known."""
        values = {0: 0, **values}
        for name, *of in sorted(circuit.ands):
            values[name] = self.both(*(values[at & ~1] ^ at & 1 for at in of))
        return values


def is_paired(design: Circuit, mutant: Circuit) -> bool:
    """Return whether two circuits have common ports, and as many registers, which begin with 0."""
    return (len(design.latches) == len(mutant.latches)
            and design.inputs_by_name.keys() == mutant.inputs_by_name.keys()
            and design.outputs_by_name.keys() == mutant.outputs_by_name.keys()
            and all(row[2:] in ([], [0]) for row in (*design.latches, *mutant.latches)))


def unseen(design: Circuit, mutant: Circuit) -> bool:
    """Return whether no output hangs on a register of a mutant that may differ from the design's.

    Those are the ones whose next value is another circuit, and whatever these lead to.
    """
    if not is_paired(design, mutant):
        return False
    names = sorted(design.inputs_by_name)
    gates = Gates(1 + len(names) + len(design.latches))

    def ends(circuit: Circuit) -> tuple[list[int], list[int]]:
        starts = [*(circuit.inputs_by_name[name] for name in names),
                  *(row[0] for row in circuit.latches)]
        values = gates.copy(circuit, {at: 2 + 2 * number for number, at in enumerate(starts)})
        outputs = [circuit.outputs_by_name[name] for name in sorted(circuit.outputs_by_name)]
        nexts, shown = ([values[at & ~1] ^ at & 1 for at in group] for group in (
            [row[1] for row in circuit.latches], outputs))
        return nexts, shown

    (nexts, shown), (others, seen) = ends(design), ends(mutant)
    if shown != seen:
        return False
    own = {row[0] for row, *pair in zip(mutant.latches, nexts, others, strict=True)
           if len(set(pair)) > 1}
    ands = sorted(mutant.ands)
    while True:
        reached = set(own)
        for name, left, right in ands:
            if left & ~1 in reached or right & ~1 in reached:
                reached.add(name)
        more = {row[0] for row in mutant.latches if row[1] & ~1 in reached}
        if more <= own:
            return not any(at & ~1 in reached for at in mutant.outputs)
        own |= more


def beside(design: Circuit, mutant: Circuit, own: set[int]) -> tuple[bytes | None, set[int]]:
    """Return the circuit that :func:`heals` asks about, and which registers differ in it.

    The registers that are the mutant's ``own``, and these, are numbers. There is no circuit where
    nothing can differ, and an empty one where the two have no common ports or registers. Registers
    are paired by their order; a proof is one whatever the pairs, as all begin with 0.
    """
    if not is_paired(design, mutant):
        return b"", set()
    names = sorted(design.inputs_by_name)
    inputs, count = len(names), len(design.latches)
    place = {number: 2 * (1 + inputs + count + index) for index, number in enumerate(sorted(own))}
    gates = Gates(1 + inputs + count + len(own))

    def copy_circuit(circuit: Circuit, places: Mapping[int, int]) -> tuple[list[int], list[int]]:
        values = {circuit.inputs_by_name[name]: 2 + 2 * index for index, name in enumerate(names)}
        values |= {row[0]: places.get(number, 2 * (1 + inputs + number))
                   for number, row in enumerate(circuit.latches)}
        values = gates.copy(circuit, values)
        ends = [row[1] for row in circuit.latches]
        ends += [at for _, at in sorted(circuit.outputs_by_name.items())]
        literals = [values[at & ~1] ^ at & 1 for at in ends]
        return literals[:count], literals[count:]

    (nexts, outputs), (changed, shown) = copy_circuit(design, {}), copy_circuit(mutant, place)
    differ = {number for number, pair in enumerate(zip(nexts, changed, strict=True))
              if len(set(pair)) > 1}
    same = 1
    for pair in [(nexts[number], changed[number]) for number in sorted(differ - own)] + list(
            zip(outputs, shown, strict=True)):
        same = gates.both(same, gates.differ(*pair) ^ 1)
    if same == 1:
        return None, differ
    latches = [*nexts, *(changed[number] for number in sorted(own))]
    head = (f"aig {gates.first - 1 + len(gates.ands)} {inputs} {len(latches)} 1 "
            f"{len(gates.ands)}\n")
    rows = b"".join(encode_number(at - high) + encode_number(high - low)
                    for (high, low), at in gates.ands.items())
    return (head + "".join(f"{at}\n" for at in (*latches, same ^ 1))).encode() + rows, differ


def encode_number(value: int) -> bytes:
    """Return a number as AIGER's binary form has it: seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value % 128 | 128)
        value //= 128
    return bytes([*found, value])
