"""`hwgen unroll`: write the Verilog of a small network with its weights as constants.

Write a small network as one pipeline of adders: its weights are constants in the fabric, an
inference goes in and another one comes out in every cycle. No block RAM is used, and no multiplier
but for --dsps.
The outputs are those of `hwgen golden`, bit for bit. docs/unrolled.md has more.

Examples:
  hwgen unroll networks/hello_world.tflite -o hello
                                                unrolled.v, ports.md, lint.vlt, unrolled.json
  hwgen unroll mlp.onnx --clock 150 --name mlp  registers for 150 MHz
  hwgen unroll mlp.onnx --board ulx3s-85f       refuse what does not fit the board's chip
  hwgen unroll mlp.onnx --check 10000           simulate the Verilog and compare it with NumPy
"""

import argparse
from pathlib import Path

from ..errors import UserError
from ..generate.unrolled import unroll
from ..text import PROGRESS, printable
from .arrays import add_model
from .output import show
from .parsing import integer, megahertz

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_model(command)
    command.add_argument("--clock", type=megahertz, metavar="MHZ", default=100.0,
                         help="the clock that registers are placed for, on an ECP5 of speed grade "
                         "6 (default: 100)")
    command.add_argument("--dsps", type=integer, metavar="COUNT", default=0,
                         help="multipliers of the chip at most, which spare LUTs (default: 0)")
    command.add_argument("--board", metavar="BOARD",
                         help="the board whose chip it must fit (default: the largest chip there "
                         "is)")
    command.add_argument("--name", metavar="NAME", default="unrolled",
                         help="name of the module and of its file (default: unrolled)")
    command.add_argument("--check", type=integer, metavar="COUNT", default=0,
                         help="put this many random inputs through the simulated Verilog, and "
                         "compare each output and its cycle with NumPy")
    command.add_argument("-o", "--output", metavar="DIR",
                         help="folder to write to (default: rtl_out/NAME)")


def run(options: argparse.Namespace) -> int:
    """Write the files of an unrolled network."""
    if options.check < 0:
        raise UserError(f"--check must be 0 or more, not {options.check}")
    made = unroll(options.model, clock=options.clock, dsps=options.dsps, board=options.board,
                  name=options.name, say=PROGRESS.say)
    PROGRESS.say("writing Verilog")
    files = made.write(Path(options.output or Path("rtl_out") / made.name))
    facts = {"network": made.network.name, "module": made.name, "latency": made.latency,
             "interval": 1, "clock_mhz": made.clock_mhz, "adders": len(made.graph.sums),
             "luts": made.luts, "dsps": made.dsps, "output": made.output,
             "files": [str(path) for path in files]}
    lines = [made.summary, *(f"  {printable(path)}" for path in files)]
    if not options.check:
        return show(options, facts, "\n".join(lines))
    from ..runtime.unrolled import check_unrolled, random_inputs

    PROGRESS.say("simulating")
    differ, late = check_unrolled(made, random_inputs(made.graph, options.check))
    facts |= {"checked": options.check, "differ": differ, "late": late}
    lines.append(f"{options.check:,} inputs on the Verilog: " + (
        f"every output equals NumPy, {made.latency} cycles after its input" if not differ | late
        else f"{differ:,} outputs differ from NumPy, and {late:,} came at another cycle"))
    show(options, facts, "\n".join(lines))
    return 1 if differ or late else 0
