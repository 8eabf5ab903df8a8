"""`hwgen cycles`: predict the cycles of a network, without simulating.

Compile a network for a Design and tell the cycles of every layer. They are exact: the hardware
counts the same. Without --design the Design is that of ulx3s-85f.
"""

import argparse

from ..network.reader import read
from ..runtime.compiled import compile_images
from ..text import say
from .arrays import add_example, add_model, first_input
from .built import add_clock_board, clock_for, record_of_build
from .design import add_design
from .layer_table import choice_facts, facts_of
from .network_design import network_design
from .output import show
from .parsing import add_clock

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_model(command)
    add_example(command)
    add_design(command)
    add_clock_board(command)
    command.add_argument("--build", metavar="DIR",
                         help="what `hwgen build` wrote: its Design and clock are taken from there")
    add_clock(command)


def run(options: argparse.Namespace) -> int:
    """Predict what an inference takes, without simulating."""
    network = read(options.model)
    built = record_of_build(options)
    chosen = network_design(options, network, built)
    design, clock = chosen.design, clock_for(options, chosen.design, built)
    say("compiling")
    found = compile_images(network, design, first_input(options.input, network))
    parts = zip(found.program.layers, found.layers, strict=True)
    facts = {"network": network.name, **chosen.facts, "predicted_cycles": found.cycles,
             **clock.facts(found.cycles),
             "layers": [{"name": part.name, "operator": part.operator,
                         "predicted_cycles": work.cycles, **facts_of(work)}
                        for part, work in parts], **facts_of(found.whole),
             **choice_facts(found.program),
             **({"stalls": found.whole.stalls} if design.external else {})}
    stalls = f", {found.whole.stalls:,} of them waiting for words" if design.external else ""
    told = f"{found.cycles:,} cycles predicted{stalls}: {clock.time(found.cycles)}"
    return show(options, facts, f"{str(found).rstrip()}\n\n{told}")
