"""Verilator's lint of files that hwgen has written."""

import pytest

from hwgen.tools.find import call, verilator, verilator_environment
from sim.cells import models_of_cells

__all__ = ["lint"]


def lint(folder, module, family="generic"):
    """Return what Verilator says of a unit's files."""
    found = verilator()
    if found is None:
        pytest.skip("needs Verilator")
    cells = models_of_cells((folder / f"{module}.v").read_text(), family, folder)
    (folder / "cells.vlt").write_text("`verilator_config\nlint_off -rule SPECIFYIGN\n" + "".join(
        f'lint_off -file "{path}"\n' for path in cells))
    outcome = call([found[0], "--lint-only", "-Wall", "--top-module", module, "lint.vlt",
                    "cells.vlt", *map(str, cells), f"{module}.v"], seconds=120,
                   folder=folder, environment=verilator_environment(), log=folder / "log")
    return "" if outcome.ok else outcome.output
