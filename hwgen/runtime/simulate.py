"""Simulate a network: on the Verilog of its Design, or in NumPy, layer by layer."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, check_choice
from ..golden.network import network as golden
from ..golden.network.stream import run_stream
from ..network.graph import Network
from ..network.images import Arrays, input_images, output_images
from ..network.reader import network_of
from ..predict.layer_rows import COLUMNS, work_row
from ..text import Shown, ShownTable, count
from .compiled import Compiled
from .inference import Inference, LayerRun, portable
from .run import run_program

__all__ = ["Simulation", "outputs_of", "simulate", "work_table"]

PLACES = ("verilog", "numpy")


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Shown):
    """Inferences, and what each layer gave: what :func:`simulate` returns.

    Members
    -------
    network : Network
    inputs : dict
        Images as the network works on them.
    outputs : dict
        Of each output its values as the network's file has them, an image along the first axis.
    inferences : list of Inference
        Of each image what the layers took of the hardware; empty in NumPy.
    checked : bool
        Whether every layer was compared.
    frames : int
        After how many images the state was the initial one again.
    """

    network: Network
    inputs: dict[str, NDArray[np.int8]]
    outputs: dict[str, NDArray[Any]]
    inferences: list[Inference]
    checked: bool
    frames: int = 1

    @cached_property
    def tensors(self) -> dict[str, NDArray[Any]]:
        """Every tensor as NumPy computes it, an image along the first axis."""
        return run_in_numpy(self.network, self.inputs, self.frames, keep=True)

    @property
    def layers(self) -> tuple[LayerRun, ...]:
        """What each layer took for the first image, and whether it equals NumPy."""
        return self.inferences[0].layers if self.inferences else ()

    @property
    def cycles(self) -> int | None:
        """Cycles of the first image, as the hardware counts them; None in NumPy."""
        return self.inferences[0].cycles if self.inferences else None

    @property
    def equal(self) -> bool:
        """Whether everything that was compared is equal."""
        return all(each.equal for each in self.inferences)

    @property
    def as_predicted(self) -> bool:
        """Whether all inferences took the predicted cycles."""
        return all(each.as_predicted for each in self.inferences)

    @property
    def summary(self) -> str:
        """What ran, and how that went."""
        images = len(next(iter(self.inputs.values())))
        text = f"{self.network.name}: {images} inference{'s' * (images > 1)}"
        if not self.inferences:
            return f"{text} in NumPy"
        first = self.inferences[0]
        return (f"{text} on the Verilog, {first.cycles:,} cycles, {first.predicted_cycles:,} "
                "predicted" + ("; every layer equal" if self.equal else
                               "; the hardware differs from NumPy") * self.checked)

    def _view_(self) -> list[ShownTable]:
        """Return a table of the first image's layers."""
        if self.inferences:
            return [work_table(self.inferences[0], self.checked)]
        return [ShownTable({"layer": str, "operator": str, "output": str, "least": count,
                       "greatest": count}, [
            (layer.name, layer.operator, values.shape, int(values.min()), int(values.max()))
            for layer in self.network.layers for values in [self.tensors[layer.output][0]]])]


def work_table(run: Inference, checked: bool) -> ShownTable:
    """Return what each layer took, and whether it equals the golden model where that was asked."""
    wrong = sum(layer.difference is not None for layer in run.layers)
    rows = [[layer.name, layer.cycles, layer.predicted_cycles, *work_row(layer.work)[1:],
             layer.difference or (f"see {layer.joined}" if layer.joined else "equal")]
            for layer in run.layers]
    rows.append(["all layers", run.cycles, run.predicted_cycles, *work_row(run.work)[1:],
                 f"{wrong} differ" if wrong else "equal"])
    columns: dict[str, Callable[[Any], str]] = {
        "layer": str, "cycles": count, "predicted": count, **COLUMNS}
    return ShownTable(columns | {"golden model": str} if checked else columns,
                 rows if checked else [row[:-1] for row in rows])


def simulate(program: Compiled | Network | str | os.PathLike[str], inputs: Arrays, *,
             on: str = "verilog", check: bool = True, frames: int = 1,
             say: Callable[[str], Any] = lambda _: None) -> Simulation:
    """Run a network on the simulated hardware, or in NumPy, layer by layer.

    The hardware is the Verilog of the Program's Design, compiled by Verilator; a simulator is kept
    and used again. NumPy computes the same integers.

    >>> spoken = numpy.load("networks/kws_dscnn.npz")["input"]
    >>> found = hwgen.simulate("networks/kws_dscnn.tflite", spoken, on="numpy")
    >>> found.outputs["Identity"].argmax(axis=1)
    array([...])
    >>> digits = numpy.load("networks/tfc_mnist.npz")["input"][:1]
    >>> program = hwgen.compile("networks/tfc_1w1a.onnx", "ice40-hx8k:binary")
    >>> hwgen.simulate(program, digits)
    torch-jit-export: 1 inference on the Verilog, 309 cycles, 309 predicted; every layer equal

    ``print(found)`` shows what each layer took, and whether it is equal.

    Parameters
    ----------
    program : Compiled
        What :func:`compile` gives; in NumPy also a Network or its file.
    inputs : array, or arrays by name
        One image, or several along the first axis, as the network's file takes them.
    on : str
        ``verilog`` or ``numpy``.
    check : bool
        Whether every layer of the hardware is compared with NumPy.
    frames : int
        Of a network with state: after how many images it is the initial one again; 0 for never.
    say : function
        Told what happens.
    """
    check_choice("on", on, PLACES)
    network = program.network if isinstance(program, Compiled) else network_of(program)
    if frames != 1 and not network.states:
        raise UserError(f"frames must be 1 for a network without state, not {frames!r}")
    if frames < 0:
        raise UserError(f"frames must be 0 or more, not {frames!r}")
    x = input_images(network, inputs)
    if on == "numpy":
        found = run_in_numpy(network, x, frames)
        return Simulation(network, x, outputs_of(network, [found]), [], False, frames)
    if not isinstance(program, Compiled):
        raise UserError("on must be 'numpy' for a network that is not compiled for a Design: "
                        "hwgen.compile does that")
    part = replace(program.program, design=portable(program.design))
    runs = run_program(part, network, x, check=check, frames=frames, say=say).inferences
    return Simulation(network, x, outputs_of(network, [each.outputs for each in runs]), runs, check,
                      frames)


def run_in_numpy(network: Network, x: dict[str, NDArray[np.int8]], frames: int, *,
                 keep: bool = False) -> dict[str, NDArray[Any]]:
    """Return outputs by name, or with ``keep`` every tensor, an image along the first axis."""
    if frames == 1:
        return golden.run(network, x, keep=keep)
    return run_stream(network, x, frames, keep=keep)


def outputs_of(network: Network, results: list[Mapping[str, NDArray[Any]]],
               ) -> dict[str, NDArray[Any]]:
    """Return the outputs as the network's file has them, of what one or several runs gave."""
    images = [output_images(network, {name: values[index:index + 1]
                                      for name, values in result.items()})
              for result in results for index in range(len(next(iter(result.values()))))]
    return {name: np.stack([each[name] for each in images]) for name in images[0]}
