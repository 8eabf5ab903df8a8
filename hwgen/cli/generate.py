"""`hwgen generate`: write the Verilog of a Design.

Write a Design's accelerator: its Verilog, the Design that made it (design.toml), a table of its
ports (ports.md) and waivers for Verilator's lint (lint.vlt). The same Design gives the same bytes,
always. Options override the fields of the Design.

Examples:
  hwgen generate                                an 8x8 array of int8, weight-stationary
  hwgen generate --dataflow os --depth 4096     output-stationary, sums of up to 4096 products
  hwgen generate --rows 9 --columns 16 --lines 3 --family ecp5 --device LFE5U-85F
  hwgen generate --design ulx3s-85f --columns 8
                                                a board's preset, but with 8 columns, and lanes
  hwgen generate --design my.toml -o build/my   a Design of your own
  hwgen generate --design icebreaker --top uart --clock 12
                                                with a serial port of 1 Mbaud
  hwgen generate --design icebreaker --top wishbone
                                                for a system: register map and C driver besides
  hwgen generate --unit csc --rows 16 --codebook
                                                a unit alone, here the decoder of sparse weights
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..arch.fitting import MISSING, fitting
from ..errors import UserError
from ..text import printable, say
from .design import add_design, chosen_design, command_with, differences
from .output import show
from .parsing import add_baud, megahertz, refuse_rest

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("--unit", metavar="NAME",
                         help="write this unit of `hwgen sim` alone; `hwgen help units` has all of "
                         "them, and their parameters, which are options, too")
    add_design(command)
    command.add_argument("--name", metavar="NAME",
                         help="name of the top module, of the files, and of the folder; all other "
                         "modules, and all names in C, begin with it, so that accelerators of "
                         "different names go into one system (default: of the folder, made of the "
                         "fields; modules and C have names of their own)")
    command.add_argument("-o", "--output", metavar="DIR",
                         help="folder to write to (default: rtl_out/NAME)")
    command.add_argument("--top", choices=("stream", "uart", "spi", "wishbone", "axi"),
                         default="stream",
                         help="how the host reaches the accelerator: stream, bytes with valid and "
                         "ready (default); uart, a serial port; spi, a slave of mode 0; wishbone, "
                         "or axi (AXI4-Lite and AXI4-Streams): in the addresses of a system, with "
                         "a register map and a driver in C")
    command.add_argument("--clock", type=megahertz, metavar="MHZ",
                         help="the clock of which --top uart makes the baud: the accelerator's "
                         "(default: the one that a recorded build of the Design has met, or what "
                         "may be expected), or host_clk of an ECP5 (default: the board's crystal)")
    add_baud(command)


def run(options: argparse.Namespace) -> int:
    """Write a Design's files."""
    from ..generate.hardware import generate
    from ..generate.unit import OF_DESIGNS

    if options.unit is not None and options.unit not in OF_DESIGNS:
        return run_unit(options)
    design = chosen_design(options)
    if options.unit is not None:
        design = design_of_unit(options, design)
    clock, serial, said = serial_clock(options, design)
    say("writing Verilog")
    made = generate(design, top=options.top, name=options.name, clock=clock, baud=options.baud)
    folder = Path(options.output or Path("rtl_out") / made.name)
    files = made.write(folder)
    facts = {"name": made.name, "module": made.module, "design": dataclasses.asdict(design),
             "fingerprint": f"0x{design.fingerprint:08x}", **serial, "folder": str(folder),
             "files": [str(path) for path in files]}
    return show(options, facts, "\n  ".join([repr(made), *said, *map(printable, files)]))


def run_unit(options: argparse.Namespace) -> int:
    """Write a unit's files."""
    from ..arch.names import identifier_of
    from ..generate.unit import unit
    from ..generate.units import UNITS
    from .unit_options import parameters_of

    for option, value in (("--top", options.top != "stream"), ("--clock", options.clock)):
        if value:
            raise UserError(f"{option} is for whole accelerators; leave it out with --unit")
    say("writing Verilog")
    made = unit(options.unit, **(parameters_of(options.unit, options) if options.unit in UNITS
                                 else {}))
    folder = Path(options.output or Path("rtl_out") / (options.name or made.name))
    module = "" if options.name is None else identifier_of(options.name)
    files = made.write(folder, module)
    return show(options, {"unit": made.name, "module": module or made.name,
                          "parameters": made.parameters, "timing": made.timing,
                          "folder": str(folder), "files": [str(path) for path in files]},
                "\n  ".join([printable(made.title), made.timing, *map(printable, files)]))


def design_of_unit(options: argparse.Namespace, design: Design) -> Design:
    """Return the Design of a unit that is an array alone or a whole accelerator."""
    from ..generate.unit import accelerator_of, binary_of

    refuse_rest(options)
    if options.unit == "systolic":
        return design.array_alone
    if options.unit == "binary":
        return binary_of(design)
    if "-" in options.unit:
        options.top = options.unit.partition("-")[2]
    return accelerator_of(design)


def serial_clock(options: argparse.Namespace,
                 design: Design) -> tuple[float | None, dict[str, Any], list[str]]:
    """Return the clock of a serial port, and what is to be said of it.

    Only an accelerator has a top level of its own.
    """
    from ..build.clock import board_named, host_clock_of
    from ..rtl.links.uart import bit_cycles

    if options.top != "stream" and not design.activation_memory:
        values = dataclasses.asdict(design)
        found = fitting(values | {"activation_memory": MISSING["activation_memory"]}, ())
        command = command_with(options.words, differences(values, found)) if found else \
            f"hwgen generate --design ulx3s-85f --top {options.top}"
        raise UserError(f"--top {options.top}: an array alone has no host, and without an "
                        f"activation_memory the Design is one; this would do: `{command}`")
    if options.top != "uart":
        return None, {}, []
    clock = host_clock_of(design, board_named(None, options.design, design), options.clock)
    if clock.mhz is None:
        raise UserError(f"--clock is missing, of which the baud is made: {clock.why}")
    cycles = bit_cycles(clock.mhz, options.baud)
    facts = clock.facts(cycles)
    del facts["milliseconds"]
    return clock.mhz, {"baud": options.baud, "bit_cycles": cycles, **facts}, [
        f"a bit takes {cycles} cycles: {options.baud} baud at {clock.mhz:g} MHz, {clock.why}"]
