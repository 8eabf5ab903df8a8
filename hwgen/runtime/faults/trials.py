"""Trials: an inference with a flipped bit, and what came of it."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arch.codes import Code
from ...compiler.program import Program
from ...golden.accelerator.errors import Error
from ...golden.network.stream import GoldenStream
from ...network.graph import Network
from ...predict.layers import predictions
from ...tools.cache import digest
from ..accelerator import AcceleratorError, RemoteAccelerator, StillBusy, TurnLost
from ..client import NoMemory, Silence
from ..host_layers import computed_by_host
from ..inference import BUDGET, load, read_tensor, whole_tensor, write_tensor
from .kinds import SPACES, ByteBit, Flip
from .simulator import Bit, FaultLink

__all__ = ["OUTCOMES", "Trial", "TrialBoard"]

OUTCOMES = ("masked", "wrong", "detected", "hung")
ATTEMPTS = 4
"""How often a host asks that gets no answer."""

Images = Mapping[str, NDArray[np.int8]]
Results = dict[str, NDArray[np.int8]]


class TrialHost(RemoteAccelerator):
    """A host that does the same whenever it is run: no number is drawn."""

    def __init__(self, link: FaultLink) -> None:
        super().__init__(link, attempts=ATTEMPTS, tag=0)

    def draw_number(self, taken: int) -> int:
        """Return a number for a turn."""
        return 2 if taken == 1 else 1

    def copy(self) -> "TrialHost":
        """Return a host that knows the same, at the same link."""
        return copy.deepcopy(self, {id(self.link): self.link})


@dataclass(frozen=True)
class Trial:
    """What came of a flip.

    Members
    -------
    kind, index
        Of the flip.
    image : int
    cycle : int
        When the bit was flipped, from when the host began to start the run.
    place : str
        Which bit, as the Verilog has it.
    outcome : str
        ``masked``: all results are right; ``wrong``: some are not, and nobody knows; ``detected``:
        the accelerator stopped with an error code, or the host saw that something was wrong;
        ``hung``: the watchdog stopped it, or nothing did.
    code : int
        The error code, if there is one.
    cycles : int
        Of the whole run, as it counted them; 0 where it did not end.
    label : bool
        Whether the greatest value of a result is elsewhere.
    corrected : bool
        Whether the results are right, and the hardware has corrected a bit.
    """

    kind: str
    index: int
    image: int
    cycle: int
    place: str
    outcome: str
    code: int = 0
    cycles: int = 0
    label: bool = False
    corrected: bool = False


class TrialBoard:
    """A simulated board with a Program, on which bits are flipped.

    Parameters
    ----------
    link : FaultLink
    program : Program
    network : Network
    inputs : arrays
        Images, as ``golden.run`` takes them.
    """

    def __init__(self, link: FaultLink, program: Program, network: Network,
                 inputs: Images) -> None:
        self.link, self.program, self.network, self.inputs = link, program, network, inputs
        self.host = TrialHost(link)
        self.host.identify(program.design.fingerprint)
        load(self.host, program)
        for name, values in program.initial_state.items():
            write_tensor(self.host, program, name, values)
        works = [work.cycles for work in predictions(
            network, program, dict(self._image(0)) | program.initial_state)]
        self.watchdog = 2 * max(works) + 1000
        self.patience = 4 * self.watchdog  # cycles beyond those of a run, until it is given up
        self.read = [*program.outputs, *(state.next for state in program.states)]

    def fingerprint(self, seed: int) -> str:
        """Return a name that campaigns of other flips, or other results, do not have."""
        return digest([self.link.verilog, self.program.fingerprint, str(seed),
                       *(repr(values.tolist()) for values in self.inputs.values())])

    def _image(self, index: int) -> Images:
        return {name: values[index:index + 1] for name, values in self.inputs.items()}

    def locate(self, where: Bit | ByteBit, index: int = 0) -> Bit:
        """Return where in the hardware a bit is; one that the host writes is found by writing.

        In a memory with check bits it is the bit itself, or one of the check bits that depend on
        it: ``index`` chooses.
        """
        if isinstance(where, Bit):
            return where
        link, word = self.link, where.address & ~3
        with link.trial():
            host = self.host.copy()
            before = int.from_bytes(host.read_memory(where.space, word, 4), "little")
            after = before ^ 1 << 8 * (where.address - word) + where.bit
            link.mark()
            host.write_memory(where.space, word, after.to_bytes(4, "little"))
            found = [bit for bit in link.changed_bits()
                     if SPACES.get(link.elements[bit.element].part) == where.space]
        code = Code.of(self.program.design.protect, 8)  # each bit is in as many checks
        if len(found) != 1 + (code.columns[0].bit_count() if code else 0):
            raise AssertionError(f"{where} is in {len(found)} places of the hardware")
        return found[index % len(found)]

    def run(self, flips: Iterable[Flip]) -> Iterator[Trial]:
        """Try flips, those of an image together."""
        by_image: dict[int, list[Flip]] = {}
        for flip in flips:
            by_image.setdefault(flip.image, []).append(flip)
        for image, those in by_image.items():
            with self.link.trial():  # the next image finds the memories as this one did
                yield from self._run_image(image, those)

    def _run_image(self, image: int, flips: list[Flip]) -> Iterator[Trial]:
        """Try flips of an image, in the order of their moments."""
        link, host, x = self.link, self.host.copy(), self._image(image)
        for name in self.program.inputs:
            write_tensor(host, self.program, name, x[name])
        located = [(flip, self.locate(flip.where, flip.index)) for flip in flips]
        begun, length, right = self._baseline(host.copy(), image)
        start, running = link.cycles, False
        for flip, bit in sorted(located, key=lambda each: each[0].moment):
            cycle = int(flip.moment * length)
            if not running and cycle >= begun:
                self._start(host)
                running = True
            if running:
                link.wait(start + cycle - link.cycles)
            with link.trial(bit, 0 if running else cycle):
                outcome = self._outcome(host.copy(), running, start + length, right)
            yield Trial(flip.kind, flip.index, image, cycle, link.name_of(bit), **outcome)

    def _start(self, host: TrialHost) -> None:
        host.start(0, len(self.program.steps), watchdog=self.watchdog)

    def _baseline(self, host: TrialHost, image: int) -> tuple[int, int, Results]:
        """Return what the host's start takes, all of the run, and the right results."""
        x, link = self._image(image), self.link
        tensors = GoldenStream(self.network).run(x, keep=True)
        with link.trial():
            start = link.cycles
            self._start(host)
            begun = link.cycles - start
            cycles = host.wait(BUDGET)
            right = self._results(host)
        for name, values in right.items():
            if not np.array_equal(values, tensors[name][0].reshape(values.shape)):
                raise AssertionError(f"tensor {name!r} is wrong without any fault")
        return begun, begun + cycles, right

    def _results(self, host: TrialHost) -> Results:
        """Return what the host reads after a run: outputs, and the states for the next one."""
        results = {name: whole_tensor(self.program, name, read_tensor(host, self.program, name))
                   for name in self.read}
        host.confirm()
        return results

    def _outcome(self, host: TrialHost, running: bool, end: int, right: Results) -> dict[str, Any]:
        """Return what came of a flip: the last fields of a :class:`Trial`."""
        try:
            if not running:
                self._start(host)
            self.link.wait(end - self.link.cycles)
            cycles = host.wait(self.patience)
            results = self._results(host)
            corrected = self.program.design.protect == "ecc" and host.flips()[0] > 0
        except AcceleratorError as error:
            hung = error.code == Error.WATCHDOG
            return {"outcome": "hung" if hung else "detected", "code": error.code}
        except (StillBusy, Silence):
            return {"outcome": "hung"}
        except (TurnLost, NoMemory):
            return {"outcome": "detected"}
        if all(np.array_equal(results[name], right[name]) for name in right):
            return {"outcome": "masked", "cycles": cycles, "corrected": corrected}
        return {"outcome": "wrong", "cycles": cycles,
                "label": self._labels(results) != self._labels(right)}

    def _labels(self, results: Results) -> list[int]:
        """Return where each output of the network is greatest."""
        values = computed_by_host(self.program, self.network, results)
        return [int(values[name].argmax()) for name in self.program.results if name in values]
