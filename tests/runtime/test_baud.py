"""A board that speaks another rate than the host thinks is found."""

import os
import pty
import termios
import threading
import tty
from contextlib import contextmanager

import pytest

from hwgen.runtime.accelerator import IDENTITY, RemoteAccelerator
from hwgen.runtime.baud import settle
from hwgen.runtime.client import Silence
from hwgen.runtime.serial_port import SerialLink

from .fake_accelerator import FakeAccelerator


@contextmanager
def board(*rates):
    """Yield the port of a board that understands what is sent at one of ``rates``."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    fake = FakeAccelerator()
    speeds = [getattr(termios, f"B{rate}") for rate in rates]

    def serve():
        while True:
            try:
                data = os.read(master, 4096)
            except OSError:
                return
            # At another rate bits are taken for others.
            understood = termios.tcgetattr(master)[5] in speeds
            os.write(master, fake.host.receive(data) if understood else data[:3])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        thread.join(10)  # before its file's number becomes that of another test's board
        os.close(master)


@pytest.mark.parametrize("rate", [1_000_000, 500_000, 1_500_000])
def test_found(rate):
    pytest.importorskip("serial")
    said = []
    with board(rate) as port, SerialLink(port, clock_mhz=50) as link:
        settle(link, said.append)
        assert link.baud == rate
        accelerator = RemoteAccelerator(link)
        assert accelerator.identify() and accelerator.read_register(0) == IDENTITY
    assert said == ([] if rate == 1_000_000 else
                    [f"the board answers at {rate} baud, not at 1000000"])


def test_nobody():
    pytest.importorskip("serial")
    with board() as port, pytest.raises(Silence, match="neither at 57600 baud nor at 115200, 2304"):
        settle(SerialLink(port, baud=57_600, clock_mhz=50))
