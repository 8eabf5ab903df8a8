"""Which part of a run on the simulated board is written as a waveform, and what came of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..compiler.program import Program
from ..errors import UserError, closest
from ..tools.files import check_writable
from .simulation import SimulatedLink

__all__ = ["Recorder", "Waves"]

CYCLES = 2000
"""Cycles of a waveform where nothing is said: up to 92 MB, with the largest presets."""


@dataclass(frozen=True, kw_only=True)
class Waves:
    """A waveform of the first inference of a run: from one layer to another, at most so long.

    Members
    -------
    path : Path
        The file, a VCD.
    first, last : str, optional
        The layers between which signals are recorded, both included. Without them it is the whole
        inference; with one of them, from there on or up to there.
    cycles : int
        At most so many, so that no disk is filled.
    """

    path: Path
    first: str | None = None
    last: str | None = None
    cycles: int = CYCLES

    def __post_init__(self) -> None:
        if self.cycles < 1:
            raise UserError(f"a waveform must have 1 cycle or more, not {self.cycles}")
        if self.path.suffix != ".vcd":
            raise UserError(f"a waveform must be a .vcd file, not {str(self.path)!r}")
        check_writable(self.path)

    def layers_of(self, program: Program) -> set[str]:
        """Return the layers that are recorded, each a run of its own; none for all in one run."""
        names = [part.name for part in program.layers]
        first, last = (place(names, name, other) for name, other
                       in ((self.first, 0), (self.last, len(names) - 1)))
        if first > last:
            raise UserError(f"layer {self.last!r} runs before layer {self.first!r}, so there is "
                            "nothing between them to make a waveform of")
        return set() if self.first is self.last is None else {*names[first:last + 1]}


class Recorder:
    """Lets a simulated board write the waveform while the layers run that are wanted.

    Parameters
    ----------
    link : SimulatedLink
        One that writes a waveform, and has recorded nothing yet.
    waves : Waves
        How much of it.
    wanted : set of str
        What ``Waves.layers_of`` says.

    Members
    -------
    cut : bool
        Whether the waveform ended before the layers did.
    """

    def __init__(self, link: SimulatedLink, waves: Waves, wanted: set[str]) -> None:
        self.link = link
        self.waves = waves
        self.wanted = wanted
        self.left = waves.cycles
        self.cut = False

    @property
    def cycles(self) -> int:
        """Cycles that are in the waveform."""
        return self.waves.cycles - self.left

    @contextmanager
    def during(self, layer: str | None) -> Iterator[None]:
        """Record what is done meanwhile, if the layer is wanted; None for all of them at once."""
        if self.wanted and layer not in self.wanted:
            yield
            return
        before = self.link.cycles
        self.link.record(self.left)
        yield
        self.link.record(0)
        ran = self.link.cycles - before
        self.cut |= ran > self.left
        self.left -= min(ran, self.left)


def place(names: list[str], name: str | None, other: int) -> int:
    """Return the place of a layer, or another place where none is named."""
    if name is None:
        return other
    if name not in names:
        raise UserError(f"there is no layer {name!r}{closest(name, names)}: `hwgen cycles` lists "
                        "them")
    return names.index(name)
