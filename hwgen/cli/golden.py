"""`hwgen golden`: run a network in NumPy.

Run a network in NumPy, with exactly the integers that the hardware computes.
"""

import argparse

from ..network.reader import read
from ..runtime.simulate import simulate
from ..text import say
from . import arrays
from .arrays import frames_of
from .output import show

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    arrays.add_model(command)
    arrays.add_inputs(command)
    arrays.add_stream(command)
    command.add_argument("--labels", metavar="FILE",
                         help="a .npz with `label`, the number of the right answer of each input: "
                         "how many are right (top-1)")


def run(options: argparse.Namespace) -> int:
    """Run inferences in NumPy alone."""
    network = read(options.model)
    frames = frames_of(options, network)
    inputs = arrays.read_arrays(options.input, network)
    say("running in NumPy")
    outputs = simulate(network, inputs, on="numpy", frames=frames).outputs
    facts = {"network": network.name, "rounding": network.rounding,
             **arrays.output_facts(network, outputs)}
    lines = list(arrays.output_lines(outputs))
    if options.labels:
        facts["top_1"], line = arrays.top_1(outputs, arrays.read_answers(options.labels, outputs))
        lines.append(line)
    return show(options, facts, "\n".join(lines))
