"""`hwgen quantize --mixed`: bits for each layer, a table of what they cost, and a plot."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..compress.ideal_bitserial import bit_serial
from ..compress.mixed import Cost, Mixed, MixedPoint, Variable
from ..compress.quantize import Calibrated
from ..errors import UserError
from ..network.graph import Network
from ..network.onnx.reading import read
from ..predict.layer_cycles import layer_cycles
from ..report.plot import scatter
from ..text import printable, table
from ..tools.files import check_writable, replacing
from .arrays import Array, read_answers

__all__ = ["quantize_mixed"]

ENGINE = 8, 8, 32
"""Rows, columns and lanes of an engine that is always busy: its cycles count without a Design."""


def engine(design: Design | None) -> tuple[Cost, dict[str, Any], str]:
    """Return whose cycles count, as a function, as facts, and as words."""
    if design is None:
        facts = dict(zip(("rows", "columns", "lanes"), ENGINE, strict=True))
        return bit_serial(*ENGINE), facts, "an engine that is always busy"
    if design.engine != "bitserial":
        raise UserError("engine must be 'bitserial' for --mixed, or no Design be given, not "
                        f"{design.engine!r}: on others fewer bits take no fewer cycles")
    return layer_cycles(design), {"design": design.name}, design.name


def quantize_mixed(options: argparse.Namespace, data: dict[str, Array],
                   design_for: Callable[[Network], Design | None],
                   say: Callable[[str], None]) -> tuple[dict[str, Any], str]:
    """Give each layer its own bits, write the network, and show what else there was.

    ``design_for`` returns the Design whose cycles count for a network, if one is asked for.
    """
    if not options.labels:
        raise UserError("--mixed needs --labels: the right answers decide how few bits there are")
    if not 0 <= options.loss < 100:
        raise UserError(f"--loss must be from 0 to 100 points of top-1, not {options.loss:g}")
    path = Path(options.output or f"{Path(options.model).stem}_mixed.onnx")
    if path.exists() and path.samefile(options.model):
        raise UserError(f"--output must be another file than the float network's, {path}")
    for file in (path, *([Path(options.plot)] if options.plot else [])):
        check_writable(file)
    calibrated = Calibrated(options.model, data, method=options.method,
                            percentile=options.percentile)
    images = len(next(iter(calibrated.inputs.values())))
    cost, whose, where = engine(design_for(read(calibrated.model())))
    search = Mixed(calibrated, read_answers(options.labels, images), cost)
    loss = options.loss / 100
    chosen = search.search(loss, say)
    say("")
    with replacing(path) as scratch:
        scratch.write_bytes(search.model(chosen.bits))
    if options.plot:
        with replacing(Path(options.plot)) as scratch:
            scratch.write_text(plot(search, chosen, loss))
    base = search.base
    facts = {"network": search.int8.name, "file": str(path), "images": images,
             "engine": whose,
             "int8": {"cycles": base.cycles, "top_1": base.top_1},
             "chosen": {"cycles": chosen.cycles, "top_1": chosen.top_1,
                        "speed": base.cycles / chosen.cycles},
             "layers": [{"name": name, "weights": weights, "inputs": inputs}
                        for name, weights, inputs in layers(search, chosen)],
             "path": [{"cycles": point.cycles, "top_1": point.top_1, "noise": point.noise}
                      for point in search.path]}
    text = "\n\n".join([
        sensitivity_table(search), path_table(search, chosen, loss),
        table(("layer", "bits of weights", "of inputs"), layers(search, chosen)),
        (f"{printable(path)}: {base.cycles / chosen.cycles:.2f} times as fast as int8 on {where}, "
         f"top-1 {chosen.top_1:.1%} instead of {base.top_1:.1%} of {images} inputs")])
    return facts, text


def layers(search: Mixed, point: MixedPoint) -> list[tuple[str, int, int]]:
    """Return the layers with weights, and the bits of those and of what they read."""
    return [(output.removesuffix(":int8"), point.bits.get(Variable("weights", product), 8),
             point.bits.get(Variable("tensor", leader), 8))
            for product, (output, leader) in search.products.items()]


def sensitivity_table(search: Mixed) -> str:
    """Return how much noise fewer bits add, in thousandths of the outputs' variance."""
    bits = sorted(next(iter(search.table.values())), reverse=True)[1:]
    return table(("noise added, thousandths", "of", *(f"{count} bits" for count in bits)),
                 [(variable.name, variable.kind, *(f"{1000 * row[count]:.1f}" for count in bits))
                  for variable, row in search.table.items()])


def path_table(search: Mixed, chosen: MixedPoint, loss: float) -> str:
    """Return the networks of the path."""
    rows = [(f"{point.cycles:,}", f"{search.base.cycles / point.cycles:.2f}",
             f"{1000 * point.noise:.1f}", f"{point.top_1:.1%}",
             "chosen" if point is chosen else "" if search.within(point, loss) else "too far off")
            for point in search.path]
    return table(("cycles", "times as fast", "noise, thousandths", "top-1", ""), rows)


def plot(search: Mixed, chosen: MixedPoint, loss: float) -> str:
    """Return cycles against top-1, as SVG."""
    base = search.base
    return scatter(f"{search.int8.name}: fewer bits, fewer cycles", "cycles", "top-1, %",
                   [(point.cycles, 100 * point.top_1) for point in search.path],
                   [(base.cycles, 100 * base.top_1, "int8"),
                    (chosen.cycles, 100 * chosen.top_1,
                     f"chosen: {base.cycles / chosen.cycles:.2f} times as fast")],
                   100 * (base.top_1 - loss))
