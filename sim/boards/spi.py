"""A link to a simulated board, whose host is a master of SPI."""

import struct
import subprocess
from pathlib import Path

from hwgen.runtime.link import Link
from hwgen.tools.verilator import PROGRAM, build

__all__ = ["SpiLink"]

MAIN = Path(__file__).with_suffix(".cpp")
COUNT = struct.Struct("=I")


class SpiLink(Link):
    """A link through four wires.

    The slave has nothing to say of its own: to read, zeros are clocked, and what comes before the
    first byte that is none is idle. A reply comes without a pause, and so do its zeros.

    Parameters
    ----------
    verilog : str
        A design whose top module has the ports of :class:`hwgen.rtl.links.spi.Spi`.
    top : str
        That module.
    ratio : int
        Cycles of a bit.
    """

    name = "the simulated board at SPI"

    def __init__(self, verilog: str, *, top: str, ratio: int) -> None:
        folder, _ = build(verilog, MAIN.read_text(), top=top, optimise=1)
        self._process = subprocess.Popen([folder / PROGRAM, str(ratio)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, start_new_session=True)
        self._byte = 8 * ratio
        self._come = b""

    def write(self, data: bytes) -> None:
        self._come += self._exchange(data)

    def read(self, count: int, timeout: int) -> bytes:
        self._come = self._come.lstrip(b"\0")
        for _ in range(timeout // self._byte):
            if self._come:
                break
            self._come = self._exchange(b"\0").lstrip(b"\0")
        if self._come and len(self._come) < count:
            self._come += self._exchange(bytes(count - len(self._come)))
        data, self._come = self._come[:count], self._come[count:]
        return data

    def wait(self, cycles: int) -> None:
        self._come += self._exchange(bytes(cycles // self._byte))

    def close(self) -> None:
        process = self._process
        if process.stdin is None or process.stdout is None or process.stdin.closed:
            return
        process.stdin.close()
        process.stdout.close()
        process.wait(10)

    def _exchange(self, data: bytes) -> bytes:
        """Clock bytes, and return those that came."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(COUNT.pack(len(data)) + data)
        process.stdin.flush()
        return process.stdout.read(len(data))
