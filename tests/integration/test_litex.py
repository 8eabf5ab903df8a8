"""The LiteX example: elaborated by LiteX, and reached through its serial port in simulation."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hwgen
from hwgen.arch.address_map import BusWindow
from hwgen.arch.registers import GO, IDENTITY, Register, Space
from hwgen.rtl.tops.catalogue import WISHBONE
from hwgen.tools.find import compiler, verilator
from sim.boards.pins import Pins

from ..rtl.tops.top_designs import DESIGNS

EXAMPLE = Path(__file__).parents[2] / "examples" / "litex_soc.py"
ORIGIN = 0x3000_0000
DIVISOR = round(25e6 / 115200)
WRITE, READ = 1, 2
"""Commands of LiteX's bridge from a serial port to its bus."""

AROUND = """
module top(input clk, input rx, output tx);
  litex_soc system(.clk25(clk), .serial_rx(rx), .serial_tx(tx));
endmodule
"""


class Bridge:
    """LiteX's bridge, at a serial port."""

    def __init__(self, port):
        self.port = port

    def write(self, address, *words):
        """Write words."""
        self.port.write(self.head(WRITE, address, len(words))
                        + b"".join(word.to_bytes(4, "big") for word in words))

    def read(self, address, count=1):
        """Return words."""
        self.port.write(self.head(READ, address, count))
        data = self.port.read(4 * count)
        assert len(data) == 4 * count, "the system does not answer"
        return [int.from_bytes(data[at:at + 4], "big") for at in range(0, len(data), 4)]

    def head(self, command, address, count):
        """Return what a request begins with."""
        return bytes([command, count]) + (ORIGIN + address >> 2).to_bytes(4, "big")


@pytest.mark.slow
@pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
def test_example(tmp_path, monkeypatch):
    pytest.importorskip("litex")
    serial = pytest.importorskip("serial")
    monkeypatch.chdir(tmp_path)
    design = DESIGNS["compact"]
    hwgen.write(design, tmp_path / "accelerator", WISHBONE)
    run = subprocess.run([sys.executable, EXAMPLE, "accelerator"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    window = BusWindow.of(design)
    with (Pins((tmp_path / "litex_soc.v").read_text() + AROUND, top="top", divisor=DIVISOR,
               reset=False, extra_sources=[tmp_path / "accelerator" / f"{WISHBONE.module}.v"])
          as pins, serial.Serial(pins.port, timeout=60) as port):
        bridge = Bridge(port)
        time.sleep(0.2)
        assert bridge.read(Register.IDENTITY) == [IDENTITY]
        assert bridge.read(Register.FINGERPRINT) == [design.fingerprint]
        place = window.base(Space.ACTIVATIONS)
        words = [random.getrandbits(32) for _ in range(design.activation_memory // 4)]
        bridge.write(place, *words)
        assert bridge.read(place, len(words)) == words
        bridge.write(Register.COUNT, 1)
        bridge.write(Register.CONTROL, GO)
        assert bridge.read(Register.STATUS) == [0x102]  # no program, and the interrupt
