"""Bits for each layer of a float network, by what they take on a Design, or on an ideal engine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.suiting import design_for
from ..compress.accuracy import answers_of
from ..compress.mixed import Cost, Mixed, MixedPoint, Variable, bit_serial
from ..compress.quantize import Calibrated, Data
from ..errors import UserError
from ..network.onnx.reading import read
from ..text import Shown, ShownTable, count
from ..tools.files import write_whole
from .layers import layer_cycles

__all__ = ["ENGINE", "MixedNetwork", "quantize_mixed"]

ENGINE = {"rows": 8, "columns": 8, "lanes": 32}
"""An engine that is always busy: its cycles count without a Design."""


@dataclass(frozen=True, eq=False, repr=False)
class MixedNetwork(Shown):
    """The bits that were chosen, and the search that found them: of :func:`quantize_mixed`.

    Members
    -------
    search : Mixed
        With ``base``, int8 everywhere, and ``path``, the networks that it looked at.
    chosen : MixedPoint
        Its ``cycles``, ``noise`` and ``top_1``.
    loss : float
        How much of top-1 could be lost.
    design : Design or None
        Whose cycles count; None: those of an engine that is always busy.
    """

    search: Mixed
    chosen: MixedPoint
    loss: float
    design: Design | None

    @property
    def summary(self) -> str:
        """How fast it is, and how right."""
        where = "an engine that is always busy" if self.design is None else self.design.name
        images = len(self.search.answers)
        return (f"{self.speed:.2f} times as fast as int8 on {where}, top-1 {self.chosen.top_1:.1%} "
                f"instead of {self.search.base.top_1:.1%} of {images} inputs")

    def _view_(self) -> list[str | ShownTable]:
        """Return how sensitive the outputs are, the networks of the path, and the bits chosen."""
        search = self.search
        bits = sorted(next(iter(search.table.values())), reverse=True)[1:]
        path = [(point.cycles, search.base.cycles / point.cycles, 1000 * point.noise, point.top_1,
                 "chosen" if point is self.chosen else
                 "" if search.within(point, self.loss) else "too far off")
                for point in search.path]
        return [
            ShownTable({"noise added, thousandths": str, "of": str,
                   **{f"{each} bits": "{:.1f}".format for each in bits}}, [
                (variable.name, variable.kind, *(1000 * row[each] for each in bits))
                for variable, row in search.table.items()]), "",
            ShownTable({"cycles": count, "times as fast": "{:.2f}".format,
                   "noise, thousandths": "{:.1f}".format, "top-1": "{:.1%}".format, "": str}, path),
            "", ShownTable({"layer": str, "bits of weights": str, "of inputs": str}, self.layers)]

    def save(self, path: str | Path) -> None:
        """Write the network as an ONNX file."""
        write_whole(Path(path), self.model)

    @property
    def model(self) -> bytes:
        """The network as an ONNX file."""
        return self.search.model(self.chosen.bits)

    @property
    def speed(self) -> float:
        """How many times as fast it is as with 8 bits everywhere."""
        return self.search.base.cycles / self.chosen.cycles

    @property
    def layers(self) -> list[tuple[str, int, int]]:
        """The layers with weights, and the bits of those and of what they read."""
        bits = self.chosen.bits
        return [(output.removesuffix(":int8"), bits.get(Variable("weights", product), 8),
                 bits.get(Variable("tensor", leader), 8))
                for product, (output, leader) in self.search.products.items()]


def quantize_mixed(model: str | Path | bytes, data: Data, labels: NDArray[np.integer[Any]], *,
                   design: Design | str | None = None, loss: float = 2.0, method: str = "minmax",
                   percentile: float = 99.99,
                   say: Callable[[str], None] = lambda text: None) -> MixedNetwork:
    """Make a network of a float ONNX file whose layers have 2 to 8 bits each: fewest cycles.

    >>> words = numpy.load("networks/kws_dscnn.npz")
    >>> found = hwgen.quantize_mixed("networks/kws_float.onnx", words["input"].astype("float32"),
    ...                              words["label"], loss=50)
    >>> found.speed > 1
    True

    ``print(found)`` shows how sensitive the outputs are to each layer, what the networks on the way
    from int8 downwards cost and give, and the bits that were chosen.

    Parameters
    ----------
    model, data, method, percentile
        As :func:`quantize` takes them.
    labels : array of int
        The right class of each input.
    design : Design or str, optional
        A bit-serial Design, or a preset, whose cycles count; without, those of an engine that is
        always busy.
    loss : float
        How many points of top-1 may be lost against int8.
    say : function
        Told what happens.
    """
    if not 0 <= loss < 100:
        raise UserError(f"--loss must be from 0 to 100 points of top-1, not {loss:g}")
    calibrated = Calibrated(model, data, method=method, percentile=percentile)
    chosen = None if design is None else design_for(design, read(calibrated.model()))
    answers = answers_of(labels, len(next(iter(calibrated.inputs.values()))))
    search = Mixed(calibrated, answers, cost_on(chosen))
    found = search.search(loss / 100, say)
    say("")
    return MixedNetwork(search, found, loss / 100, chosen)


def cost_on(design: Design | None) -> Cost:
    """Return the cycles that count."""
    if design is None:
        return bit_serial(**ENGINE)
    if design.engine != "bitserial":
        raise UserError("engine must be 'bitserial' for --mixed, or no Design be given, not "
                        f"{design.engine!r}: on others fewer bits take no fewer cycles")
    return layer_cycles(design)
