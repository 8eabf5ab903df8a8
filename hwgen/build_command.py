"""What `hwgen build` does, from options to what it prints."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .boards import BOARDS, Board, board
from .build.bitstream import build
from .build.record import Record
from .compiler.compile import compile_network
from .cost.efficiency import Work
from .design import Design
from .errors import UserError
from .files import filling
from .network.graph import Network
from .runtime.predictions import predictions
from .table import table

__all__ = ["board_for", "build_bitstream"]


def board_for(options: argparse.Namespace) -> Board:
    """Return the board that is asked for, or that of the Design's preset."""
    if options.board is None and options.design not in BOARDS:
        raise UserError("--board is missing: which of them shall it run on? There are "
                        f"{', '.join(BOARDS)}")
    return board(options.board or options.design)


def build_bitstream(options: argparse.Namespace, design: Design, network: Network | None,
                    say: Callable[[str], Any]) -> tuple[int, dict[str, Any], str]:
    """Build a bitstream; return exit code, facts, and text."""
    found = board_for(options)
    folder = Path(options.output or Path("build") / found.name)
    cycles = 0
    program = None
    if network is not None:
        program = compile_network(network, design)
        cycles = sum(predictions(network, program), Work()).cycles
    with filling(folder) as scratch:
        facts = None if network is None else {
            "name": network.name, "program": "network.program", "cycles": cycles}
        record = build(design, found, scratch, clock_mhz=options.clock, seeds=options.seeds,
                       baud=options.baud, insist=options.insist, network=facts, say=say)
        if program is not None:
            program.save(scratch / "network.program")
    say("")
    return 0, {**record.to_dict(), "folder": str(folder)}, text_of(record, found, folder)


def text_of(record: Record, found: Board, folder: Path) -> str:
    """Return what a reader wants to know first."""
    used = record.used
    there = {"luts": found.luts, "dsps": found.multipliers, "block_rams": found.block_rams}
    cells = [f"{used[name]} of {there[name]}" for name in ("luts", "dsps", "block_rams")]
    lines = [
        f"Design {record.design.name} on {found.title}",
        table(["LUT", "DSP", "block RAM", "FF", "clock", "Fmax", "tools"],
              [[*cells, used["registers"], f"{record.clock_mhz:.2f} MHz",
                f"{record.fmax_mhz:.2f} MHz", f"{sum(record.seconds.values()):.0f} s"]]),
        "limited by:", *(f"  {step}" for step in record.path)]
    if record.network:
        cycles = record.network["cycles"]
        lines.append(f"{record.network['name']}: {cycles:,} cycles predicted, "
                     f"{cycles / record.clock_mhz / 1000:.2f} ms")
    bitstream = folder / record.bitstream
    lines.append(f"{bitstream}: {found.programmer.format(bitstream=bitstream)}"
                 if found.programmer else str(bitstream))
    return "\n".join(lines)
