"""`hwgen faults`: flip bits of the simulated hardware, and say what comes of it.

A fault campaign: run inferences on the Verilog of a Design, flip one bit in each, at a place and a
time that are drawn, and compare the results with those of NumPy. Of each kind of state so many bits
are flipped: in the memories, and in the registers of each part. The table says how many flips were
masked, gave a wrong result that nobody noticed (and another label), were detected, or made the
accelerator hang, in percent, with 95 % confidence intervals.
The same seed gives the same flips and the same results. With --output a command that was stopped
goes on where it was. Without --design the Design is that of ulx3s-85f; docs/faults.md has more.

Examples:
  hwgen faults networks/kws_dscnn.tflite --input networks/kws_dscnn.npz:input --flips 20
  hwgen faults net.onnx --input x.npy --kinds weights descriptors --flips 50 -o flips.jsonl
  hwgen faults net.onnx --input x.npy --kinds registers:sequencer --flips 50 --seed 7 --json
"""

import argparse
from pathlib import Path

from ..network.reader import read
from ..runtime.compiled import compile_images
from ..runtime.faults.faults import faults
from ..text import say
from ..tools.files import check_writable
from . import arrays
from .design import add_design
from .network_design import network_design
from .output import show
from .parsing import integer, seed

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    arrays.add_model(command)
    arrays.add_inputs(command)
    add_design(command)
    command.add_argument("--kinds", metavar="KIND", nargs="+",
                         help="kinds of state, such as weights, registers:fetch, or registers for "
                         "those of all parts (default: all)")
    command.add_argument("--flips", type=integer, metavar="N", default=200,
                         help="bits that are flipped of each kind (default: 200)")
    command.add_argument("--seed", type=seed, metavar="S", default=1,
                         help="which bits, and when (default: 1)")
    command.add_argument("--jobs", type=integer, metavar="N",
                         help="simulators at once (default: one for each processor)")
    command.add_argument("-o", "--output", metavar="FILE",
                         help="keep what comes of each flip in this file, a line of JSON each; "
                         "what it has already is not done again")


def run(options: argparse.Namespace) -> int:
    """Flip bits, and print what came of it."""
    if options.output:
        check_writable(Path(options.output))
    network = read(options.model)
    chosen = network_design(options, network)
    given = arrays.read_arrays(options.input, network)
    program = compile_images(network, chosen.design, arrays.first_input(options.input, network))
    found = faults(program, given, kinds=options.kinds, flips=options.flips, seed=options.seed,
                   jobs=options.jobs, output=options.output, say=say)
    return show(options, {**found.facts, **chosen.facts}, f"{found}\n{found.summary}")
