# amaranth: UnusedElaboratable=no
import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hwgen.errors import UserError
from hwgen.tools.find import find

from ..tools.libraries import share_libraries

runner = pytest.importorskip("sim.runner")


class Adder(wiring.Component):
    """Add two numbers, into a register."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "o": Out(9)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.a + self.b)
        return m


class Parent(wiring.Component):
    """An adder inside."""

    def __init__(self):
        super().__init__(Adder().signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.child = child = Adder()
        wiring.connect(m, wiring.flipped(self), child)
        return m


def run(tmp_path, fault="", component=Adder, **options):
    return runner.run(component(), "tests.sim.adder_bench", tmp_path,
                      parameters={"FAULT": fault}, **options)


def test_pass(tmp_path):
    result = run(tmp_path).check()
    assert [test.name for test in result.tests] == ["test_sums"]
    assert result.cycles == 20


def test_seed(tmp_path):
    drawn = [run(tmp_path, seed=seed).check().log.read_text().split("drawn")[1].split()[:2]
             for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_cached(tmp_path):
    run(tmp_path).check()
    assert run(tmp_path / "again").cached


def test_fail(tmp_path):
    result = run(tmp_path, "wrong")
    assert not result.passed
    assert [test.passed for test in result.tests] == [True, False]
    with pytest.raises(AssertionError, match="test_wrong: .*the sum is a number"):
        result.check()


def test_time_out(tmp_path):
    result = run(tmp_path, "endless", seconds=3)
    assert result.error == "did not end within 3 s"
    assert result.seconds < 5


def test_crash(tmp_path):
    result = run(tmp_path, "crash")
    assert result.error.startswith("ran no test (exit code -")
    with pytest.raises(AssertionError, match="the end of"):
        result.check()


@pytest.mark.slow
def test_waves(tmp_path):
    result = run(tmp_path, waves=True).check()
    assert "$enddefinitions" in result.waves.read_text()


def test_internals(tmp_path):
    assert not run(tmp_path, "inside", Parent).passed
    assert run(tmp_path, "inside", Parent, internals=True).passed


def test_spaces(tmp_path, monkeypatch):
    run(tmp_path).check()
    folder = tmp_path / "a folder"
    spaced = folder / "a cache"
    spaced.mkdir(parents=True)
    share_libraries(spaced)
    monkeypatch.setenv("HWGEN_CACHE", str(spaced))
    extra = folder / "unused.v"
    extra.write_text("module unused; endmodule\n")
    result = run(folder, extra_sources=[extra]).check()
    assert not result.cached


def test_verilog_wrong(tmp_path):
    with pytest.raises(runner.BuildError, match="verilator ended with 1:\n.*syntax error"):
        runner.run("module top(clk); input clk; wire ; endmodule", "tests.sim.adder_bench",
                   tmp_path)


def test_top_missing(tmp_path):
    with pytest.raises(runner.BuildError, match="no module 'nothing'"):
        runner.run("module top(clk); input clk; endmodule", "tests.sim.adder_bench", tmp_path,
                   top="nothing")


def test_simulator_wrong(tmp_path):
    with pytest.raises(UserError, match="must be verilator or icarus, not 'vcs'"):
        run(tmp_path, simulator="vcs")


@pytest.mark.skipif(find("iverilog") is None, reason="Icarus Verilog is not installed")
@pytest.mark.parametrize("waves", [False, True])
def test_icarus(tmp_path, waves):
    result = run(tmp_path, simulator="icarus", waves=waves).check()
    assert not waves or result.waves.exists()
