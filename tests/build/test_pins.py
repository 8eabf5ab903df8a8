# amaranth: UnusedElaboratable=no
"""Boards at their serial pins: the host's runtime as it is, a pseudo-terminal for the port."""

import json
import random

import pytest
from amaranth import *
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.generate.design import module
from hwgen.generate.design import verilog as verilog_of
from hwgen.network.reader import read_network
from hwgen.rtl.links.uart import Uart, bit_cycles
from hwgen.rtl.tops.catalogue import uart
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.client import Client, Silence
from hwgen.runtime.inference import load, portable, run
from hwgen.runtime.serial_port import SerialLink
from sim.boards.pins import Pins
from sim.boards.serial_line import Noise
from sim.cells import models_of_cells

from ..networks import arrays, path
from ..rtl.links.test_host import Board

DIVISOR = 4
NOISE = 100  # of a million: one bit in ten thousand
SLOW = {"baud": 20_000, "clock_mhz": 0.5}
"""What a simulated board is like: some hundred thousand cycles a second."""
RUN = ["run", str(path("kws_dscnn")), "--input", f"{path('kws_dscnn').with_suffix('.npz')}:input"]


class SerialBoard(wiring.Component):
    """The memory of tests/rtl/links/test_host.py, at a serial port."""

    rx: In(1)
    tx: Out(1)

    def __init__(self, most=0, family="generic"):
        self.options = most, family
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        m.submodules.board = board = Board()
        m.submodules.uart = port = Uart(DIVISOR, *self.options)
        m.d.comb += [port.rx.eq(self.rx), self.tx.eq(port.tx)]
        wiring.connect(m, port.o, board.rx)
        wiring.connect(m, board.tx, port.i)
        return m


@pytest.fixture(scope="module")
def board():
    return verilog.convert(SerialBoard(), name="top", emit_src=False, strip_internal_attrs=True)


@pytest.mark.parametrize("flips", [0, NOISE, 10 * NOISE])
def test_memory_at_a_serial_port(board, flips):
    """What is written is what is read, whatever the wire does to one bit in a thousand."""
    draw = random.Random(flips)
    memory = {}
    with (Pins(board, top="top", divisor=DIVISOR, noise=Noise(flips)) as pins,
          SerialLink(pins.port, **SLOW) as link):
        client = Client(link, attempts=20)
        for _ in range(30):
            address, size = draw.randrange(200), draw.randrange(1, 50)
            data = draw.randbytes(size)
            client.write(address, data)
            memory |= {address + i: byte for i, byte in enumerate(data)}
            address = draw.choice(sorted(memory))
            assert client.read(address, 1)[0] == memory[address]
        for address, byte in memory.items():
            assert client.read(address, 1)[0] == byte
    assert bool(client.retries) == bool(flips)


def test_nobody_answers(board):
    """The wrong baud rate: everything is noise to the other end."""
    with (Pins(board, top="top", divisor=7) as pins, SerialLink(pins.port, **SLOW) as link,
          pytest.raises(Silence, match="the board at /dev/.* does not answer")):
        Client(link).read(0, 4)


@pytest.mark.parametrize("port", ["/dev/null", "/nowhere", ""])
def test_port_wrong(port):
    with pytest.raises(UserError, match=r"^port .* cannot be opened at 1000000 baud: "):
        SerialLink(port, clock_mhz=25)


@pytest.mark.slow
def test_run_command(capsys, tmp_path):
    """`hwgen run` on a board with its vendor's cells, as `hwgen generate` makes it."""
    design = Design.load("icebreaker")
    folder = tmp_path / "made"
    assert main(["generate", "--design", "icebreaker", "--top", "uart", "--clock", "4",
                 "-o", str(folder)]) == 0
    text = (folder / "serial_accelerator.v").read_text()
    with Pins(text, top=module(design, uart(DIVISOR)), divisor=DIVISOR,
              extra_sources=models_of_cells(text, "ice40", tmp_path)) as pins:
        command = [*RUN, "--board", "icebreaker", "--port", pins.port, "--baud", "20000", "--json"]
        capsys.readouterr()
        assert main(command) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["board"] == "icebreaker" and facts["equal"]
    assert facts["cycles"] == facts["predicted_cycles"]


@pytest.mark.parametrize("words, message", [
    (["--board", "icebreaker"], "--board icebreaker needs its serial port: --port"),
    (["--port", "/dev/ttyUSB0"], "--board sim has no --port"),
    (["--board", "icebreaker", "--port", "/nowhere"], "port /nowhere cannot be opened at 1000000"),
])
def test_port_missing(words, message, capsys):
    assert main([*RUN, *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("clock, rate, cycles", [
    (25, 1_000_000, 25), (12, 1_000_000, 12), (27, 1_000_000, 27), (110, 115_200, 955)])
def test_cycles_of_a_bit(clock, rate, cycles):
    assert bit_cycles(clock, rate) == cycles


@pytest.mark.parametrize("clock, rate, nearest", [(12, 5_000_000, 3_000_000),
                                                  (25, 5_500_000, 5_000_000)])
def test_no_such_baud(clock, rate, nearest):
    with pytest.raises(UserError, match=f"^baud must be .*; the nearest is {nearest}$"):
        bit_cycles(clock, rate)


def test_array_without_a_host(capsys):
    assert main(["generate", "--top", "uart"]) == 2
    assert "--top uart: an array alone has no host" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("flips", [0, NOISE])
@pytest.mark.parametrize("preset", ["icebreaker", "ulx3s-85f"])
def test_keywords_at_the_pins(preset, flips):
    """A whole network through two wires, every layer as the golden model has it."""
    network = read_network(path("kws_dscnn"))
    program = compile_network(network, portable(Design.load(preset)))
    text = verilog_of(program.design, uart(DIVISOR))
    inputs = arrays("kws_dscnn")["input"]
    top = module(program.design, uart(DIVISOR))
    with (Pins(text, top=top, divisor=DIVISOR, noise=Noise(flips)) as pins,
          SerialLink(pins.port, **SLOW) as link):
        accelerator = RemoteAccelerator(link, attempts=20)
        accelerator.identify(program.design.fingerprint)
        load(accelerator, program)
        for image in inputs[:2]:
            result = run(accelerator, program, network, {network.inputs[0]: image[None]},
                         check=True)
            assert result.equal and result.cycles == result.predicted_cycles
    assert bool(accelerator.client.retries) == bool(flips)
