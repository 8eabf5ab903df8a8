# amaranth: UnusedElaboratable=no
import pytest
from amaranth import *
from amaranth.back import verilog
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.errors import UserError
from hwgen.runtime.client import Client, NoMemory, Silence
from hwgen.runtime.simulation import SimulatedLink, SimulationError
from hwgen.tools import find
from hwgen.tools import verilator as builder
from hwgen.tools.find import compiler, verilator
from hwgen.tools.verilator import BuildError, without_zeros

from ..rtl.links.test_host import board
from ..tools.libraries import share_libraries

pytestmark = pytest.mark.skipif(not (verilator() and compiler()),
                                reason="needs Verilator and g++")


class Echo(wiring.Component):
    """Give back each byte, plus one; after a 255 take nothing any more, after a 254 stop."""

    def __init__(self):
        super().__init__({"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        stuck = Signal()
        m.d.comb += [self.rx.ready.eq(self.tx.ready & ~stuck), self.tx.payload.eq(
            self.rx.payload + 1), self.tx.valid.eq(self.rx.valid & ~stuck)]
        with m.If(self.rx.valid & (self.rx.payload == 255)):
            m.d.sync += [stuck.eq(1), Print("a sentence of the design's")]
        return m


STOPS = """
module top(clk, rst, rx__payload, rx__valid, rx__ready, tx__payload, tx__valid, tx__ready);
  input clk, rst, rx__valid, tx__ready;
  input [7:0] rx__payload;
  output rx__ready, tx__valid;
  output [7:0] tx__payload;
  assign rx__ready = 1;
  assign tx__valid = 0;
  assign tx__payload = 0;
  always @(posedge clk) if (rx__valid) begin
    $display("a last word");
    $fatal;
  end
endmodule
"""


@pytest.fixture(scope="module")
def echo():
    """Return Verilog that every test here uses."""
    return verilog.convert(Echo(), name="top", emit_src=False, strip_internal_attrs=True)


def test_bytes(echo):
    with SimulatedLink(echo) as link:
        link.write(bytes(range(100)))
        link.write(bytes(range(100, 200)))
        assert link.read(50, 100) == bytes(range(1, 51))
        assert link.read(150, 100) == bytes(range(51, 201))
        assert link.read(1, 100) == b""


def test_clock_stands_still(echo):
    """The clock runs for what is sent, wanted and waited for, and no longer."""
    with SimulatedLink(echo) as link:
        assert link.cycles == 0
        link.write(bytes(10))
        assert link.cycles == 0
        assert link.read(4, 100) == b"\1\1\1\1"
        assert link.cycles == 10  # all is sent
        link.wait(1000)
        assert link.cycles == 1010
        assert link.read(6, 100) == bytes([1] * 6)
        assert link.cycles == 1010
        assert link.read(1, 100) == b""
        assert link.cycles == 1110


def test_budget(echo):
    """What is not taken ends the patience, and is still there to be sent."""
    with SimulatedLink(echo) as link:
        link.write(bytes([255, 1, 2]))
        assert link.read(3, 500) == b"\0"
        assert link.cycles == 501
        link.wait(20)
        assert link.read(1, 30) == b""


def test_prints(echo):
    """What a design prints does not come between the bytes."""
    with SimulatedLink(echo) as link:
        link.write(bytes([7, 255]))
        assert link.read(2, 100) == b"\x08\0"


def test_large(echo):
    data = bytes(range(255)) * 4000
    with SimulatedLink(echo) as link:
        link.write(data)
        assert link.read(len(data), 100) == bytes(byte + 1 for byte in data)


def test_client():
    with SimulatedLink(board()) as link:
        client = Client(link)
        data = bytes(range(256)) * 4
        client.write(0, data)
        assert client.read(3, 1000) == data[3:1003]
        with pytest.raises(NoMemory):
            client.read(1020, 8)
        assert client.read(1020, 4) == data[1020:]
        assert client.retries == 0


def test_silence(echo):
    with SimulatedLink(echo) as link, pytest.raises(Silence, match="the simulated board does not"):
        link.write(bytes([255]))
        Client(link, timeout=100).read(0, 4)


def test_ends():
    with SimulatedLink(STOPS) as link:
        assert link.read(1, 10) == b""
        link.write(b"x")
        with pytest.raises(SimulationError, match=r"(?s)ended with -?\d+:.*a last word"):
            link.read(1, 10)


def test_closed(echo):
    link = SimulatedLink(echo)
    link.close()
    link.close()
    with pytest.raises(SimulationError, match="is closed"):
        link.read(1, 1)


@pytest.mark.slow
def test_waves_and_spaces(echo, tmp_path, monkeypatch):
    folder = tmp_path / "a folder"
    (folder / "a cache").mkdir(parents=True)
    share_libraries(folder / "a cache")
    monkeypatch.setenv("HWGEN_CACHE", str(folder / "a cache"))
    monkeypatch.chdir(folder)
    with SimulatedLink(echo, waves=folder / "a wave.vcd") as link:
        assert not link.cached
        link.write(b"a")
        assert link.read(1, 10) == b"b"
    text = (folder / "a wave.vcd").read_text()
    assert "$enddefinitions" in text and "tx__payload" in text
    check_recorded(echo, folder / "some cycles.vcd")


def check_recorded(echo, path):
    """Only cycles that are asked for are in the waveform, and never more."""
    with SimulatedLink(echo, waves=path, recorded=0) as link:
        link.wait(50)
        link.record(3)
        link.wait(100)
        link.record(5)
        link.wait(2)
        link.record(0)
        link.wait(100)
        assert link.cycles == 252
    times = [int(line[1:]) for line in path.read_text().splitlines() if line.startswith("#")]
    # A cycle is two edges, 5 ns from each other, and the reset took four.
    begin = (4 + 50) * 10
    assert times == [*range(begin, begin + 30, 5), *range(begin + 1000, begin + 1020, 5)]


def test_cached(echo):
    SimulatedLink(echo).close()
    with SimulatedLink(echo) as link:
        assert link.cached


@pytest.mark.slow
def test_several_units(echo, monkeypatch, tmp_path):
    """A large model is compiled in pieces."""
    share_libraries(tmp_path)
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(builder, "LARGE", 100)
    units, run_all = [], builder.run_all
    monkeypatch.setattr(builder, "run_all",
                        lambda tasks: (units.extend(tasks), run_all(tasks)))
    with SimulatedLink(echo) as link:
        assert not link.cached
        link.write(b"a")
        assert link.read(1, 10) == b"b"
    assert len(units) > 2


def test_ports_missing():
    with pytest.raises(BuildError, match="(?s)g.. ended with 1.*rx"):
        SimulatedLink("module top(clk, rst); input clk, rst; endmodule")


@pytest.mark.parametrize("tool, name", [("verilator", "Verilator"), ("compiler", "g..")])
def test_tool_missing(echo, monkeypatch, tool, name):
    monkeypatch.setattr(find, tool, lambda: None)
    with pytest.raises(UserError, match=f"^{name} is not installed"):
        SimulatedLink(echo)


def test_without_zeros():
    """Only the zeros of memories go, and what follows one stays where it is."""
    text = ("initial begin\n  m[0] = 8'h00;\n  m[1] = 8'h12;\n  \\m$1 [2] = 8'h00;\nend\n"
            "always @* begin\n  x[0] = 1'h0;\nend\n"
            "initial begin\n  x[0] = 1'h0;\n  y = 1;\nend\n")
    kept = ("initial begin\n  m[1] = 8'h12;\nend\n"
            "always @* begin\n  x[0] = 1'h0;\nend\n"
            "initial begin\n  x[0] = 1'h0;\n  y = 1;\nend\n")
    assert without_zeros(text) == kept
