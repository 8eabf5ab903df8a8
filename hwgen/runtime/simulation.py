"""A link to a simulated board: the Verilog that is generated, compiled into a program."""

import struct
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import UserError
from ..tools import verilator
from ..tools.find import outside_cause
from ..tools.verilator import PROGRAM
from .link import Link

__all__ = ["SimulatedLink", "SimulationError"]

MAIN = Path(__file__).with_suffix(".cpp")
REQUEST = struct.Struct("=QII")
ANSWER = struct.Struct("=QII")
EXACTLY = 2**32 - 1
RECORD = 2**32 - 3
ALWAYS = 2**64 - 1

# Nothing here is undefined, and nothing is asserted.
SWITCHES = ["-O3", "--x-assign", "fast", "--no-assert"]


class SimulationError(RuntimeError):
    """The simulator ended when it should not."""


class SimulatorKilled(SimulationError, UserError):
    """The simulator was ended from elsewhere."""


class SimulatedLink(Link):
    """A link to Verilog whose top module has ``clk``, ``rst``, and the byte streams ``rx``, ``tx``.

    If it has ``host_clk`` and ``host_rst`` too, those are the streams'.

    The clock runs only while there is something to send or to wait for, and then as fast as it can.
    So a run takes the same cycles whenever it is done, however fast the host is.

    Parameters
    ----------
    verilog : str
        Text of the design.
    top : str
        Its top module.
    waves : Path, optional
        Where to write a waveform, 1 to 50 KB a cycle; a simulator that can is another one, and
        slower.
    recorded : int
        How many cycles it has of the beginning; :meth:`record` adds others.
    optimise : int
        See :func:`hwgen.tools.verilator.build`.
    extra_sources : sequence of Path
        More Verilog files, such as models of vendor cells.
    main, arguments : str, sequence of str
        The program around the model, and what it is started with: one that speaks with the design
        through other ports than the two streams.
    switches : sequence of str
        More switches of Verilator's.
    table : function, optional
        See :func:`hwgen.tools.verilator.build`.

    Members
    -------
    cached : bool
        Whether there was a simulator for this Verilog.
    cycles : int
        Cycles so far.
    """

    name = "the simulated board"
    ahead = 1 << 20

    def __init__(self, verilog: str, *, top: str = "top", waves: Path | None = None,
                 recorded: int = ALWAYS, optimise: int = 1, extra_sources: Sequence[Path] = (),
                 main: str | None = None, arguments: Sequence[str] = (),
                 switches: Sequence[str] = (),
                 table: Callable[[str], str] | None = None) -> None:
        self.cycles = 0
        self._pending = bytearray()
        self._received = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        folder, self.cached = verilator.build(
            verilog, main or MAIN.read_text(), top=top, waves=waves is not None, optimise=optimise,
            switches=[*SWITCHES, *switches], extra_sources=extra_sources, table=table)
        words = [str(folder / PROGRAM), *arguments,
                 *([str(Path(waves).absolute()), str(recorded)] if waves else [])]
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._log,
                                         start_new_session=True)  # Ctrl-C is for us alone

    def write(self, data: bytes) -> None:
        self._pending += data

    def read(self, count: int, timeout: int) -> bytes:
        missing = count - len(self._received)
        if missing > 0:
            self._run(min(missing, EXACTLY - 1), timeout)
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    def wait(self, cycles: int) -> None:
        if cycles > 0:
            self._run(EXACTLY, cycles)

    def record(self, cycles: int) -> None:
        """Let the next cycles be in the waveform, where there is one; those after them are not."""
        self._request(cycles, b"", RECORD)

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        with suppress(BrokenPipeError):
            process.stdin.close()  # upon which the simulator ends
        process.stdout.close()
        exit_code(process)
        self._log.close()

    def _run(self, want: int, cycles: int) -> None:
        """Let the clock run until ``want`` bytes have come, and keep them."""
        data = bytes(self._pending)
        self._pending.clear()
        self._received += self._request(cycles, data, want)

    def _request(self, cycles: int, data: bytes, want: int) -> bytes:
        """Send a request, and return what comes with the answer."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise SimulationError("The simulator is closed")
        try:
            process.stdin.write(REQUEST.pack(cycles, len(data), want) + data)
            process.stdin.flush()
        except BrokenPipeError:
            raise self._end_error(process) from None
        answer = process.stdout.read(ANSWER.size)
        if len(answer) < ANSWER.size:
            raise self._end_error(process)
        ran, count, _ = ANSWER.unpack(answer)
        received = process.stdout.read(count)
        if len(received) < count:
            raise self._end_error(process)
        self.cycles += ran
        return received

    def _end_error(self, process: subprocess.Popen[bytes]) -> SimulationError:
        """Return what to raise when the simulator has gone."""
        code = exit_code(process)
        if outside_cause(code):
            return SimulatorKilled(f"the simulator {outside_cause(code)}; run the command again")
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()[-20:]
        return SimulationError("\n".join([f"The simulator ended with {code}:", *lines]))


def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Return the code of a process that ends by itself; if it does not, it is ended."""
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
