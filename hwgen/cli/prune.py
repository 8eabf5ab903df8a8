"""`hwgen prune`: set weights of an int8 network to 0."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.compile import compile_network
from ..compress.accuracy import Measure
from ..compress.densities import even_densities, sensitive_densities, sensitivity
from ..compress.prune import Pruner, density, noise, prunable_layers
from ..errors import UserError
from ..golden.network.network import run as golden
from ..network.graph import Network
from ..network.reader import read_network
from ..network.rewrite import fixed_biases, rewrite_file
from ..predict.layers import predictions
from ..predict.sparse import EngineComparison, choices
from ..report.plot import scatter
from ..text import printable, say, table
from ..tools.files import check_writable, replacing
from .arrays import read_answers, read_inputs
from .design import add_design
from .network_design import network_design
from .network_options import add_model
from .output import show
from .parsing import add_json, integer, number

__all__ = ["DESCRIPTION", "EXAMPLES", "add_options", "run"]

DESCRIPTION = """\
Set weights of an int8 network to 0 and write it again, as a file of the same kind with the same
scales: `hwgen run` takes it, as TensorFlow Lite Micro or ONNX Runtime do. Nothing is trained.

--density is the share of weights that is left, over all layers. How it is shared among them:
sensitive measures on the calibration inputs what the outputs lose when each layer alone is pruned,
and prunes where it costs least; even gives all layers the same.

--method surgeon chooses by what the sums of a layer lose on the calibration inputs, and then fits
the weights that stay, and the bias, to give the sums of before. magnitude drops the least weights.

Calibration inputs are chosen and fitted on, so accuracy on them says little. Others are measured:
those of --input, or else every second one of --calibration, which is then held out. With labels
accuracy is top-1, and of an autoencoder the AUC of its error, with labels 0 (usual) and 1.

Tables show the networks on the way down to the density, and of the one that is written each layer:
its error, its bits as compressed columns (docs/sparse.md), its cycles on the Design's array and
on the sparse engine, and which of the two is faster. A Design with `--engine sparse` has both, and
runs each layer on the faster one.
"""

EXAMPLES = """\
examples:
  hwgen prune networks/kws_dscnn.tflite --calibration networks/kws_dscnn.npz \\
      --labels networks/kws_dscnn.npz           half of the weights, in kws_dscnn_pruned.tflite
  hwgen prune net.onnx --calibration x.npy --density 0.25 --banks 8 --codebook 16 -o small.onnx
  hwgen prune net.tflite --calibration some.npz --input others.npz --labels others.npz --plot p.svg
  hwgen run kws_dscnn_pruned.tflite --input networks/kws_dscnn.npz:input --check
"""

PATH = (0.75, 0.5, 0.35, 0.25, 0.15)
"""Densities that are shown on the way down to the one that is wanted."""
LANES = 16
"""Of the sparse engine whose cycles count, where no banks are wanted."""

Arrays = dict[str, NDArray[np.int8]]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_model(command)
    command.add_argument("--calibration", metavar="FILE", required=True,
                         help="inputs like those that the network will get, some dozens: x.npy, "
                         "file.npz:key, or a .npz with an array for each of its inputs")
    command.add_argument("--input", metavar="FILE",
                         help="other inputs, to measure on (default: every second one of "
                         "--calibration, which then does not calibrate)")
    command.add_argument("--labels", metavar="FILE",
                         help="a .npz with `label`, the right answer to each input of --input, or "
                         "else of --calibration")
    command.add_argument("--density", type=number, metavar="PART", default=0.5,
                         help="share of the weights that is left, over all layers (default: 0.5)")
    command.add_argument("--share", choices=("sensitive", "even"), default="sensitive",
                         help="how the weights are shared among layers (default: sensitive)")
    command.add_argument("--method", choices=("surgeon", "magnitude"), default="surgeon",
                         help="which weights go, and what becomes of the others (default: surgeon)")
    command.add_argument("--banks", type=integer, metavar="N",
                         help="give each of N lanes of the sparse engine as many weights; without, "
                         "16 lanes get what comes")
    command.add_argument("--codebook", type=integer, metavar="N",
                         help="leave each layer N different weights besides 0, 2 to 256")
    command.add_argument("--plot", metavar="FILE",
                         help="write density against accuracy, or without labels against the "
                         "error of the outputs, to this .svg file")
    command.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: the model's name, and _pruned)")
    add_design(command)
    add_json(command)


@dataclass(frozen=True, eq=False)
class Point:
    """A network of the path, and what it costs and gives.

    Members
    -------
    network : Network
    density : float
    accuracy : tuple of float
        On the calibration inputs, where these have labels, and on those that are measured.
    noise : float
        What the outputs lose, over their variance, on the inputs that are measured.
    errors : dict
        The same of each layer with weights.
    layers : list of EngineComparison
    dense_cycles : int
        Of the whole network, on the array alone.
    """

    network: Network
    density: float
    accuracy: tuple[float, ...]
    noise: float
    errors: dict[str, float]
    layers: list[EngineComparison]
    dense_cycles: int

    @property
    def bits(self) -> int:
        """Bits of all weights, those of matrices as compressed columns."""
        return sum(choice.bits for choice in self.layers)

    @property
    def chosen_cycles(self) -> int:
        """Cycles with each layer on the faster engine."""
        return self.dense_cycles - sum(c.dense_cycles - c.cycles for c in self.layers)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs to calibrate on, others to measure on, and what is measured."""

    calibration: Arrays
    measured: Arrays
    measures: tuple[Measure, ...]
    """Of those that have labels: calibration first, then measured."""


def read(options: argparse.Namespace, network: Network) -> Inputs:
    """Read the inputs, and tell those to calibrate on from those to measure on."""
    given = read_inputs(options.calibration, network, "--calibration")
    count = len(next(iter(given.values())))
    if options.input:
        others = read_inputs(options.input, network)
        answers = read_answers(options.labels, len(next(iter(others.values())))) \
            if options.labels else None
        return Inputs(given, others, () if answers is None else (Measure(others, answers),))
    if count < 2:
        raise UserError("--calibration must have at least 2 inputs, every second of which is "
                        "measured, or --input must give others to measure on")
    parts = [{name: values[first::2] for name, values in given.items()} for first in range(2)]
    if not options.labels:
        return Inputs(parts[0], parts[1], ())
    answers = read_answers(options.labels, count)
    return Inputs(parts[0], parts[1],
                  tuple(Measure(part, answers[first::2]) for first, part in enumerate(parts)))


def run(options: argparse.Namespace) -> int:
    """Set weights of an int8 network to 0, and tell what that costs and saves."""
    network = read_network(options.model)
    return show(options, *prune_network(options, network, network_design(options, network).design))


def prune_network(options: argparse.Namespace, network: Network, design: Design,
                  ) -> tuple[dict[str, Any], str]:
    """Prune a network, write it, and show what other densities would have given."""
    source = Path(options.model)
    path = Path(options.output or f"{source.stem}_pruned{source.suffix}")
    if path.suffix.lower() != source.suffix.lower():
        raise UserError(f"--output must end in {source.suffix}, as the network's file does, not "
                        f"{path.suffix or path.name!r}")
    if path.exists() and path.samefile(source):
        raise UserError(f"--output must be another file than the network's, {path}")
    if not 0 < options.density <= 1:
        raise UserError(f"--density must be above 0 and at most 1, not {options.density:g}")
    if options.banks is not None and not 1 <= options.banks <= 64:
        raise UserError(f"--banks must be 1 to 64, not {options.banks}")
    if options.codebook is not None and not 2 <= options.codebook <= 256:
        raise UserError(f"--codebook must be 2 to 256, not {options.codebook}")
    for file in (path, Path(options.plot or path)):
        check_writable(file)
    inputs = read(options, network)
    for measure in inputs.measures:
        measure.check(network)
    pruner = Pruner(network, inputs.calibration, options.method, options.banks or 0,
                    options.codebook or 0, fixed_biases(source, network))
    lanes = options.banks or LANES
    exact = golden(network, inputs.measured, keep=True)
    share: Callable[[float], dict[str, float]] = partial(even_densities, pruner)
    if options.share == "sensitive":
        share = partial(sensitive_densities, pruner, sensitivity(pruner, say))

    points = [point(network, inputs, exact, design, lanes, 0)]
    for wanted in (*(part for part in PATH if part > options.density), options.density):
        say(f"density {wanted:g}")
        pruned = pruner.prune(share(wanted))
        points.append(point(pruned, inputs, exact, design, lanes, pruner.codebook))
    say("")
    data = rewrite_file(source, points[-1].network)
    with replacing(path) as scratch:
        scratch.write_bytes(data)
    if options.plot:
        with replacing(Path(options.plot)) as scratch:
            scratch.write_text(plot(points, inputs))
    return facts(options, path, design, lanes, inputs, points), \
        text(path, lanes, inputs, points)


def point(network: Network, inputs: Inputs, exact: Arrays, design: Design, lanes: int,
          codebook: int) -> Point:
    """Measure one network."""
    values = golden(network, inputs.measured, keep=True)
    accuracy = []
    for measure in inputs.measures:
        output = network.outputs[0]
        found = values[output] if measure.inputs is inputs.measured else \
            golden(network, measure.inputs)[output]
        accuracy.append(measure.of(network, found))
    program = compile_network(network, design)
    work = {part.name: each for part, each in zip(program.layers, predictions(network, program),
                                                  strict=True)}
    layers = prunable_layers(network)
    first = {name: each[:1] for name, each in values.items()}
    return Point(network, density(layers), tuple(accuracy),
                 float(np.mean([noise(values[name], exact[name]) for name in network.outputs])),
                 {layer.name: noise(values[layer.output], exact[layer.output])
                  for layer in layers},
                 choices(network, layers, first, work, lanes, codebook),
                 sum(each.cycles for each in work.values()))


def measured(inputs: Inputs, network: Network) -> list[str]:
    """Return the names of the accuracies of a point."""
    kinds = ("calibration", "held out") if len(inputs.measures) > 1 else ("measured",)
    return [f"{measure.name(network)}, {kind}"
            for measure, kind in zip(inputs.measures, kinds, strict=False)]


def facts(options: argparse.Namespace, path: Path, design: Design, lanes: int, inputs: Inputs,
          points: list[Point]) -> dict[str, Any]:
    """Return everything as plain data."""
    names = measured(inputs, points[0].network)
    dense = points[0]
    return {
        "network": dense.network.name, "file": str(path), "design": design.name,
        "method": options.method, "share": options.share, "banks": options.banks,
        "codebook": options.codebook, "lanes": lanes,
        "calibration_inputs": len(next(iter(inputs.calibration.values()))),
        "measured_inputs": len(next(iter(inputs.measured.values()))),
        "dense_bits": sum(choice.dense_bits for choice in dense.layers),
        "path": [{"density": each.density, "noise": each.noise,
                  "accuracy": dict(zip(names, each.accuracy, strict=True)), "bits": each.bits,
                  "dense_cycles": each.dense_cycles, "chosen_cycles": each.chosen_cycles}
                 for each in points],
        "layers": [{"name": choice.layer, "density": choice.density,
                    "noise": points[-1].errors[choice.layer], "dense_bits": choice.dense_bits,
                    "bits": choice.bits, "dense_cycles": choice.dense_cycles,
                    "sparse_cycles": choice.sparse_cycles, "engine": choice.engine,
                    "reason": choice.reason} for choice in points[-1].layers],
    }


def text(path: Path, lanes: int, inputs: Inputs, points: list[Point]) -> str:
    """Return the tables."""
    names = measured(inputs, points[0].network)
    dense_bits = sum(choice.dense_bits for choice in points[0].layers)
    rows = [(f"{100 * each.density:.1f} %", *(f"{100 * part:.1f} %" for part in each.accuracy),
             f"{1000 * each.noise:.1f}", f"{each.bits / 8:,.0f}",
             f"{100 * each.bits / dense_bits:.1f} %", f"{each.dense_cycles:,}",
             f"{each.chosen_cycles:,}") for each in points]
    path_table = table(("density", *names, "noise, thousandths", "CSC, bytes", "of int8",
                        "cycles, dense", "faster engine each"), rows)
    layers = [(choice.layer, f"{100 * choice.density:.1f} %",
               f"{1000 * points[-1].errors[choice.layer]:.1f}", f"{choice.bits / 8:,.0f}",
               f"{choice.dense_cycles:,}",
               "-" if choice.sparse_cycles is None else f"{choice.sparse_cycles:,}",
               choice.engine, choice.reason) for choice in points[-1].layers]
    layer_table = table(("layer", "density", "noise, thousandths", "CSC, bytes", "cycles, dense",
                         "sparse", "faster", "because"), layers)
    images = [len(next(iter(each.values()))) for each in (inputs.calibration, inputs.measured)]
    return "\n\n".join([path_table, layer_table, (
        f"{printable(path)}: {100 * points[-1].density:.1f} % of the weights are not 0; calibrated "
        f"on {images[0]} inputs, measured on {images[1]} others. Sparse cycles are of the first of "
        f"these, on {lanes} lanes; the engine alone.")])


def plot(points: list[Point], inputs: Inputs) -> str:
    """Return density against accuracy, or against noise, as SVG."""
    network = points[0].network
    name = measured(inputs, network)[-1] + ", %" if inputs.measures else \
        "noise of the outputs, thousandths"
    places = [(100 * each.density,
               100 * each.accuracy[-1] if inputs.measures else 1000 * each.noise)
              for each in points]
    return scatter(f"{network.name}: fewer weights", "density, %", name, places,
                   [(*places[0], "int8"), (*places[-1], "written")])
