# amaranth: UnusedElaboratable=no
"""A small network as one pipeline: from the network to its files."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.adder_graph import AdderGraph, AdderNode, ClampNode, MultiplierNode
from ..arch.boards import BOARDS
from ..arch.names import identifier_of
from ..compiler.unrolled.unroll import expected_luts, layers_of, unroll_layers
from ..errors import UserError, check_range, closest
from ..golden.unrolled.pipeline import Pipeline as GoldenPipeline
from ..network.graph import Network
from ..network.reader import network_of
from ..rtl.unrolled.pipeline import Pipeline
from ..text import Shown, ShownTable, count, printable
from ..tools.files import write_texts
from .conversion import convert, waivers
from .port_list import ports_page

__all__ = ["Unrolled", "unroll"]

LARGEST = 83_640
"""LUTs of the largest chip that hwgen knows."""

CLAMP, STREAMS = 12, 100
"""LUTs of a clamp, and of the two streams, about."""


@dataclass(frozen=True, eq=False, repr=False)
class Unrolled(Shown):
    """A network as one pipeline with its weights as constants: what :func:`unroll` returns.

    Members
    -------
    network : Network
    graph : AdderGraph
        Its adders, with a pipeline stage for each.
    clock_mhz : float
        The clock that registers were placed for.
    name : str
        Of the module.
    """

    network: Network
    graph: AdderGraph
    clock_mhz: float
    name: str

    @property
    def latency(self) -> int:
        """Cycles from an input to its output."""
        return self.graph.latency

    @property
    def luts(self) -> int:
        """About how many LUTs it takes: a cell of an adder is a LUT with its carry."""
        clamps = sum(isinstance(node, ClampNode) for node in self.graph.nodes)
        return STREAMS + CLAMP * clamps + sum(node.adder_bits + node.adder_bits % 2
                                              for node in self.graph.sums)

    @property
    def dsps(self) -> int:
        """How many multipliers of the chip it takes."""
        return sum(isinstance(node, MultiplierNode) for node in self.graph.nodes)

    @property
    def output(self) -> str:
        """The tensor that comes out: that of the last layer which a host does not compute."""
        return layers_of(self.network)[-1].output

    @property
    def component(self) -> Any:
        """The Amaranth component."""
        return Pipeline(self.graph)

    def golden(self, inputs: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return what the pipeline computes of inputs, in NumPy, adder by adder."""
        return GoldenPipeline(self.graph).run(inputs.reshape(len(inputs), -1))

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        return (f"{printable(self.network.name)} unrolled: {len(self.graph.sums):,} adders, about "
                f"{self.luts:,} LUTs, {self.dsps} multipliers, {self.latency} cycles of "
                f"{self.clock_mhz:g} MHz, an inference a cycle")

    def _view_(self) -> list[str | ShownTable]:
        """Return a table of the stages of the pipeline."""
        stages = range(self.latency)
        adders = [[node for node, at in zip(self.graph.nodes, self.graph.stages, strict=True)
                   if at == stage and isinstance(node, AdderNode)] for stage in stages]
        return [self.summary, ShownTable({"stage": str, "adders": count, "adder bits": count}, [
            (stage, len(nodes), sum(node.adder_bits for node in nodes))
            for stage, nodes in zip(stages, adders, strict=True)])]

    def verilog(self) -> str:
        """Return the Verilog: the same text for the same network and clock, always."""
        return convert(lambda: self.component, self.name, "an unrolled network", self.name)

    def port_table(self) -> str:
        """Return the ports as a Markdown page."""
        return ports_page(f"# Ports of `{self.name}`", (
            "A network with its weights as constants. Both streams have `valid` and `ready`. "
            f"Outputs come {self.latency} cycles after their inputs, an inference each cycle."),
            self.component)

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write all files into ``folder``, all of them or none, and return their paths."""
        facts = {"network": self.network.name, "latency": self.latency, "interval": 1,
                 "clock_mhz": self.clock_mhz, "adders": len(self.graph.sums), "luts": self.luts,
                 "dsps": self.dsps}
        texts = {f"{self.name}.v": self.verilog(), "ports.md": self.port_table(),
                 "lint.vlt": waivers("generic", self.name),
                 "unrolled.json": json.dumps(facts, indent=1) + "\n"}
        return write_texts(Path(folder), texts)


def unroll(network: Network | str | os.PathLike[str], *, clock: float = 100.0, dsps: int = 0,
           board: str | None = None, name: str = "unrolled",
           say: Callable[[str], object] = lambda _: None) -> Unrolled:
    """Return a small network as one pipeline, with its weights as constants.

    An inference goes in and another one comes out in every cycle. Every output is that of the
    network in NumPy.

    >>> pipeline = hwgen.unroll("networks/hello_world.tflite")
    >>> pipeline.latency
    14
    >>> [path.name for path in pipeline.write("hello")]
    ['unrolled.v', 'ports.md', 'lint.vlt', 'unrolled.json']

    Parameters
    ----------
    network : Network, str or path
        Of fully connected layers.
    clock : float
        MHz; a faster clock has more stages.
    dsps : int
        Multipliers of the chip at most, each for what becomes of a sum; they spare LUTs.
    board : str, optional
        The board whose chip it must fit.
    name : str
        Of the module, and of its file.
    say : function
        Called with what is done next.
    """
    check_range("--clock", clock, 10, 400, "MHz")
    if board is not None and board not in BOARDS:
        raise UserError(f"board must be one that `hwgen boards` lists, not {board!r}"
                        + closest(board, BOARDS))
    check_range("--dsps", dsps, 0, 1000 if board is None else BOARDS[board].multipliers,
                "multipliers")
    module, found = identifier_of(name), network_of(network)
    luts, chip = (LARGEST, "the largest chip") if board is None else \
        (BOARDS[board].luts, f"the {BOARDS[board].device}")

    def check_room(needed: int) -> None:
        if needed > luts:
            raise UserError(f"{printable(found.name)} would take about {needed:,} LUTs unrolled, "
                            f"more than the {luts:,} of {chip}; `hwgen tune` finds an "
                            "accelerator for it")

    check_room(expected_luts(found))
    made = Unrolled(found, unroll_layers(found, clock, say, dsps), clock, module)
    check_room(made.luts)
    return made
