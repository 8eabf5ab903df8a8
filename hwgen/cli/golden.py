"""`hwgen golden`: run a network in NumPy.

Run a network in NumPy, with exactly the integers that the hardware computes.
"""

import argparse

from ..golden.network import network as golden
from ..golden.network.stream import run_stream
from ..network.reader import read_network
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
    network = read_network(options.model)
    frames = frames_of(options, network)
    inputs = arrays.read_inputs(options.input, network)
    results = golden.run(network, inputs) if frames == 1 else run_stream(network, inputs, frames)
    outputs = [arrays.image_outputs(network, {name: values[index:index + 1]
                                              for name, values in results.items()})
               for index in range(len(next(iter(inputs.values()))))]
    facts = {"network": network.name, "rounding": network.rounding,
             **arrays.output_facts(network, outputs)}
    lines = list(arrays.output_lines(outputs))
    if options.labels:
        right = arrays.right_answers(outputs, arrays.read_answers(options.labels, len(outputs)))
        facts["top_1"] = right / len(outputs)
        lines.append(f"top-1: {right} of {len(outputs)} are right, {right / len(outputs):.1%}")
    return show(options, facts, "\n".join(lines))
