"""A link to a board at a serial port."""

import time

from ..arch.frames import WIRE_BITS
from ..errors import UserError
from ..tools.find import pip_command
from .link import Link

__all__ = ["SerialLink"]

SLACK = 0.1
"""Seconds that USB and the host's own scheduling may take for a byte."""


class SerialLink(Link):
    """A link to an accelerator at the other end of a serial port.

    Parameters
    ----------
    port : str
        What the system calls it: ``/dev/ttyUSB0``, ``COM3``.
    baud : int
        Bits a second.
    clock_mhz : float
        The accelerator's clock.
    """

    def __init__(self, port: str, *, baud: int = 1_000_000, clock_mhz: float) -> None:
        try:
            import serial
        except ImportError:
            raise UserError("A board at a serial port needs pyserial; "
                            f"`{pip_command('board')}` brings it") from None
        self.name = f"the board at {port}"
        self._seconds = 1e-6 / clock_mhz
        self._baud = baud
        self._sent = 0.0  # when the last byte that was written will have left
        self._error: type[Exception] = serial.SerialException
        try:
            self._port = serial.Serial(port, baud, timeout=0, exclusive=True)
        except (serial.SerialException, ValueError, OSError) as error:
            raise UserError(f"port {port} cannot be opened at {baud} baud: {error}; it must be the "
                            "serial port of a board, and no other program may use it") from error

    @property
    def baud(self) -> int:
        """Bits a second."""
        return self._baud

    @baud.setter
    def baud(self, value: int) -> None:
        if value != self._baud:
            self._port.baudrate = self._baud = value

    def write(self, data: bytes) -> None:
        self._port.timeout = None
        try:
            self._port.write(data)
        except self._error as error:
            raise self._link_error(error) from error
        self._sent = max(self._sent, time.monotonic()) + len(data) * WIRE_BITS / self._baud

    def read(self, count: int, timeout: int) -> bytes:
        patience = timeout * self._seconds + SLACK
        data = bytearray()
        moved = max(self._sent, time.monotonic())
        while len(data) < count:
            self._port.timeout = max(moved + patience - time.monotonic(), 0)
            try:
                came = self._port.read(max(1, min(count - len(data), self._port.in_waiting)))
            except self._error as error:
                raise self._link_error(error) from error
            if not came and time.monotonic() >= moved + patience:
                break
            data += came
            if came:
                moved = max(moved, time.monotonic())
        return bytes(data)

    def wait(self, cycles: int) -> None:
        time.sleep(max(self._sent - time.monotonic(), 0) + cycles * self._seconds)

    def close(self) -> None:
        self._port.close()

    def _link_error(self, error: Exception) -> UserError:
        return UserError(f"{self.name} is gone: {error}; is it still plugged in?")
