"""`hwgen quantize`: make an int8 network of a float one.

Make an int8 network of a float .onnx file, and print how far each of its tensors is from the float
one on the same inputs: SQNR is the power of the signal over that of the error, in decibels. The
inputs decide the range of every tensor, so they must be like those that the network will get; some
dozens do. The result is an .onnx file with QuantizeLinear and DequantizeLinear, which `hwgen run`
takes, as ONNX Runtime does.

With --mixed the weights of each layer and each tensor get 2 to 8 bits of their own, so that an
engine which multiplies bit by bit needs fewest cycles: those of the Design that --design or fields
of it choose, exactly; or else of an engine that is always busy. A table shows how sensitive the
outputs are to each; another, and --plot, what the networks on the way from int8 downwards cost and
give.

Examples:
  hwgen quantize float.onnx --data images.npz   writes float_int8.onnx
  hwgen quantize float.onnx --data x.npy --method percentile -o net.onnx
  hwgen quantize float.onnx --data x.npz --mixed --labels x.npz --loss 2 --plot mixed.svg
  hwgen quantize float.onnx --data x.npz --mixed --labels x.npz --design icebreaker:serial
  hwgen run net.onnx --input x.npy --check
"""

import argparse
import math
from pathlib import Path
from typing import Any

from ..compress.quantize import input_names, quantised_model, quantize
from ..errors import UserError
from ..network.onnx.reading import read
from ..predict.mixed_precision import ENGINE, MixedNetwork, quantize_mixed
from ..report.charts import library, scatter
from ..text import printable, say
from ..tools.files import check_writable, write_whole
from .arrays import Array, named_arrays, read_answers
from .design import add_design, design_given
from .network_design import network_design
from .output import show
from .parsing import number

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("model", metavar="MODEL", help="the network: a float .onnx file")
    command.add_argument("--data", metavar="FILE", required=True,
                         help="inputs as the network takes them, along the first axis: x.npy, "
                         "file.npz:key, or a .npz with an array for each of its inputs")
    command.add_argument("--method", choices=("minmax", "percentile"), default="minmax",
                         help="range of a tensor: all values seen (minmax, default), or all but "
                         "the outermost (percentile)")
    command.add_argument("--percentile", type=number, metavar="P", default=99.99,
                         help="how many of the values percentile keeps on either side "
                         "(default: 99.99)")
    command.add_argument("--mixed", action="store_true",
                         help="give each layer its own bits, as few as labelled inputs allow")
    command.add_argument("--labels", metavar="FILE",
                         help="for --mixed: a .npz with `label`, the number of the right answer "
                         "of each input")
    command.add_argument("--loss", type=number, metavar="POINTS", default=2.0,
                         help="for --mixed: how many points of top-1 may be lost against int8 "
                         "(default: 2)")
    command.add_argument("--plot", metavar="FILE",
                         help="for --mixed: write cycles against top-1 to this .svg file")
    command.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: the model's name, and _int8.onnx, or "
                         "_mixed.onnx)")
    add_design(command)


def run(options: argparse.Namespace) -> int:
    """Make an int8 network of a float one, and print what that costs."""
    if Path(options.model).suffix.lower() != ".onnx":
        raise UserError(f"{options.model!r} must end in .onnx: only float ONNX files are quantised")
    data = named_arrays(options.data, input_names(options.model), "--data")
    ending = "mixed" if options.mixed else "int8"
    path = Path(options.output or f"{Path(options.model).stem}_{ending}.onnx")
    if path.exists() and path.samefile(options.model):
        raise UserError(f"--output must be another file than the float network's, {path}")
    if options.mixed:
        return run_mixed(options, path, data)
    for option, value in (("--labels", options.labels), ("--plot", options.plot)):
        if value:
            raise UserError(f"{option} is for --mixed: leave it out, or give that, too")
    if design_given(options):
        raise UserError("a Design is for --mixed, to count its cycles; int8 is the same on all of "
                        "them: leave --design and its fields out")
    say("measuring ranges")
    found = quantize(options.model, data, method=options.method, percentile=options.percentile)
    found.save(path)
    facts = {"network": found.network.name, "file": str(path), "images": found.images,
             "method": options.method,
             "tensors": [{"name": error.tensor, "scale": error.scale,
                          "sqnr_db": error.sqnr if math.isfinite(error.sqnr) else None,
                          "largest_steps": error.largest} for error in found.errors]}
    return show(options, facts, f"{found}\n\n{printable(path)}: int8, from {found.images} inputs")


def run_mixed(options: argparse.Namespace, path: Path, data: dict[str, Array]) -> int:
    """Give each layer bits of its own, and print what that costs."""
    if not options.labels:
        raise UserError("--mixed needs --labels: the right answers decide how few bits there are")
    for file in (path, *([Path(options.plot)] if options.plot else [])):
        check_writable(file)
    if options.plot:
        library()
    design = network_design(options, read(quantised_model(options.model, data))).design \
        if design_given(options) else None
    found = quantize_mixed(options.model, data, read_answers(options.labels), design=design,
                           loss=options.loss, method=options.method, percentile=options.percentile,
                           say=say)
    found.save(path)
    if options.plot:
        write_whole(Path(options.plot), plot(found))
    return show(options, mixed_facts(found, path),
                f"{found}\n\n{printable(path)}: {found.summary}")


def mixed_facts(found: MixedNetwork, path: Path) -> dict[str, Any]:
    """Return everything as plain data."""
    base, chosen = found.search.base, found.chosen
    return {"network": found.search.int8.name, "file": str(path),
            "images": len(found.search.answers),
            "engine": ENGINE if found.design is None else {"design": found.design.name},
            "int8": {"cycles": base.cycles, "top_1": base.top_1},
            "chosen": {"cycles": chosen.cycles, "top_1": chosen.top_1, "speed": found.speed},
            "layers": [{"name": name, "weights": weights, "inputs": inputs}
                       for name, weights, inputs in found.layers],
            "path": [{"cycles": point.cycles, "top_1": point.top_1, "noise": point.noise}
                     for point in found.search.path]}


def plot(found: MixedNetwork) -> str:
    """Return cycles against top-1, as SVG."""
    search, chosen, base = found.search, found.chosen, found.search.base
    return scatter(f"{search.int8.name}: fewer bits, fewer cycles", "cycles", "top-1, %",
                   [(point.cycles, 100 * point.top_1) for point in search.path],
                   [(base.cycles, 100 * base.top_1, "int8"),
                    (chosen.cycles, 100 * chosen.top_1,
                     f"chosen: {found.speed:.2f} times as fast")],
                   100 * (base.top_1 - found.loss))
