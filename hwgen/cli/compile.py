"""`hwgen compile`: write the Program of a network for a Design.

Compile a network for a Design: steps, weights and where each tensor lies, in one file. A file whose
name ends in .h is a header in C, for the driver that `hwgen generate --top wishbone` or axi writes.
"""

import argparse
from pathlib import Path

from ..network.reader import read
from ..predict.layer_rows import notes
from ..runtime.compiled import compile_images
from ..text import printable, say
from .arrays import add_example, add_model, first_input
from .design import add_design
from .layer_table import choice_facts
from .network_design import network_design
from .output import show

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_model(command)
    add_example(command)
    add_design(command)
    command.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: the model's name, and .program); NAME.h is "
                         "a header in C that defines NAME")


def run(options: argparse.Namespace) -> int:
    """Write the Program of a network."""
    network = read(options.model)
    example = first_input(options.input, network)
    chosen = network_design(options, network)
    say("compiling")
    compiled = compile_images(network, chosen.design, example)
    program = compiled.program
    path = Path(options.output or f"{Path(options.model).stem}.program")
    compiled.save(path)
    facts = {"network": network.name, **chosen.facts, "file": str(path),
             "steps": len(program.steps), "bytes": len(program.image)}
    text = (f"{printable(path)}: {len(program.steps)} steps, {len(program.image):,} bytes of "
            f"program memory, for rounding {program.design.rounding!r}; it runs on the hardware "
            f"of `{chosen.command}`")
    return show(options, facts | choice_facts(program),
                "\n".join([*map(str, notes(program)), text]))
