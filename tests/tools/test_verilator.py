"""What is compiled once for all simulators."""

import subprocess

import pytest

from hwgen.tools import find, verilator

simulates = pytest.mark.skipif(not (find.verilator() and find.compiler()),
                               reason="needs Verilator and g++")


@simulates
@pytest.mark.parametrize("level", [0, 1])
def test_headers_are_not_read_again(level, tmp_path):
    """The compiler takes the precompiled ones, which it does for the very same flags only."""
    _, root, cxx = verilator.tools()
    (tmp_path / "unit.cc").write_text(f'#include "{verilator.HEADER}"\n')
    folder = verilator.headers(level)
    done = subprocess.run(
        [cxx, "-H", *verilator.LEVELS[level], *verilator.cxx_flags(root, False), f"-I{folder}",
         "-c", "unit.cc"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr.startswith(f"! {folder / verilator.HEADER}.gch"), done.stderr[:200]
