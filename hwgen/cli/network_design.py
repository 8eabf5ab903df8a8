"""The Design on which a network runs: what options choose, with the rounding that it wants.

Every command that takes a network asks here, so that one network and one Design are always the same
accelerator. What is changed is said, with the command that generates the hardware for it.
"""

import argparse
import shlex
from dataclasses import dataclass
from typing import Any

from ..arch.boards import presets
from ..arch.design import Design
from ..build.record import Record
from ..compiler.prepare.thresholds import any_rounding, rounding_of
from ..errors import UserError
from ..network.graph import Network
from ..text import printable
from .design import chosen_design, given_fields, option_of

__all__ = ["DESIGN", "NetworkDesign", "check_rounding", "network_design"]

DESIGN = "ulx3s-85f"
"""The preset that is taken where nothing is said."""


@dataclass(frozen=True)
class NetworkDesign:
    """A Design that a network runs on.

    Members
    -------
    design : Design
    was : str
        The rounding that it would have without the network.
    command : str
        What generates its hardware.
    """

    design: Design
    was: str
    command: str

    @property
    def facts(self) -> dict[str, Any]:
        """What commands say of it as plain data."""
        adapted = [] if self.was == self.design.rounding else [
            {"field": "rounding", "from": self.was, "to": self.design.rounding}]
        return {"design": self.design.name, "rounding": self.design.rounding,
                "fingerprint": f"0x{self.design.fingerprint:08x}", "adapted": adapted,
                "hardware": self.command}


def network_design(options: argparse.Namespace, network: Network,
                   record: Record | None = None) -> NetworkDesign:
    """Return the Design that the options, or the record of a build, choose for a network.

    A preset takes the network's rounding: it is a Design to begin with. Of a file the rounding must
    be the network's, as must that of what was built.
    """
    if record is not None:
        check_built(options, record, network)
        return NetworkDesign(record.design, record.design.rounding,
                             f"hwgen build --board {record.board} --design "
                             f"{shlex.quote(f'{options.build}/design.toml')}")
    source = DESIGN if options.design is None else options.design
    options.design = source
    design = chosen_design(options)
    if not design.activation_memory:
        raise UserError("activation_memory must not be 0: a network needs an accelerator, and "
                        f"the Design {design.name} is an array alone; --design {DESIGN} has one")
    was = design.rounding
    if source in presets() and options.rounding is None:
        design = design.replace(rounding=rounding_of(network))
    check_rounding(options.model, design, network)
    found = NetworkDesign(design, was, generate_command(options, design))
    if found.facts["adapted"] and not options.json:
        options.notes = [*getattr(options, "notes", []), printable(
            f"rounding is {design.rounding!r}, as {model_file(options.model)} wants sums to be "
            f"rounded, and not {was!r} as in the preset {source}; the hardware for it is that of "
            f"`{found.command}`")]
    return found


def generate_command(options: argparse.Namespace, design: Design) -> str:
    """Return the command that generates a Design which options choose, rounding excepted."""
    words = ["hwgen", "generate", "--design", options.design]
    for name, value in given_fields(options).items():
        if name != "rounding":
            words += [option_of(name)] if value is True else [option_of(name), str(value)]
    if design.rounding != Design.load(options.design).rounding:
        words += ["--rounding", design.rounding]
    return shlex.join(words)


def check_built(options: argparse.Namespace, record: Record, network: Network) -> None:
    """Refuse fields beside a build, and one that rounds otherwise than the network."""
    for name in given_fields(options):
        raise UserError(f"{option_of(name)} must be left out with --build, whose Design is what is "
                        "on the board")
    if record.design.rounding != network.rounding and not any_rounding(network):
        folder, model = str(options.build), model_file(options.model)
        raise UserError(
            f"rounding of the Design in {folder} is {record.design.rounding!r}, and {model} wants "
            f"sums to be rounded {network.rounding!r}; a build of its own has that: "
            f"hwgen build {shlex.quote(model)} --board {record.board} "
            f"--design {shlex.quote(f'{folder}/design.toml')} --rounding {network.rounding}")


def check_rounding(model: Any, design: Design, network: Network) -> None:
    """Refuse a Design that rounds otherwise than the network."""
    if design.rounding != network.rounding and not any_rounding(network):
        raise UserError(f"rounding must be {network.rounding!r}, as {model_file(model)} wants sums "
                        f"to be rounded, not {design.rounding!r}; write it into the Design, or "
                        f"give --rounding {network.rounding}")


def model_file(model: Any) -> str:
    """Return the file of a network as options have it: one, or the first of several."""
    return str(model[0] if isinstance(model, list) else model)
