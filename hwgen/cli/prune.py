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

from ..errors import UserError
from ..network.reader import read
from ..predict.pruning import Pruned, prune
from ..report.charts import library, scatter
from ..text import printable, say
from ..tools.files import check_writable, write_whole
from .arrays import add_model, read_answers, read_arrays
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


def run(options: argparse.Namespace) -> int:
    """Set weights of an int8 network to 0, and print what that costs and saves."""
    network = read(options.model)
    design = network_design(options, network).design
    source = Path(options.model)
    path = Path(options.output or f"{source.stem}_pruned{source.suffix}")
    check(options, source, path)
    data = read_arrays(options.calibration, network, "--calibration")
    measured = read_arrays(options.input, network) if options.input else None
    labels = read_answers(options.labels) if options.labels else None
    pruned = prune(source, data, design=design, measured=measured, labels=labels,
                   density=options.density, share=options.share, method=options.method,
                   banks=options.banks, codebook=options.codebook, say=say)
    pruned.save(path)
    if options.plot:
        write_whole(Path(options.plot), plot(pruned))
    return show(options, facts(options, path, pruned),
                f"{pruned}\n\n{printable(path)}: {pruned.summary}")


def check(options: argparse.Namespace, source: Path, path: Path) -> None:
    """Refuse what cannot be written, before anything is."""
    if path.suffix.lower() != source.suffix.lower():
        raise UserError(f"--output must end in {source.suffix}, as the network's file does, not "
                        f"{path.suffix or path.name!r}")
    if path.exists() and path.samefile(source):
        raise UserError(f"--output must be another file than the network's, {path}")
    for file in (path, Path(options.plot or path)):
        check_writable(file)
    if options.plot:
        library()


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


def plot(pruned: Pruned) -> str:
    """Return density against accuracy, or against noise, as SVG."""
    labelled, points = bool(pruned.inputs.measures), pruned.points
    name = f"{pruned.accuracies[-1]}, %" if labelled else "noise of the outputs, thousandths"
    places = [(100 * each.density,
               100 * each.accuracy[-1] if labelled else 1000 * each.noise)
              for each in points]
    return scatter(f"{pruned.network.name}: fewer weights", "density, %", name, places,
                   [(*places[0], "int8"), (*places[-1], "written")])
