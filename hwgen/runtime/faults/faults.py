"""A fault campaign: bits of an accelerator are flipped during inferences, to see what comes of it.

The hardware is simulated once for each image. Where a bit is to be flipped the simulator forks: the
child flips it and goes on to the end, and the parent goes on as if nothing had happened.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError, check_range
from ...network.images import Arrays, input_images
from ...text import Shown, ShownTable, count
from ..compiled import Compiled
from ..inference import portable
from ..simulated_verilog import simulated_verilog
from .kinds import Flip, chosen_kinds, flips_of, pools_of
from .log import TrialLog
from .simulator import FaultLink
from .trials import OUTCOMES, Trial, TrialBoard

__all__ = ["Faults", "KindOfState", "faults", "wilson"]

Z = 1.959964
"""Of the normal distribution: within so many deviations lie 95 of 100."""


@dataclass(frozen=True)
class KindOfState:
    """What came of the flips of a kind of state.

    Members
    -------
    kind : str
    bits : int
        How many of its bits could have been flipped.
    trials : tuple of Trial
    """

    kind: str
    bits: int
    trials: tuple[Trial, ...]

    @property
    def corrects(self) -> bool:
        """Whether the hardware has corrected a bit."""
        return any(each.corrected for each in self.trials)

    def number(self, outcome: str) -> int:
        """Return how many flips had an outcome; of ``label`` those that changed a label.

        Of ``corrected`` those that are masked as the hardware corrected the bit.
        """
        if outcome in ("label", "corrected"):
            return sum(getattr(each, outcome) for each in self.trials)
        return sum(each.outcome == outcome for each in self.trials)

    def interval(self, outcome: str) -> tuple[float, float]:
        """Return the confidence interval, 95 %, of the share of an outcome."""
        return wilson(self.number(outcome), len(self.trials))

    @property
    def facts(self) -> dict[str, Any]:
        """All of it as plain data."""
        codes = sorted(each.code for each in self.trials if each.code)
        return {"kind": self.kind, "bits": self.bits, "flips": len(self.trials),
                **{outcome: {"flips": self.number(outcome), "interval": self.interval(outcome)}
                   for outcome in (*OUTCOMES, "label", *["corrected"] * self.corrects)},
                "codes": {code: codes.count(code) for code in dict.fromkeys(codes)}}


@dataclass(frozen=True, eq=False, repr=False)
class Faults(Shown):
    """What came of flipped bits: what :func:`faults` returns.

    Members
    -------
    network, design : str
        Their names.
    seed : int
    images : int
    kinds : list of KindOfState
    left_out : tuple of str
        Registers that the simulator does not have, as they are constant or never read.
    """

    network: str
    design: str
    seed: int
    images: int
    kinds: list[KindOfState]
    left_out: tuple[str, ...]

    @property
    def summary(self) -> str:
        """How many bits were flipped, and how many of them did harm that nobody noticed."""
        trials = [trial for kind in self.kinds for trial in kind.trials]
        wrong = sum(trial.outcome == "wrong" for trial in trials)
        return (f"{self.network} on {self.design}: {len(trials):,} flips, {wrong:,} silently "
                f"wrong; seed {self.seed}")

    @property
    def facts(self) -> dict[str, Any]:
        """All but the single flips as plain data."""
        return {"network": self.network, "design": self.design, "seed": self.seed,
                "images": self.images, "kinds": [kind.facts for kind in self.kinds],
                "left_out": list(self.left_out)}

    def _view_(self) -> list[str | ShownTable]:
        """Return a table of the kinds of state."""
        def share(values: tuple[int, int]) -> str:
            if not values[1]:
                return "-"
            low, high = wilson(*values)
            return f"{100 * values[0] / values[1]:.1f} ({100 * low:.1f} to {100 * high:.1f})"

        corrects = any(kind.corrects for kind in self.kinds)
        outcomes = {"masked": "masked", **dict.fromkeys(["corrected"] * corrects, "corrected"),
                    "wrong": "silently wrong", "label": "another label",
                    "detected": "detected", "hung": "hung"}
        rows = [(kind.kind, kind.bits, len(kind.trials),
                 *((kind.number(outcome), len(kind.trials)) for outcome in outcomes))
                for kind in self.kinds]
        table = ShownTable({"state": str, "bits": count, "flips": count,
                            **{f"{name}, %": share for name in outcomes.values()}}, rows)
        return [table, "", f"95 % confidence intervals in brackets; seed {self.seed}"]


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return Wilson's confidence interval, 95 %, of a share."""
    if not trials:
        return 0.0, 1.0
    share, square = hits / trials, Z * Z
    middle = share + square / (2 * trials)
    spread = Z * ((share * (1 - share) + square / (4 * trials)) / trials) ** 0.5
    low, high = ((middle + sign * spread) / (1 + square / trials) for sign in (-1, 1))
    return max(low, 0.0) if hits else 0.0, min(high, 1.0) if hits < trials else 1.0


def faults(program: Compiled, inputs: Arrays, *, kinds: Sequence[str] | None = None,
           flips: int = 200, seed: int = 1, jobs: int | None = None,
           output: str | os.PathLike[str] | None = None,
           say: Callable[[str], Any] = lambda _: None) -> Faults:
    """Flip bits of the simulated hardware during inferences, and say what came of it.

    Of each kind of state so many bits are flipped, one in an inference, at a place and a time that
    are drawn. The hardware is the Verilog of the Program's Design, compiled by Verilator. The same
    seed gives the same flips, and the same results.

    >>> digits = numpy.load("networks/tfc_mnist.npz")["input"][:1]
    >>> program = hwgen.compile("networks/tfc_1w1a.onnx", "ice40-hx8k:binary")
    >>> hwgen.faults(program, digits, kinds=["weights"], flips=20)
    torch-jit-export on ...: 20 flips, ... silently wrong; seed 1

    ``print(found)`` shows the shares of all outcomes with their confidence intervals.

    Parameters
    ----------
    program : Compiled
        What :func:`compile` gives.
    inputs : array, or arrays by name
        One image, or several along the first axis, of which each flip has one.
    kinds : sequence of str, optional
        Kinds of state: ``weights``, ``sums``, ``registers:fetch`` and so on; ``registers`` for
        those of all parts. All where nothing is said.
    flips : int
        Of each kind.
    seed : int
    jobs : int, optional
        Simulators at once; as many as there are processors where nothing is said.
    output : str or path, optional
        A file that gets a line of JSON for each flip; what is in it already is not done again.
    say : function
        Told what happens.
    """
    check_range("flips", flips, 1, 1_000_000, "a number")
    check_range("seed", seed, 0, 2**32 - 1, "a number")
    check_range("jobs", 1 if jobs is None else jobs, 1, 1024, "a number")
    if program.design.external:
        raise UserError("external must be left out for a fault campaign: the weights of a Program "
                        "that streams are in a memory chip, in which no bits are flipped")
    images = input_images(program.network, inputs)
    say("building the simulator")
    make_board = boards(program, images)
    board = make_board()
    with board.link:
        found = campaign(board, make_board, kinds, flips, seed, output,
                         jobs or os.cpu_count() or 1, say)
        return Faults(program.network.name, program.design.name, seed,
                      len(next(iter(images.values()))), found, board.link.left_out)


def campaign(board: TrialBoard, make_board: Callable[[], TrialBoard], kinds: Sequence[str] | None,
             flips: int, seed: int, output: str | os.PathLike[str] | None, jobs: int,
             say: Callable[[str], Any]) -> list[KindOfState]:
    """Try so many flips of each kind, but for those that are known, and return them all."""
    pools = pools_of(board.program, board.link.elements, board.link.absent)
    chosen = {kind: pools[kind] for kind in chosen_kinds(pools, kinds)}
    images = len(next(iter(board.inputs.values())))
    wanted = [flip for kind, pool in chosen.items()
              for flip in flips_of(kind, pool, flips, images, seed)]
    with TrialLog(output, board.fingerprint(seed)) as log:
        pending = [flip for flip in wanted if (flip.kind, flip.index) not in log.trials]
        known = len(wanted) - len(pending)
        for done, trial in enumerate(run_trials(board, make_board, pending, jobs), known + 1):
            log.add(trial)
            say(f"{done:,} of {len(wanted):,} flips")
    return [KindOfState(kind, pool.bits, tuple(log.trials[kind, index] for index in range(flips)))
            for kind, pool in chosen.items()]


def boards(program: Compiled, images: dict[str, NDArray[np.int8]]) -> Callable[[], TrialBoard]:
    """Return what makes simulated boards of a Program's Design."""
    design = portable(program.design)
    own, (text, top) = replace(program.program, design=design), simulated_verilog(design)
    return lambda: TrialBoard(FaultLink(text, top=top), own, program.network, images)


def run_trials(first: TrialBoard, board: Callable[[], TrialBoard], flips: Sequence[Flip],
               jobs: int) -> Iterator[Trial]:
    """Try flips on several boards at once; yield what comes of them, in any order."""
    ordered = sorted(flips, key=lambda flip: (flip.image, flip.moment))
    shares = [share for job in range(jobs) if (share := ordered[job::jobs])]
    results: SimpleQueue[Trial | None] = SimpleQueue()
    stopped = Event()

    def work(own: TrialBoard, share: Sequence[Flip]) -> None:
        for trial in own.run(share):
            results.put(trial)
            if stopped.is_set():
                return

    def job(index: int, share: Sequence[Flip]) -> None:
        try:
            if index == 0:
                work(first, share)
            else:
                own = board()
                with own.link:
                    work(own, share)
        finally:
            results.put(None)

    with ThreadPoolExecutor(max(len(shares), 1)) as pool:
        jobs_running = [pool.submit(job, *each) for each in enumerate(shares)]
        try:
            for _ in shares:
                while (trial := results.get()) is not None:
                    yield trial
        finally:
            stopped.set()
        for each in jobs_running:
            each.result()
