"""Run a Program on an accelerator, and hold every layer against the golden model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.registers import Space
from ..compiler.program import Program
from ..golden.network import network as golden
from ..network.graph import Network
from ..predict.efficiency import Work
from ..predict.layers import predictions
from ..tools.cache import cached_folder, digest
from ..tools.find import side_by_side
from .accelerator import RemoteAccelerator
from .link import Link
from .simulation import SimulatedLink

__all__ = ["Inference", "LayerRun", "board_at", "holds", "load", "portable", "run",
           "simulated_board"]

BUDGET = 1 << 28
"""Cycles after which an accelerator that is still busy is given up; its watchdog comes first."""

Bytes = NDArray[np.int8]


@dataclass(frozen=True)
class LayerRun:
    """What a layer took, and whether it gave what the golden model gives.

    ``difference`` names the first element that differs; None where none does, or none was compared.
    Where its output is never stored, it is compared as part of the layer ``joined``.
    """

    name: str
    operator: str
    predicted: Work
    cycles: int
    difference: str | None = None
    joined: str | None = None

    @property
    def predicted_cycles(self) -> int:
        """Cycles that the cost model gives without running anything."""
        return self.predicted.cycles

    @property
    def work(self) -> Work:
        """What it took, with the cycles that the accelerator counted."""
        return replace(self.predicted, cycles=self.cycles)


@dataclass(frozen=True)
class Inference:
    """An inference: the network's outputs, and what each layer took."""

    outputs: dict[str, Bytes]
    layers: tuple[LayerRun, ...]

    @property
    def work(self) -> Work:
        """What all layers took."""
        return sum((layer.work for layer in self.layers), Work())

    @property
    def cycles(self) -> int:
        """Cycles counted by the accelerator."""
        return sum(layer.cycles for layer in self.layers)

    @property
    def predicted_cycles(self) -> int:
        """Cycles that the cost model gives without running anything."""
        return sum(layer.predicted_cycles for layer in self.layers)

    @property
    def as_predicted(self) -> bool:
        """Whether it took the predicted cycles."""
        return self.cycles == self.predicted_cycles

    @property
    def equal(self) -> bool:
        """Whether everything that was compared is equal."""
        return not any(layer.difference for layer in self.layers)


def portable(design: Design) -> Design:
    """Return the Design in portable Verilog: what it computes, and when, is the same."""
    return design.replace(family="generic", device=None, dsps=None, hard_lanes=0)


def simulated_board(design: Design) -> RemoteAccelerator:
    """Return an accelerator of a Design (a portable one) in simulation."""
    from .. import __version__
    from ..generate.conversion import sources
    from ..generate.design import module, verilog
    from ..tools.verilator import library, tools

    name = digest(["verilog", __version__, design.to_toml(), *sources()])

    def write(folder: Path) -> None:
        (folder / "top.v").write_text(verilog(design))

    tools()  # or an error, before a minute has gone by
    with side_by_side() as pool:
        pool.submit(library)  # the simulator needs it, and waits for it if it has to
        folder, _ = cached_folder(f"verilog-{name}", write)
    link = SimulatedLink((folder / "top.v").read_text(), top=module(design))
    return board_at(link, design)


def board_at(link: Link, design: Design) -> RemoteAccelerator:
    """Return the accelerator at the other end of a link, which must be that of the Design."""
    accelerator = RemoteAccelerator(link)
    try:
        accelerator.identify(design.fingerprint)
    except BaseException:
        link.close()
        raise
    return accelerator


def load(accelerator: RemoteAccelerator, program: Program) -> None:
    """Write a Program into the memory of an accelerator."""
    for space, address, data in program.memory:
        accelerator.write_memory(space, address, data)


def holds(accelerator: RemoteAccelerator, program: Program) -> bool:
    """Return whether a Program is in the memory of an accelerator already, to the last byte."""
    return all(space != Space.SPARSE  # which cannot be read
               and accelerator.read_memory(space, address, len(data)) == data
               for space, address, data in program.memory)


def read_tensor(accelerator: RemoteAccelerator, program: Program, name: str) -> Bytes:
    """Read the stored channels of a tensor, (height, width, channels)."""
    addresses = program.tensors[name].addresses()
    low, high = int(addresses.min()), int(addresses.max())
    data = accelerator.read_activations(low, high + 1 - low)
    return np.frombuffer(data, np.int8)[addresses - low]


def whole_tensor(program: Program, name: str, values: Bytes) -> Bytes:
    """Return a tensor of its stored channels and of those that are constant."""
    placement = program.tensors[name]
    full = np.zeros((placement.height, placement.width, len(placement.constants)), np.int8)
    for channel, value in enumerate(placement.constants):
        if value is not None:
            full[..., channel] = value
    full[..., list(placement.channels)] = values
    return full.reshape(placement.shape)


def run(accelerator: RemoteAccelerator, program: Program, network: Network,
        x: Mapping[str, Bytes], *, check: bool = False,
        say: Callable[[str], Any] = lambda _: None) -> Inference:
    """Run one inference; the Program is in the accelerator's memory.

    Where another host has had its turn since, the Program is loaded again. All layers are one run,
    if every step has a counter. With ``check`` each layer is a run of its own, and its output is
    read back and compared with the golden model's.
    """
    if not accelerator.resume():
        load(accelerator, program)
    for name in program.inputs:
        placement = program.tensors[name]
        addresses = placement.addresses()
        low = int(addresses.min())
        data = np.zeros(int(addresses.max()) + 1 - low, np.int8)
        data[addresses - low] = placement.stored_part(np.asarray(x[name]))
        accelerator.write_activations(low, data.tobytes())
    expected = golden.run(network, x, keep=True) if check else {}
    layers, count = [], len(program.steps)
    apart = check or count > program.design.steps
    joined = {part.name: following.name for part, following in program.joined}
    works = list(predictions(network, program, x, apart=apart))
    taken = [] if apart else run_at_once(accelerator, count, works)
    for part, work in zip(program.layers, works, strict=True):
        say(part.name)
        cycles = sum(taken[part.first:part.first + part.count])
        if part.count and apart:
            cycles = accelerator.run(part.first, part.count, budget=BUDGET,
                                     watchdog=2 * work.cycles + 1000)
        difference = None
        if check and part.output in program.tensors:
            difference = first_difference(accelerator, program, part.output,
                                          expected[part.output])
        layers.append(LayerRun(part.name, part.operator, work, cycles, difference,
                               joined.get(part.name)))
    values = dict(x) | {name: whole_tensor(program, name, read_tensor(accelerator, program, name))
                        for name in program.outputs}
    accelerator.confirm()
    for layer in network.layers:
        if layer.host:
            values[layer.output] = golden.compute(network, layer,
                                                  [values[name] for name in layer.inputs])
    return Inference({name: values[name] for name in program.results}, tuple(layers))


def run_at_once(accelerator: RemoteAccelerator, count: int, works: Sequence[Work]) -> list[int]:
    """Run all steps, none of which may take longer than layers should, and return their cycles."""
    watchdog = 2 * max((work.cycles for work in works), default=0) + 1000
    accelerator.run(0, count, budget=BUDGET, watchdog=watchdog)
    return accelerator.counters(count) if count else []


def first_difference(accelerator: RemoteAccelerator, program: Program, name: str, expected: Bytes,
                     ) -> str | None:
    """Return a sentence about the first element that differs, or None."""
    placement = program.tensors[name]
    got, want = read_tensor(accelerator, program, name), placement.stored_part(expected)
    wrong = np.argwhere(got != want)
    if not len(wrong):
        return None
    y, column, c = (int(index) for index in wrong[0])
    return (f"tensor {name!r}, row {y}, column {column}, channel {placement.channels[c]}: the "
            f"hardware has {int(got[y, column, c])}, the golden model {int(want[y, column, c])} "
            f"({len(wrong)} of {got.size} elements differ)")
