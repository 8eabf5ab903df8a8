r"""`hwgen prune`: set weights of an int8 network to 0.

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

Examples:
  hwgen prune networks/kws_dscnn.tflite --calibration networks/kws_dscnn.npz \
      --labels networks/kws_dscnn.npz           half of the weights, in kws_dscnn_pruned.tflite
  hwgen prune net.onnx --calibration x.npy --density 0.25 --banks 8 --codebook 16 -o small.onnx
  hwgen prune net.tflite --calibration some.npz --input others.npz --labels others.npz --plot p.svg
  hwgen run kws_dscnn_pruned.tflite --input networks/kws_dscnn.npz:input --check
"""

import argparse
from pathlib import Path
from typing import Any

from ..compress.accuracy import Measure
from ..errors import UserError
from ..network.graph import Network
from ..network.reader import read_network
from ..network.rewrite import fixed_biases, rewrite_file
from ..predict.pruning import Inputs, Pruned, prune
from ..report.plot import scatter
from ..text import printable, say, table
from ..tools.files import check_writable, write_whole
from .arrays import add_model, read_answers, read_inputs
from .design import add_design
from .network_design import network_design
from .output import show
from .parsing import integer, number

__all__ = ["add_options", "run"]


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
    """Set weights of an int8 network to 0, and print what that costs and saves."""
    network = read_network(options.model)
    design = network_design(options, network).design
    source = Path(options.model)
    path = Path(options.output or f"{source.stem}_pruned{source.suffix}")
    check(options, source, path)
    pruned = prune(network, read(options, network), design, density=options.density,
                   share=options.share, method=options.method, banks=options.banks or 0,
                   codebook=options.codebook or 0, fixed_biases=fixed_biases(source, network),
                   say=say)
    write_whole(path, rewrite_file(source, pruned.network))
    if options.plot:
        write_whole(Path(options.plot), plot(pruned))
    return show(options, facts(options, path, pruned), text(path, pruned))


def check(options: argparse.Namespace, source: Path, path: Path) -> None:
    """Refuse what cannot be done, or cannot be written, before anything is."""
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


def facts(options: argparse.Namespace, path: Path, pruned: Pruned) -> dict[str, Any]:
    """Return everything as plain data."""
    inputs, points, names = pruned.inputs, pruned.points, pruned.accuracies
    return {
        "network": pruned.network.name, "file": str(path), "design": pruned.design.name,
        "method": options.method, "share": options.share, "banks": options.banks,
        "codebook": options.codebook, "lanes": pruned.lanes,
        "calibration_inputs": len(next(iter(inputs.calibration.values()))),
        "measured_inputs": len(next(iter(inputs.measured.values()))),
        "dense_bits": pruned.dense_bits,
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


def text(path: Path, pruned: Pruned) -> str:
    """Return the tables."""
    inputs, points = pruned.inputs, pruned.points
    rows = [(f"{100 * each.density:.1f} %", *(f"{100 * part:.1f} %" for part in each.accuracy),
             f"{1000 * each.noise:.1f}", f"{each.bits / 8:,.0f}",
             f"{100 * each.bits / pruned.dense_bits:.1f} %", f"{each.dense_cycles:,}",
             f"{each.chosen_cycles:,}") for each in points]
    path_table = table(("density", *pruned.accuracies, "noise, thousandths", "CSC, bytes",
                        "of int8", "cycles, dense", "faster engine each"), rows)
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
        f"these, on {pruned.lanes} lanes; the engine alone.")])


def plot(pruned: Pruned) -> str:
    """Return density against accuracy, or against noise, as SVG."""
    labelled, points = bool(pruned.inputs.measures), pruned.points
    name = f"{pruned.accuracies[-1]}, %" if labelled else "noise of the outputs, thousandths"
    places = [(100 * each.density,
               100 * each.accuracy[-1] if labelled else 1000 * each.noise)
              for each in points]
    return scatter(f"{pruned.network.name}: fewer weights", "density, %", name, places,
                   [(*places[0], "int8"), (*places[-1], "written")])
