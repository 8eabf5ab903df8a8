"""The options of a waveform of the simulated board, and what is said of it."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..runtime.waves import CYCLES, Recorder, Waves
from ..text import printable
from .parsing import integer

__all__ = ["add_waves", "chosen_waves", "waves_facts", "waves_line"]


def add_waves(command: argparse.ArgumentParser) -> None:
    """Add the options of a waveform."""
    command.add_argument("--waves", metavar="FILE",
                         help="write the signals of the simulated board, while it computes the "
                         "first input, to this .vcd file, for GTKWave or Surfer")
    command.add_argument("--waves-from", metavar="LAYER",
                         help="leave out of it what is before this layer (default: the first)")
    command.add_argument("--waves-to", metavar="LAYER",
                         help="leave out of it what is behind this layer (default: the last)")
    command.add_argument("--waves-cycles", metavar="N", type=integer,
                         help=f"end it after so many cycles (default: {CYCLES})")


def chosen_waves(options: argparse.Namespace) -> Waves | None:
    """Return which waveform the options want."""
    if options.waves is None:
        for option in ("waves_from", "waves_to", "waves_cycles"):
            if getattr(options, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} needs a file for the waveform: "
                                "--waves run.vcd")
        return None
    if options.board != "sim":
        raise UserError("--waves is of the simulated board; leave out --board and --build, or "
                        "--waves")
    cycles = CYCLES if options.waves_cycles is None else options.waves_cycles
    return Waves(path=Path(options.waves), first=options.waves_from, last=options.waves_to,
                 cycles=cycles)


def waves_facts(recorder: Recorder) -> dict[str, Any]:
    """Return what --json says of a waveform."""
    return {"file": str(recorder.waves.path), "bytes": recorder.waves.path.stat().st_size,
            "cycles": recorder.cycles, "cut": recorder.cut}


def waves_line(recorder: Recorder) -> str:
    """Return the sentence that says where a waveform is, and how to look at it."""
    path = recorder.waves.path
    cut = ", and not more (--waves-cycles)" if recorder.cut else ""
    return printable(f"{path}: a waveform of {recorder.cycles:,} cycles{cut}, "
                     f"{path.stat().st_size:,} bytes; `gtkwave {path}` or https://app.surfer-project"
                     ".org shows it")
