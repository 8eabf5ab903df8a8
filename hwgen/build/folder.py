"""Build a Design, and what a network needs of it, into a folder: everything or nothing."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..arch.boards import FASTEST, Board
from ..arch.boards import board as board_of
from ..arch.design import Design
from ..arch.frames import HIGHEST_BAUD, LOWEST_BAUD
from ..errors import UserError, check_range
from ..measure.place_and_route import LARGEST_SEED
from ..runtime.compiled import Compiled
from ..tools.files import filling
from . import bitstream
from .embedded import NOTHING, Embedded
from .record import Record

__all__ = ["build"]

PROGRAM = "network.program"
"""Name of the file of the Program."""


def build(what: Compiled | Design | str | os.PathLike[str], board: Board | str,
          folder: str | os.PathLike[str] | None = None, *, embed: bool = False,
          clock: float | None = None, seeds: Sequence[int] = (1, 2, 3), baud: int = 1_000_000,
          insist: bool = False, say: Callable[[str], Any] = lambda _: None) -> Record:
    """Build a bitstream with a serial port, at the highest clock that is met. Takes minutes.

    >>> program = hwgen.compile("networks/kws_dscnn.tflite", "icebreaker")
    >>> record = hwgen.build(program, "icebreaker", "bitstream", clock=12)
    >>> record.bitstream, record.clock_mhz
    ('accelerator.bin', 12.0)
    >>> sorted(path.name for path in pathlib.Path("bitstream").iterdir())
    ['accelerator.bin', 'build.json', 'design.toml', 'network.program', 'nextpnr.log', ...]

    ``print(record)`` shows what it takes of the chip, and what limits the clock.

    Parameters
    ----------
    what : Compiled, Design, str or path
        What :func:`compile` gives, whose Program is written, too; or a Design, the name of a
        preset, or a TOML file.
    board : Board or str
    folder : str or path, optional
        Without, build/NAME of the board.
    embed : bool
        Whether the board has the Program when it wakes up, without a host that loads it.
    clock : float, optional
        MHz that are enough; without, the highest that are met.
    seeds : sequence of int
        Of the placer, side by side: the first that meets the clock is taken, or else the fastest.
    baud : int
        Bits a second of the serial port.
    insist : bool
        Whether the router goes on until the clock is met: ECP5 only, and within an hour.
    say : function
        Told what happens.
    """
    at = board_of(board)
    compiled = what if isinstance(what, Compiled) else None
    design = what.design if isinstance(what, Compiled) else \
        what if isinstance(what, Design) else Design.load(os.fspath(what))
    check(clock, seeds, baud)
    bitstream.check(design, at, clock, insist)
    if embed and compiled is None:
        raise UserError("--embed needs a MODEL: which network shall the bitstream have?")
    embedded = Embedded.of(compiled.program, at) if embed and compiled else NOTHING
    facts = {"name": compiled.network.name, "program": PROGRAM, "cycles": compiled.cycles,
             "embedded": embed} if compiled else None
    with filling(Path(folder or Path("build") / at.name)) as scratch:
        record = bitstream.build(design, at, scratch, clock_mhz=clock, seeds=seeds, baud=baud,
                                 insist=insist, network=facts, embedded=embedded, say=say)
        if compiled is not None:
            compiled.program.save(scratch / PROGRAM)
    say("")
    return record


def check(clock: float | None, seeds: Sequence[int], baud: int) -> None:
    """Refuse numbers that the tools do not take."""
    if clock is not None:
        check_range("--clock", clock, 1, FASTEST, "MHz")
    check_range("--baud", baud, LOWEST_BAUD, HIGHEST_BAUD, "bits a second")
    if not seeds:
        raise UserError("--seeds needs one at least")
    for seed in seeds:
        check_range("--seeds", seed, 0, LARGEST_SEED, "integers")
