"""An unrolled network on the simulated Verilog, against NumPy."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arch.adder_graph import AdderGraph, bits
from ..generate.unrolled import Unrolled
from ..golden.network import network as golden
from ..tools.verilator import PROGRAM, build

__all__ = ["Played", "check_unrolled", "play", "random_inputs"]

MAIN = Path(__file__).with_suffix(".cpp")
FAULTS = {2: "an output was offered and taken back", 3: "more outputs came than inputs went in",
          4: "outputs did not come"}


@dataclass(frozen=True, eq=False)
class Played:
    """What came of inputs: outputs, and the cycles in which inputs and outputs went.

    ``outputs`` and both cycles are arrays with an inference along the first axis.
    """

    outputs: NDArray[np.int64]
    taken: NDArray[np.int64]
    given: NDArray[np.int64]

    @property
    def latencies(self) -> NDArray[np.int64]:
        """Cycles from each input to its output."""
        return self.given - self.taken


def pack(values: NDArray[np.int64], limits: tuple[int, int]) -> NDArray[np.uint8]:
    """Return arrays of integers as the bytes of a port, filled up to words of 64 bits."""
    width = max(bits(*limits), 1)
    places = (values[..., None] >> np.arange(width) & 1).astype(np.uint8)
    rows = places.reshape(len(values), -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 64)))
    return np.packbits(rows, axis=1, bitorder="little")


def unpack(rows: NDArray[np.uint8], count: int, limits: tuple[int, int]) -> NDArray[np.int64]:
    """Return the integers that the bytes of a port are."""
    width = max(bits(*limits), 1)
    places = np.unpackbits(rows, axis=1, bitorder="little")[:, :count * width]
    weights = np.int64(1) << np.arange(width)
    if limits[0] < 0:
        weights[-1] *= -1
    return places.reshape(len(rows), count, width).astype(np.int64) @ weights


def play(verilog: str, module: str, graph: AdderGraph, inputs: NDArray[np.signedinteger], *,
         gap: int = 0, stall: int = 0, seed: int = 0, extra_sources: Sequence[Path] = (),
         ) -> Played:
    """Put inputs through the Verilog of a graph, or through its netlist.

    Parameters
    ----------
    verilog, module : str
        The text, and its top module.
    graph : AdderGraph
    inputs : array
        An inference along the first axis.
    gap, stall : int
        In how many of 256 cycles nothing is offered, and nothing is taken.
    seed : int
        Of these cycles.
    extra_sources : sequence of Path
        More Verilog files, such as models of cells.
    """
    folder, _ = build(verilog, MAIN.read_text(), top=module, optimise=1,
                      extra_sources=tuple(extra_sources))
    data = pack(inputs.reshape(len(inputs), -1).astype(np.int64), graph.input_limits)
    count = len(graph.outputs)
    size = -(-count * max(bits(*graph.output_limits), 1) // 64) * 8
    words = [len(data), data.shape[1], size, gap, stall, seed]
    done = subprocess.run([folder / PROGRAM, *map(str, words)], input=data.tobytes(),
                          capture_output=True)
    if done.returncode:
        raise RuntimeError(f"the simulator of {module} ended with {done.returncode}: "
                           f"{FAULTS.get(done.returncode, done.stderr.decode()[-500:])}")
    rows = np.frombuffer(done.stdout, np.uint8).reshape(len(data), 16 + size)
    cycles = rows[:, :16].copy().view(np.int64)
    return Played(unpack(rows[:, 16:], count, graph.output_limits), cycles[:, 0], cycles[:, 1])


def random_inputs(graph: AdderGraph, count: int, seed: int = 0) -> NDArray[np.int8]:
    """Return inputs of all values alike, and among them many at the ends of the range."""
    rng = np.random.default_rng(seed)
    low, high = graph.input_limits
    inputs = rng.integers(low, high + 1, (count, graph.inputs))
    ends = rng.integers(0, 2, inputs.shape) * (high - low) + low
    return np.where(rng.random((count, 1)) < 0.2, ends, inputs).astype(np.int8)


def check_unrolled(unrolled: Unrolled, inputs: NDArray[np.int8]) -> tuple[int, int]:
    """Return how many outputs on the Verilog differ from NumPy, and how many come at other cycles.

    Inputs go in each cycle, and outputs are taken when they come.
    """
    network = unrolled.network
    shape = (len(inputs), *network.tensors[network.inputs[0]].shape[1:])
    expected = golden.run(network, inputs.reshape(shape), keep=True)[unrolled.output]
    played = play(unrolled.verilog(), unrolled.name, unrolled.graph, inputs)
    differ = np.any(played.outputs != expected.reshape(len(inputs), -1), axis=1)
    late = (played.latencies != unrolled.latency) | (np.diff(played.taken, prepend=-1) != 1)
    return int(differ.sum()), int(late.sum())
