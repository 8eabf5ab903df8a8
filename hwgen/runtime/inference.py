"""Run a Program on an accelerator, and hold every layer against the golden model."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.registers import Space
from ..compiler.program import Program
from ..errors import UserError
from ..golden.network.stream import GoldenStream
from ..network.graph import Network
from ..predict.efficiency import Work
from ..predict.layers import predictions
from .accelerator import RemoteAccelerator
from .external import begin_with, holds_pages, load_pages, stalls_of
from .host_layers import computed_by_host
from .link import Link
from .simulated_verilog import simulated_verilog
from .simulation import SimulatedLink
from .waves import Recorder, Waves

__all__ = ["Inference", "LayerRun", "Stream", "board_at", "holds", "load", "portable", "run",
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
    stalls: int = 0
    """Cycles that waited for words of a program that streams, as the accelerator counted them."""

    @property
    def predicted_stalls(self) -> int:
        """The same, as the cost model gives them."""
        return sum(layer.predicted.stalls for layer in self.layers)

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
        """Whether it took the predicted cycles, and stalls."""
        return (self.cycles, self.stalls) == (self.predicted_cycles, self.predicted_stalls)

    @property
    def equal(self) -> bool:
        """Whether everything that was compared is equal."""
        return not any(layer.difference for layer in self.layers)


def portable(design: Design) -> Design:
    """Return the Design in portable Verilog: what it computes, and when, is the same."""
    return design.replace(family="generic", device=None, dsps=None, hard_lanes=0)


def simulated_board(design: Design, waves: Waves | None = None) -> RemoteAccelerator:
    """Return an accelerator of a Design (a portable one) in simulation."""
    text, top = simulated_verilog(design)
    link = SimulatedLink(text, top=top, waves=waves.path if waves else None, recorded=0)
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
    if program.design.external:
        load_pages(accelerator, program.design, program.image)


def holds(accelerator: RemoteAccelerator, program: Program) -> bool:
    """Return whether a Program is in the memory of an accelerator already, to the last byte."""
    return all(space != Space.SPARSE  # which cannot be read
               and accelerator.read_memory(space, address, len(data)) == data
               for space, address, data in program.memory) and (
                   not program.design.external or holds_pages(
                       accelerator, program.design, program.image))


def read_tensor(accelerator: RemoteAccelerator, program: Program, name: str) -> Bytes:
    """Read the stored channels of a tensor, (height, width, channels)."""
    addresses = program.tensors[name].addresses()
    low, high = int(addresses.min()), int(addresses.max())
    data = accelerator.read_activations(low, high + 1 - low)
    return np.frombuffer(data, np.int8)[addresses - low]


def write_tensor(accelerator: RemoteAccelerator, program: Program, name: str,
                 values: Bytes) -> None:
    """Write what is stored of an input or a state, and no byte between."""
    placement = program.tensors[name]
    addresses, data = placement.addresses().ravel(), placement.stored_part(np.asarray(values))
    ends = [*(np.flatnonzero(np.diff(addresses) != 1) + 1).tolist(), len(addresses)]
    for begin, end in pairwise([0, *ends]):
        accelerator.write_activations(int(addresses[begin]), data.ravel()[begin:end].tobytes())


def whole_tensor(program: Program, name: str, values: Bytes) -> Bytes:
    """Return a tensor of its stored channels and of those that are constant."""
    placement = program.tensors[name]
    full = np.zeros((placement.height, placement.width, len(placement.constants)), np.int8)
    for channel, value in enumerate(placement.constants):
        if value is not None:
            full[..., channel] = value
    full[..., list(placement.channels)] = values
    return full.reshape(placement.shape)


class Stream:
    """Inferences of a Program one after another, whose state stays in the accelerator's memory.

    Several streams of one accelerator may take turns: before another one runs, the state of the one
    before is read, and it is written again when its turn comes. After an inference that failed, and
    after another host's turn, a state is lost: the next run says so, unless :meth:`reset` or
    :meth:`restore` came before.

    Parameters
    ----------
    accelerator : RemoteAccelerator
    program : Program
        It is in the accelerator's memory.
    network : Network
    check : bool
        Whether each layer is a run of its own, and compared with the golden model's.
    """

    def __init__(self, accelerator: RemoteAccelerator, program: Program, network: Network, *,
                 check: bool = False) -> None:
        """Begin in the initial state."""
        self.accelerator, self.program, self.network = accelerator, program, network
        self.check = check
        self.golden = GoldenStream(network)
        self.values: dict[str, Bytes] | None = None
        """The state that the memory has not yet."""
        self.reset()

    def reset(self) -> None:
        """Go back to the initial state."""
        self.restore(self.program.initial_state)

    def restore(self, state: Mapping[str, Bytes]) -> None:
        """Go on in a state that :meth:`save` gave, of this stream or another one of the Program."""
        if sorted(state) != sorted(self.program.initial_state):
            raise UserError(f"a state of {self.program.name!r} must be of the tensors "
                            f"{', '.join(self.program.initial_state) or '(none)'}, not "
                            f"{', '.join(state) or '(none)'}")
        self.values = {name: np.asarray(values, np.int8).reshape(self.program.tensors[name].shape)
                       for name, values in state.items()}
        self.golden.state = dict(self.values)

    def save(self) -> dict[str, Bytes]:
        """Return the state after the last inference."""
        if self.values is None:
            self.require(self.accelerator.resume())
            self.values = {state.name: read_tensor(self.accelerator, self.program, state.name)
                           .reshape(self.program.tensors[state.name].shape)
                           for state in self.program.states}
            self.accelerator.confirm()
        return dict(self.values)

    def require(self, kept: bool) -> None:
        """Raise where the state is lost; ``kept`` says whether the memory has what it had."""
        if self.program.states and not (kept and self.accelerator.stream is self):
            raise UserError(f"the state of {self.program.name!r} is lost, as an inference failed, "
                            "or another host has had a turn: reset the stream, or restore a state "
                            "that was saved")

    def run(self, x: Mapping[str, Bytes], *, say: Callable[[str], Any] = lambda _: None,
            recorder: Recorder | None = None) -> Inference:
        """Run the next inference; where another host has had its turn, the Program is loaded."""
        accelerator = self.accelerator
        kept = accelerator.resume()
        other = accelerator.stream if accelerator.stream is not self else None
        if isinstance(other, Stream):
            other.save()
        if not kept or isinstance(other, Stream) and other.program is not self.program:
            load(accelerator, self.program)
        if self.values is None:
            self.require(kept)
        for name, values in (self.values or {}).items():
            write_tensor(accelerator, self.program, name, values)
        # What fails from here on leaves a state that is neither the old nor the new one.
        accelerator.stream = self.values = None
        state, expected = self.golden.state, dict[str, Bytes]()
        if self.check or self.program.compressed:  # whose cycles depend on the state
            expected = self.golden.run(x, keep=True)
        found = infer(accelerator, self.program, self.network, dict(x) | state,
                      expected if self.check else {}, say, recorder)
        accelerator.stream = self
        return found


def run(accelerator: RemoteAccelerator, program: Program, network: Network,
        x: Mapping[str, Bytes], *, check: bool = False,
        say: Callable[[str], Any] = lambda _: None) -> Inference:
    """Run one inference from the initial state; the Program is in the accelerator's memory.

    Where another host has had its turn since, the Program is loaded again. All layers are one run,
    if every step has a counter. With ``check`` each layer is a run of its own, and its output is
    read back and compared with the golden model's.
    """
    found = Stream(accelerator, program, network, check=check).run(x, say=say)
    accelerator.stream = None  # nobody goes on from there
    return found


def infer(accelerator: RemoteAccelerator, program: Program, network: Network,
          x: Mapping[str, Bytes], expected: Mapping[str, Bytes],
          say: Callable[[str], Any], recorder: Recorder | None = None) -> Inference:
    """Write inputs, run all layers, and read the outputs; compare where something is ``expected``.

    ``x`` are the inputs, and the states as they are in the memory.
    """
    for name in program.inputs:
        write_tensor(accelerator, program, name, x[name])
    layers, count = [], len(program.steps)
    during = recorder.during if recorder else nullcontext
    apart = bool(expected) or count > program.design.steps or bool(recorder and recorder.wanted)
    joined = {part.name: following.name for part, following in program.joined}
    works = list(predictions(network, program, x, apart=apart))
    streams, stalls = program.design.external is not None, 0
    if streams and count:
        begin_with(accelerator, 0)
    taken = list[int]()
    if not apart:
        with during(None):
            taken = run_at_once(accelerator, count, works)
        stalls = stalls_of(accelerator) if streams else 0
    for part, work in zip(program.layers, works, strict=True):
        say(part.name)
        cycles = sum(taken[part.first:part.first + part.count])
        if part.count and apart:
            if streams:
                begin_with(accelerator, program.places[part.first])
            with during(part.name):
                cycles = accelerator.run(part.first, part.count, budget=BUDGET,
                                         watchdog=2 * work.cycles + 1000)
            stalls += stalls_of(accelerator) if streams else 0
        difference = None
        if expected and part.output in program.tensors:
            difference = first_difference(accelerator, program, part.output,
                                          expected[part.output])
        layers.append(LayerRun(part.name, part.operator, work, cycles, difference,
                               joined.get(part.name)))
    values = dict(x) | {name: whole_tensor(program, name, read_tensor(accelerator, program, name))
                        for name in program.outputs}
    accelerator.confirm()
    values = computed_by_host(program, network, values)
    return Inference({name: values[name] for name in program.results}, tuple(layers), stalls)


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
