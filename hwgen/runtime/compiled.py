"""A network compiled for a Design: what a host loads, and what each layer takes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.compile import compile_network
from ..compiler.program import Program
from ..compiler.suiting import design_for
from ..integration.c_program import c_name, c_program
from ..network.graph import Network
from ..network.images import Arrays, first_image, input_images
from ..network.reader import network_of
from ..predict.efficiency import Work
from ..predict.layer_rows import COLUMNS, notes, work_row
from ..predict.layers import predictions
from ..text import Shown, ShownTable, count
from ..tools.files import replacing, write_whole

__all__ = ["Compiled", "compile", "compile_images"]


@dataclass(frozen=True, eq=False, repr=False)
class Compiled(Shown):
    """A network compiled for a Design: what :func:`compile` returns.

    Members
    -------
    network : Network
    program : Program
        Steps, weights, and where each tensor lies.
    layers : list of Work
        What each layer of the Program takes.
    """

    network: Network
    program: Program
    layers: list[Work]

    @property
    def design(self) -> Design:
        """The Design that it is for."""
        return self.program.design

    @property
    def whole(self) -> Work:
        """What all layers take."""
        return sum(self.layers, Work())

    @property
    def cycles(self) -> int:
        """Cycles of one inference; the hardware counts the same."""
        return self.whole.cycles

    @property
    def summary(self) -> str:
        """What was compiled, and its cycles."""
        return f"{self.network.name} on {self.design.name}: {self.cycles:,} cycles predicted"

    def _view_(self) -> list[str | ShownTable]:
        """Return a table of what each layer takes, and what is special in some."""
        rows = [[part.name, *work_row(work)]
                for part, work in zip(self.program.layers, self.layers, strict=True)]
        return [ShownTable({"layer": str, "cycles": count, **COLUMNS},
                      [*rows, ["all layers", *work_row(self.whole)]]), "", *notes(self.program)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the Program to a file; NAME.h becomes a header in C that defines NAME."""
        path = Path(path)
        if path.suffix == ".h":
            write_whole(path, c_program(self.program, c_name(path.stem)))
        else:
            with replacing(path) as scratch:
                self.program.save(scratch)


def compile(network: Network | str | os.PathLike[str], design: Design | str | os.PathLike[str],
            example: Arrays | None = None) -> Compiled:
    """Compile a network for a Design, and predict the cycles of each layer, exactly.

    >>> program = hwgen.compile(hwgen.read("networks/kws_dscnn.tflite"), "ulx3s-85f")
    >>> program.cycles
    22193
    >>> program.layers[0].multipliers_busy
    0.85...
    >>> program.save("keywords.program")

    ``print(program)`` shows what each layer takes.

    Parameters
    ----------
    network : Network, str or path
        What :func:`read` gives, or the file.
    design : Design, str or path
        A Design, the name of a preset, which takes the network's rounding, or a TOML file.
    example : array, or arrays by name, optional
        An input to go by: what a sparse engine takes depends on it.
    """
    network = network_of(network)
    x = None if example is None else first_image(input_images(network, example))
    return compile_images(network, design_for(design, network), x)


def compile_images(network: Network, design: Design,
                   x: Mapping[str, NDArray[np.int8]] | None = None) -> Compiled:
    """Return the same for an example as the network works on it."""
    program = compile_network(network, design, x)
    return Compiled(network, program, list(predictions(network, program, x)))
