"""Units with any parameters: their files, as `hwgen generate --unit` writes them, pass the bench.

Each run of the slow test draws other sets; a failure says which seed repeats them::

    SEED=7 pytest -m slow tests/sim/test_any_unit.py
"""

import os
import random
import secrets

import pytest

from hwgen.cli import main
from hwgen.cli.design import option_of
from hwgen.generate.units import UNITS

from ..any_unit import any_unit, least_of
from ..cases import quick
from ..lint import lint

regression = pytest.importorskip("sim.regression")

QUICK = ("axi_stream", "bitplane", "crossing", "uart")
"""Units of which no other quick test runs the bench."""
SETS = 200
SEED = int(os.environ.get("SEED", secrets.randbelow(1 << 32)))


def written_and_simulated(name, parameters, folder, seed):
    """Write the files of a unit, lint them, and run its bench on them."""
    words = [word for each, value in parameters.items() if value is not False
             for word in (option_of(each), *([] if value is True else [str(value)]))]
    print(f"SEED={SEED}: hwgen generate --unit {name} {' '.join(words)}")
    assert main(["generate", "--unit", name, *words, "-o", str(folder), "--json"]) == 0
    assert not lint(folder, name, parameters.get("family", "generic"))
    regression.simulate_files(folder, seed=seed).check()


@pytest.mark.parametrize("name", quick(UNITS, *QUICK))
def test_least(name, tmp_path):
    """The smallest is the hardest."""
    written_and_simulated(name, least_of(name), tmp_path, 0)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SETS))
def test_any(number, tmp_path):
    rng = random.Random(f"{SEED} {number}")
    found = any_unit([*UNITS][number % len(UNITS)], rng)
    written_and_simulated(found.name, found.parameters, tmp_path, rng.randrange(1 << 32))
