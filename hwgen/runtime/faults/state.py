"""The state of a design: its registers and memories, by name, as its Verilog has them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Element", "elements_of", "members_of", "table_of"]

NAME = r"(?:\\\S+ |[A-Za-z_]\w*)"
MODULE = re.compile(rf"^module ({NAME}) ?\((.*?)^endmodule", re.MULTILINE | re.DOTALL)
STORED = re.compile(rf"^  reg (?:\[(\d+):(\d+)\] )?({NAME})(?: \[(\d+):0\])?(?: =.*)?;",
                    re.MULTILINE)
CLOCKED = re.compile(r"^  always @\(posedge .*?\)(?: begin)?\n((?:    .*\n)+)", re.MULTILINE)
WRITTEN = re.compile(rf"^ +({NAME})(?: ?\[.*?\])? <= ", re.MULTILINE)
PLACED = re.compile(rf"^  ({NAME}) ?({NAME}) \(\n(.*?)^  \);", re.MULTILINE | re.DOTALL)
PORT = re.compile(rf"\.({NAME}) ?\(({NAME} ?(?:\[[\d:]+\])?)\)")
ALIAS = re.compile(rf"^  assign ({NAME}) ?= ({NAME} ?(?:\[[\d:]+\])?);", re.MULTILINE)
MEMBER = re.compile(r"^\s+(?:\w+(?:/\*\S+\*/)?|Vl\w+<.*>(?:/\*\S+\*/)?) (\w+);$", re.MULTILINE)


@dataclass(frozen=True)
class Element:
    """A register, or a memory.

    Members
    -------
    name : str
        With the names of the modules around it.
    width, depth : int
        Its bits; of a memory the bits of a row, and its rows. A register has no depth.
    names : tuple of str
        What it is called anywhere: a port has the name of what is connected to it, too.
    """

    name: str
    width: int
    depth: int
    names: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """How many bits it has."""
        return self.width * (self.depth or 1)

    @property
    def part(self) -> str:
        """The part of the top module that it is in, or that module if it is in none."""
        top, *inner = self.name.split(".")
        return inner[0] if len(inner) > 1 else top


@dataclass(frozen=True)
class Module:
    """The text of a module between its name and its end, as Yosys writes it."""

    text: str

    @cached_property
    def stored(self) -> dict[str, tuple[int, int]]:
        """Width and depth of all that is written at an edge of a clock."""
        widths = {plain(name): (int(high or 0) - int(low or 0) + 1, int(last) + 1 if last else 0)
                  for high, low, name, last in STORED.findall(self.text)}
        written = (plain(name) for block in CLOCKED.findall(self.text)
                   for name in WRITTEN.findall(block))
        return {name: widths[name] for name in dict.fromkeys(written)}

    @cached_property
    def instances(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Of each instance its module, its name, and ports with the wires that they are."""
        return [(plain(kind), plain(name), pairs(PORT.findall(ports)))
                for kind, name, ports in PLACED.findall(self.text)]

    @cached_property
    def aliases(self) -> list[tuple[str, str]]:
        """Names of the same wire."""
        return pairs(ALIAS.findall(self.text))


def plain(name: str) -> str:
    """Return a name as it is, without what marks it in Verilog."""
    return name.strip().removeprefix("\\").replace(" ", "")


def pairs(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return both names of each pair as they are."""
    return [(plain(first), plain(second)) for first, second in found]


def elements_of(verilog: str, top: str) -> list[Element]:
    """Return all registers and memories of a design, in the order of its text."""
    modules = {plain(name): Module(text) for name, text in MODULE.findall(verilog)}
    above: dict[str, str] = {}

    def first(name: str) -> str:
        while name in above:
            name = above[name]
        return name

    def walk(kind: str, path: str) -> Iterator[Element]:
        module = modules[kind]
        for name, (width, depth) in module.stored.items():
            yield Element(f"{path}.{name}", width, depth)
        same = [*module.aliases, *((f"{name}.{port}", wire) for _, name, ports in module.instances
                                   for port, wire in ports)]
        for left, right in same:
            one, other = first(f"{path}.{left}"), first(f"{path}.{right}")
            if one != other:
                above[one] = other
        for inner, name, _ in module.instances:
            yield from walk(inner, f"{path}.{name}")

    found = list(walk(top, top))
    names: dict[str, list[str]] = {}
    for name in {*above, *above.values()}:
        names.setdefault(first(name), []).append(name)
    return [Element(each.name, each.width, each.depth,
                    (each.name, output_of(each.name), *sorted(names.get(first(each.name), ()))))
            for each in found]


def output_of(name: str) -> str:
    """Return what Verilator calls an output of a module that is a part of a wire outside."""
    *outside, module, port = name.split(".")
    return ".".join([*outside, f"__Vcellout__{module}__{port}"])


def members_of(header: str) -> dict[str, str]:
    """Return the members of a Verilator model's root, by the names that Verilog has for them."""
    def name_of(member: str) -> str:
        for code, text in (("__DOT__", "."), ("__BRA__", "["), ("__KET__", "]")):
            member = member.replace(code, text)
        return re.sub("__0([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), member)

    return {name_of(member): member for member in MEMBER.findall(header)}


def table_of(elements: list[Element], header: str) -> str:
    """Return rows of a table in C++: where in the model's root each element is.

    Verilator leaves out what is constant or never read, which is no state: flipping it would change
    nothing that can be seen.
    """
    members = members_of(header)
    found = (next((members[name] for name in each.names if name in members), None)
             for each in elements)
    return "\n".join("ABSENT," if member is None else
                     f"{'MEMORY' if each.depth else 'REGISTER'}({member}, {each.width}),"
                     for each, member in zip(elements, found, strict=True))
