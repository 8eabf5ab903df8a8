"""`hwgen quantize --mixed`: bits for each layer, a table of what they cost, and a plot."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..compress.mixed import Mixed
from ..compress.quantize import Calibrated
from ..errors import UserError
from ..network.graph import Network
from ..network.onnx.reading import read
from ..predict.mixed_precision import ENGINE, MixedNetwork, choose_bits
from ..report.plot import scatter
from ..text import printable, say, table
from ..tools.files import check_writable, write_whole
from .arrays import Array, read_answers

__all__ = ["quantize_mixed"]


def quantize_mixed(options: argparse.Namespace, path: Path, data: dict[str, Array],
                   design_for: Callable[[Network], Design | None]) -> tuple[dict[str, Any], str]:
    """Give each layer its own bits, write the network to a file, and return facts and text.

    ``design_for`` returns the Design whose cycles count for a network, if one is asked for.
    """
    if not options.labels:
        raise UserError("--mixed needs --labels: the right answers decide how few bits there are")
    if not 0 <= options.loss < 100:
        raise UserError(f"--loss must be from 0 to 100 points of top-1, not {options.loss:g}")
    for file in (path, *([Path(options.plot)] if options.plot else [])):
        check_writable(file)
    calibrated = Calibrated(options.model, data, method=options.method,
                            percentile=options.percentile)
    images = len(next(iter(calibrated.inputs.values())))
    design = design_for(read(calibrated.model()))
    found = choose_bits(calibrated, read_answers(options.labels, images), design,
                        loss=options.loss / 100, say=say)
    write_whole(path, found.model)
    if options.plot:
        write_whole(Path(options.plot), plot(found))
    return facts(found, path, images, design), text(found, path, images, design)


def facts(found: MixedNetwork, path: Path, images: int, design: Design | None) -> dict[str, Any]:
    """Return everything as plain data."""
    base, chosen = found.search.base, found.chosen
    return {"network": found.search.int8.name, "file": str(path), "images": images,
            "engine": ENGINE if design is None else {"design": design.name},
            "int8": {"cycles": base.cycles, "top_1": base.top_1},
            "chosen": {"cycles": chosen.cycles, "top_1": chosen.top_1, "speed": found.speed},
            "layers": [{"name": name, "weights": weights, "inputs": inputs}
                       for name, weights, inputs in found.layers],
            "path": [{"cycles": point.cycles, "top_1": point.top_1, "noise": point.noise}
                     for point in found.search.path]}


def text(found: MixedNetwork, path: Path, images: int, design: Design | None) -> str:
    """Return the tables."""
    where = "an engine that is always busy" if design is None else design.name
    return "\n\n".join([
        sensitivity_table(found.search), path_table(found),
        table(("layer", "bits of weights", "of inputs"), found.layers),
        (f"{printable(path)}: {found.speed:.2f} times as fast as int8 on {where}, top-1 "
         f"{found.chosen.top_1:.1%} instead of {found.search.base.top_1:.1%} of {images} "
         "inputs")])


def sensitivity_table(search: Mixed) -> str:
    """Return how much noise fewer bits add, in thousandths of the outputs' variance."""
    bits = sorted(next(iter(search.table.values())), reverse=True)[1:]
    return table(("noise added, thousandths", "of", *(f"{count} bits" for count in bits)),
                 [(variable.name, variable.kind, *(f"{1000 * row[count]:.1f}" for count in bits))
                  for variable, row in search.table.items()])


def path_table(found: MixedNetwork) -> str:
    """Return the networks of the path."""
    search = found.search
    rows = [(f"{point.cycles:,}", f"{search.base.cycles / point.cycles:.2f}",
             f"{1000 * point.noise:.1f}", f"{point.top_1:.1%}",
             "chosen" if point is found.chosen else
             "" if search.within(point, found.loss) else "too far off")
            for point in search.path]
    return table(("cycles", "times as fast", "noise, thousandths", "top-1", ""), rows)


def plot(found: MixedNetwork) -> str:
    """Return cycles against top-1, as SVG."""
    search, chosen, base = found.search, found.chosen, found.search.base
    return scatter(f"{search.int8.name}: fewer bits, fewer cycles", "cycles", "top-1, %",
                   [(point.cycles, 100 * point.top_1) for point in search.path],
                   [(base.cycles, 100 * base.top_1, "int8"),
                    (chosen.cycles, 100 * chosen.top_1,
                     f"chosen: {found.speed:.2f} times as fast")],
                   100 * (base.top_1 - found.loss))
