"""A board in simulation down to its pins, behind a pseudo-terminal, where a host finds its port."""

import os
import pty
import subprocess
import tty
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hwgen.tools.verilator import PROGRAM, build

from .serial_line import QUIET, Noise, main

__all__ = ["Pins"]

MAIN = Path(__file__).with_suffix(".cpp")


class Pins:
    """A simulated board at a serial port; a context manager, which switches it off.

    Parameters
    ----------
    verilog : str
        A design whose top module has ``clk``, ``rx``, ``tx`` and, unless it resets itself, ``rst``.
    top : str
        That module.
    divisor : int
        Cycles of a bit.
    noise : Noise
    extra_sources : sequence of Path
        More Verilog files, such as models of vendor cells.
    reset : bool
        Whether the top module has ``rst``.

    Members
    -------
    port : str
        The port on the host.
    """

    def __init__(self, verilog: str, *, top: str, divisor: int, noise: Noise = QUIET,
                 extra_sources: Sequence[Path] = (), reset: bool = True) -> None:
        folder, _ = build(verilog, main(MAIN, reset=reset), top=top, optimise=1,
                          extra_sources=extra_sources)
        board, host = pty.openpty()
        tty.setraw(host)
        self.port = os.ttyname(host)
        # The port stays open here: else the board sees its end whenever no host has it open.
        self._host = host
        self._process = subprocess.Popen(
            [folder / PROGRAM, str(board), str(divisor), *noise.words()],
            stdin=subprocess.PIPE, pass_fds=[board], start_new_session=True)
        os.close(board)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._host)
