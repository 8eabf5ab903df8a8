"""A system of a master and an accelerator at Wishbone, in simulation."""

import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from hwgen.tools.verilator import PROGRAM, build

__all__ = ["BusError", "System", "simulator"]

MAIN = Path(__file__).with_suffix(".cpp")
COMMAND = struct.Struct("=III")
ANSWER = struct.Struct("=II")
READ, WRITE, WAIT = range(3)


class BusError(Exception):
    """The bus answered with an error."""


def simulator(verilog: str, top: str) -> Path:
    """Return the program that simulates the Verilog of a Wishbone top level."""
    folder, _ = build(verilog, MAIN.read_text(), top=top, optimise=1)
    return folder / PROGRAM


class System:
    """A simulated system, with Python as its master; a context manager, which switches it off.

    Parameters
    ----------
    program : Path
        See :func:`simulator`.
    """

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         start_new_session=True)

    def read(self, address: int) -> int:
        """Return a word of the window."""
        return self._do(READ, address, 0)

    def write(self, address: int, value: int) -> None:
        """Write a word of the window."""
        self._do(WRITE, address, value)

    def wait(self, cycles: int) -> bool:
        """Let the clock run until the interrupt is there, or for so long; return whether it is."""
        return bool(self._do(WAIT, 0, cycles))

    def _do(self, kind: int, address: int, value: int) -> int:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(COMMAND.pack(kind, address, value))
        process.stdin.flush()
        error, word = ANSWER.unpack(process.stdout.read(ANSWER.size))
        if error:
            raise BusError(f"an error at 0x{address:x}")
        return int(word)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
