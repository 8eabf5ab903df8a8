# amaranth: UnusedElaboratable=no
"""Bitstreams by the true tools, and what is in them at its pins."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

import sim
from hwgen.arch.boards import BOARDS, board
from hwgen.arch.design import Design
from hwgen.build import bitstream
from hwgen.build.bitstream import build
from hwgen.cli import main
from hwgen.errors import UserError
from hwgen.generate.conversion import to_verilog
from hwgen.rtl.links.uart import Uart
from hwgen.rtl.primitives.library import Library
from hwgen.rtl.primitives.plls import settings
from hwgen.rtl.tops.board import BoardTop
from sim.boards.pins import Pins
from sim.cells import models_of_cells

from ..compiler.test_levels import NETWORKS
from ..fake_tools import FakeTools
from ..rtl.tops.test_board_top import SMALL
from .test_build import INPUT, KEYWORDS, run_build

pytest.importorskip("amaranth_boards")

DIGITS = f"{NETWORKS}/tfc_1w1a.onnx"


@pytest.mark.slow
def test_keywords_on_what_was_built(tmp_path, monkeypatch):
    """The Verilog beside a bitstream, at its pins, with the command that users give."""
    FakeTools(tmp_path / "tools", monkeypatch)
    folder, record = run_build(tmp_path, KEYWORDS, "--board", "icebreaker", "--clock", "12",
                               "--baud", "3000000")
    assert record.bit_cycles == 4
    # A simulated board is slow, so the host's patience must be that of a slow clock.
    facts = json.loads((folder / "build.json").read_text()) | {"baud": 20_000, "clock_mhz": 0.5}
    (folder / "build.json").write_text(json.dumps(facts))
    monkeypatch.undo()
    text = (folder / "top.v").read_text()
    with Pins(text, top="top", divisor=record.bit_cycles, reset=False,
              extra_sources=models_of_cells(text, "ice40", tmp_path)) as pins:
        assert main(["run", KEYWORDS, "--input", INPUT, "--build", str(folder), "--check",
                     "--port", pins.port]) == 0


BOARD = """
module board(input clk, rx, output tx);
  wire select_n, clock, command, answer, protect_n, hold_n;
  top top(.clk, .rx, .tx, .flash_select_n(select_n), .flash_clock(clock), .flash_command(command),
          .flash_answer(answer), .flash_protect_n(protect_n), .flash_hold_n(hold_n));
  spi_flash #(.BYTES({bytes}), .OFFSET('h100000), .FILE("{file}")) flash(
      .select_n, .clock, .command, .answer(answer));
endmodule
"""


@pytest.mark.slow
def test_digits_from_the_flash(tmp_path, monkeypatch, capsys):
    """A board that gets its network from the memory beside it, before any host is there."""
    FakeTools(tmp_path / "tools", monkeypatch)
    folder, record = run_build(tmp_path, DIGITS, "--board", "icebreaker", "--design",
                               "icebreaker:serial", "--rounding", "single", "--clock", "12",
                               "--baud", "3000000", "--embed")
    # The host must be patient: it may come while the board still reads its flash memory.
    facts = json.loads((folder / "build.json").read_text()) | {"baud": 20_000, "clock_mhz": 0.05}
    (folder / "build.json").write_text(json.dumps(facts))
    monkeypatch.undo()
    frames = (folder / "frames.bin").read_bytes()
    (tmp_path / "frames.hex").write_text(frames.hex("\n"))
    text = (folder / "top.v").read_text()
    wires = BOARD.replace("{bytes}", str(len(frames))).replace(
        "{file}", str(tmp_path / "frames.hex"))
    models = [*models_of_cells(text, "ice40", tmp_path),
              Path(sim.__file__).parent / "boards" / "spi_flash.v"]
    digit = tmp_path / "digit.npy"
    np.save(digit, np.load(f"{NETWORKS}/tfc_mnist.npz")["input"][:1])
    capsys.readouterr()
    with Pins(text + wires, top="board", divisor=record.bit_cycles, reset=False,
              extra_sources=models) as pins:
        assert main(["run", DIGITS, "--input", str(digit), "--build", str(folder), "--check",
                     "--port", pins.port]) == 0
    assert "the board had the Program before the host came" in capsys.readouterr().out


class Echo(wiring.Component):
    """Sends back what comes: small enough for every chip."""

    rx: In(1)
    tx: Out(1)

    def __init__(self, divisor, most, family):
        self.uart = Uart(divisor, most, family)
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.uart = uart = self.uart
        m.d.comb += [uart.rx.eq(self.rx), self.tx.eq(uart.tx)]
        wiring.connect(m, uart.o, uart.i)
        return m


def verilog_of_echo(board, setting, divisor, most):
    """Return the Verilog of a board's top level."""
    top = BoardTop(Echo(divisor, most, board.family), setting)
    return to_verilog(Library().convert(top, "top"))


def tiny(folder, name):
    """Write a small Design for a board, and return the name of its file."""
    design = Design(**SMALL, family=board(name).family, device=board(name).device)
    (folder / "tiny.toml").write_text(design.to_toml())
    return str(folder / "tiny.toml")


@pytest.fixture
def echo(monkeypatch):
    """What is built instead of accelerators."""
    monkeypatch.setattr(bitstream, "source", lambda design, board, setting, divisor, most, *_: (
        verilog_of_echo(board, setting, divisor, most)))


@pytest.mark.synth
@pytest.mark.parametrize("name", BOARDS)
def test_bitstream(name, echo, tmp_path):
    """The true tools; nextpnr finds the clock that was asked of the PLL."""
    found = board(name)
    folder, record = run_build(tmp_path, "--board", name, "--design", tiny(tmp_path, name),
                               "--clock", "40", "--seeds", "1", "2")
    assert (folder / record.bitstream).stat().st_size > 30_000
    assert 12 < record.clock_mhz <= min(record.fmax_mhz, 40)
    log = (folder / "nextpnr.log").read_text()
    derived = [float(mhz) for mhz in re.findall(r"Derived frequency constraint of ([\d.]+)", log)]
    # The tool for Gowin knows nothing of its PLLs.
    expected = [] if found.family == "gowin" else [pytest.approx(record.clock_mhz, abs=0.06)]
    assert derived[-1:] == expected
    assert 30 < record.used["luts"] < 200 and 40 < record.used["registers"] < 100


@pytest.mark.synth
@pytest.mark.parametrize("name", ["ulx3s-85f", "icebreaker", "tang-nano-9k"])
def test_bitstream_of_a_lower_clock(name, echo, tmp_path):
    """A clock that is out of reach, and so that which the placement meets."""
    folder, record = run_build(tmp_path, "--board", name, "--design", tiny(tmp_path, name),
                               "--clock", "270", "--seeds", "1", "2")
    assert (folder / record.bitstream).stat().st_size > 30_000
    [first, second] = record.attempts
    assert record.fmax_mhz == max(first["fmax_mhz"], second["fmax_mhz"]) < first["clock_mhz"]
    assert 0.9 * record.fmax_mhz < record.clock_mhz <= record.fmax_mhz
    found = board(name)
    known = {float(each.mhz): each for each in settings(found.pll, found.clock_mhz)}
    assert (folder / "top.v").read_text() == verilog_of_echo(
        found, known[record.clock_mhz], record.bit_cycles,
        0 if record.host_mhz else round(first["clock_mhz"] * 1e6 / record.baud))


@pytest.mark.synth
def test_accelerator(tmp_path):
    """A whole accelerator, the smallest, with the true tools."""
    (tmp_path / "tiny.toml").write_text(
        Design(**SMALL, family="ecp5", device="LFE5U-25F").to_toml())
    folder, record = run_build(tmp_path, "--board", "orangecrab-25f", "--clock", "60",
                               "--design", str(tmp_path / "tiny.toml"))
    assert (folder / record.bitstream).stat().st_size > 100_000
    assert 59 < record.clock_mhz <= record.fmax_mhz and record.used["dsps"] == 16


@pytest.mark.synth
@pytest.mark.parametrize("name", ["orangecrab-25f", "tang-nano-9k"])
def test_too_large(name, tmp_path, capsys):
    """The true tools count as the stand-ins do, and the build ends there."""
    found = board(name)
    design = Design(**SMALL | {"program_memory": 1 << 18}, family=found.family, device=found.device)
    (tmp_path / "large.toml").write_text(design.to_toml())
    assert main(["build", "--board", name, "--design", str(tmp_path / "large.toml"),
                 "-o", str(tmp_path / "out")]) == 2
    assert re.search(rf"does not fit {found.title}: .*it takes \d+ block RAMs and the chip has "
                     rf"{found.block_rams}, \d+ too few", capsys.readouterr().err)


@pytest.mark.parametrize("fields, at, message", [
    ({}, "orangecrab-85f", ("external must be left out on orangecrab-85f, whose file tells of no "
                           "memory chip, not 'IS42S16160'")),
    ({"external": "W9825G6@110"}, "ulx3s-85f",
     "external must be IS42S16160, the memory chip of ulx3s-85f, not 'W9825G6'"),
    ({"external": "IS42S16160@110.3"}, "ulx3s-85f", ("external must have a clock that ulx3s-85f "
     "makes of its crystal's, such as IS42S16160@110, not 110.3 MHz")),
])
def test_other_memory_chip(fields, at, message, tmp_path):
    """Before anything is synthesised."""
    design = Design.load("ulx3s-85f:stream").replace(**fields)
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        build(design, board(at), tmp_path)


def test_memory_chip_of_another_clock(tmp_path):
    with pytest.raises(UserError, match="^--clock must be 110, as external says, not 100$"):
        build(Design.load("ulx3s-85f:stream"), board("ulx3s-85f"), tmp_path, clock_mhz=100)
