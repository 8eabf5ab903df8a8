"""Cycles of SCALE-Sim's model, beside ours."""

import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, total_cycles
from hwgen.tune.scale_sim import compare_layers, main, their_cycles
from hwgen.tune.workload import read_workload

TOPOLOGY = """Layer name, IFMAP H, IFMAP W, Filter H, Filter W, Channels, Num Filter, Strides,
a, 14, 14, 3, 3, 16, 40, 1,
b, 9, 12, 1, 1, 20, 64, 1,
c, 16, 16, 5, 5, 3, 8, 2,
d, 1, 1, 1, 1, 100, 50, 1,
"""
REPORTED = {(12, 14): [6479, 1439, 594, 1331], (32, 32): [2379, 403, 428, 759]}
"""Total cycles that scalesim 3.0.0 reports, for weights that stay (Dataflow: ws)."""


@pytest.fixture
def workload(tmp_path):
    """The topology."""
    file = tmp_path / "a.csv"
    file.write_text(TOPOLOGY)
    return read_workload(str(file))


@pytest.mark.parametrize("size", REPORTED)
def test_theirs(workload, size):
    """The formula gives what SCALE-Sim reports."""
    assert [their_cycles(network, *size) for network in workload.networks] == REPORTED[size]


@pytest.mark.parametrize("size", REPORTED)
def test_ours(workload, size):
    """Our cycles are those of the Programs of an accelerator with that array."""
    rows, columns = size
    design = Design(rows=rows, columns=columns, lanes=columns, partial_sums=4096,
                    activation_memory=1 << 16, program_memory=1 << 18)
    ours = [cycles for _, _, cycles in compare_layers(workload, *size)]
    for network, cycles in zip(workload.networks, ours, strict=True):
        assert total_cycles(compile_network(network, design).steps, Array.of(design)) == cycles


def test_depthwise(tmp_path):
    """A depthwise layer is one of a channel, as many times as there are channels."""
    file = tmp_path / "a.csv"
    file.write_text("L, a, b, c, d, e, f, g\nDP, 8, 8, 3, 3, 5, 1, 1,\none, 8, 8, 3, 3, 1, 1, 1,\n")
    both, one = read_workload(str(file)).networks
    assert their_cycles(both, 4, 4) == 5 * their_cycles(one, 4, 4)


def test_table(tmp_path, capsys):
    """The command prints each layer, and the sums."""
    file = tmp_path / "small.csv"
    file.write_text(TOPOLOGY)
    main("12x14", [str(file)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["a", "b", "c", "d", "small"]
    assert lines[-1].split()[1] == f"{sum(REPORTED[12, 14]):,}"
