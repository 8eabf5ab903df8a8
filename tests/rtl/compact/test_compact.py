# amaranth: UnusedElaboratable=no
"""Accelerators that are small rather than fast: the same values, in the cycles predicted."""

import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler_bench import Builder, Window, inputs_of
from ..accelerator.test_accelerator_layers import check

MEMORIES = {"activation_memory": 1 << 16, "program_memory": 1 << 20, "lanes": 1, "compact": True}
SMALL = Design(rows=4, columns=4, lines=1, partial_sums=64, **MEMORIES)
DESIGNS = {
    "no-line": Design(rows=5, columns=8, partial_sums=100, **MEMORIES),
    "narrow": Design(rows=4, columns=2, lines=1, partial_sums=128, **MEMORIES),
    # With as many columns, requantised sums wait for a cycle without a value.
    "wide": Design(rows=7, columns=10, lines=1, partial_sums=23, rounding="single", **MEMORIES),
    "tall": Design(rows=9, columns=5, lines=1, partial_sums=8, rounding="single", **MEMORIES),
}


def test_random_layers():
    check(SMALL, range(300, 360))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_random_layers_on_other_designs(name):
    check(DESIGNS[name], range(400, 440))


def test_nothing_is_left_of_a_stopped_step():
    """Wherever a step is stopped, the next one is right."""
    design = SMALL.replace(activation_memory=1024, program_memory=1000)
    build = Builder(1, 4, 4, 4)
    build.convolution(4, Window((1, 2)))
    network = build.network()
    program = compile_network(network, design)
    board = simulated_board(design)
    with board.link:
        load(board, program)
        for watchdog in range(20, 80):
            board.write_activations(0, bytes(design.activation_memory))
            with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
                board.run(0, 1, budget=10_000, watchdog=watchdog)
            result = run(board, program, network, inputs_of(network, watchdog), check=True)
            assert result.equal and result.cycles == result.predicted_cycles


@pytest.mark.parametrize("fields, text", [
    ({"lanes": 2}, "lanes must be at most 1 in a compact accelerator, not 2"),
    ({"lines": 2, "line_pixels": 9}, "lines must be at most 1 in a compact accelerator, not 2"),
    ({"compact": 1}, "compact must be true or false, not 1"),
    ({"columns": 1}, "columns must be from 2 to 32 with an activation_memory, not 1"),
    ({"columns": 3, "compact": False},
     "columns must be from 4 to 32 with an activation_memory, not 3")])
def test_wrong(fields, text):
    with pytest.raises(UserError, match=f"^{text}$"):
        SMALL.replace(**fields)


def test_toml():
    assert SMALL.to_toml().splitlines()[-1] == "compact = true"
    assert "compact" not in SMALL.replace(compact=False).to_toml()
