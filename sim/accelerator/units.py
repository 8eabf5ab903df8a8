"""Whole accelerators as units of the regression: one for each top level."""

from hwgen.arch.design import Design
from hwgen.generate.conversion import to_verilog
from hwgen.generate.design import component, module
from hwgen.generate.unit import accelerator_of as design_of
from hwgen.rtl.primitives.library import Library
from hwgen.rtl.tops.catalogue import STREAM, TOPS, Top, uart

__all__ = ["DIVISOR", "MUTATED", "UNIT", "UNITS", "design_of", "source", "top_level"]

UNIT = "accelerator"
"""The unit of the accelerator itself, at whose ports are streams of bytes."""

DIVISOR = 4
"""Cycles of a bit on the wires of a serial port."""

UNITS = {UNIT: STREAM.name} | {f"{UNIT}-{name}": name
                               for name in ("uart", *TOPS) if name != STREAM.name}
"""The top level of each unit; their bench is one."""

SMALL = Design(rows=4, columns=4, lines=1, lanes=2, activation_memory=256, program_memory=1600,
               partial_sums=8, steps=4)
MUTATED = [SMALL, SMALL.replace(rows=5, columns=7, lines=2, line_pixels=9, lanes=3,
                                program_memory=3500, partial_sums=13),
           SMALL.replace(rows=9, columns=4, lines=0, lanes=4, activation_memory=1024,
                         rounding="single", steps=40)]
"""Those whose mutants are tried: the first one's, and in the others those that it leaves."""


def top_level(name: str) -> Top:
    """Return a top level by its name."""
    return uart(DIVISOR) if name == "uart" else TOPS[name]


def source(unit: str, design: Design) -> tuple[str, str]:
    """Return the top module and the Verilog of a whole accelerator."""
    top = top_level(UNITS[unit])
    name = module(design, top)
    return name, to_verilog(Library().convert(component(design, top), name))
