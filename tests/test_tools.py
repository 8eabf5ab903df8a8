import sys
import time

import pytest

from hwgen.tools import RUNNING, call, side_by_side

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
