"""The tuner on small chips: compact Designs of an iCE40 or a Gowin."""

import json
import tomllib

import numpy as np
import pytest

from hwgen.arch.boards import board
from hwgen.arch.design import Design
from hwgen.area.small import used
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, total_cycles
from hwgen.errors import UserError
from hwgen.tune.search import RESOURCES, Limits
from hwgen.tune.search_small import cycles_on, search_small, small_designs, with_memories, words_of
from hwgen.tune.workload import read_workload

from ..networks import path

AT = board("icebreaker")
LIMITS = Limits.of(AT, 0.96, [np.inf])
TANG = board("tang-nano-9k")
FEW = Limits.of(TANG, 0.54, [np.inf])
"""Limits that leave few Designs."""


@pytest.fixture
def topology(tmp_path):
    """A layer whose sums are cut where they are few."""
    file = tmp_path / "a.csv"
    file.write_text("L, a, b, c, d, e, f, g\none, 14, 14, 3, 3, 4, 6, 1,\n")
    return str(file)


@pytest.mark.parametrize("fill", [0.96, 1.5])
def test_all_keep_to_the_limits(topology, fill):
    """Every Design takes no more than there is, and has the memory that there is room for."""
    limits = Limits.of(AT, fill, [np.inf])
    designs = [with_memories(each, [read_workload(topology)], limits)[0]
               for each in small_designs(AT, "tflm", limits)]
    assert len({design.name for design in designs}) == len(designs) > 4
    for design in designs:
        takes = used(design)
        assert all(takes[name] <= getattr(limits, name) for name in RESOURCES)
        assert takes["single_port_rams"] <= AT.single_port_rams
        more = design.replace(activation_memory=design.activation_memory + 1024 * design.banks)
        assert used(more)["block_rams"] > AT.block_rams


def test_program_in_block_rams(topology):
    """Of a Gowin the program has the words that it needs, and the activations what is left."""
    workload, found = read_workload(topology), []
    network, = workload.networks
    for design in small_designs(TANG, "tflm", FEW):
        made, cycles = with_memories(design, [workload], FEW)
        takes = used(made)
        assert all(takes[name] <= getattr(FEW, name) for name in RESOURCES)
        more = made.replace(activation_memory=made.activation_memory + 2048 * made.banks)
        assert used(more)["block_rams"] > TANG.block_rams
        program = compile_network(network, made)
        assert words_of(program) <= made.program_words
        assert cycles == [total_cycles(program.steps, Array.of(made))]
        found.append(made.name)
    assert len(set(found)) == len(found) > 2


def test_longer_program(topology):
    """A program that is longer than the least memory gets what it takes."""
    workload = read_workload(topology)
    design = next(small_designs(TANG, "tflm", FEW)).replace(program_memory=8)
    made, _ = with_memories(design, [workload], FEW)
    network, = workload.networks
    assert made.program_words == words_of(compile_network(network, made)) > 4
    with pytest.raises(UserError, match="^program_memory must be less than 1000000 bytes"):
        with_memories(design.replace(program_memory=1_000_000), [workload], FEW)


def test_search(topology):
    """What is told of a Design is what compiling for it gives."""
    workload = read_workload(topology)
    found = search_small(AT, [workload], LIMITS)
    designs = [with_memories(each, [workload], LIMITS)[0]
               for each in small_designs(AT, "tflm", LIMITS)]
    assert found.searched == len(found) == len(designs)
    assert found.cycles[0].tolist() == [cycles_on(workload, design) for design in designs]
    assert len(set(found.cycles[0].tolist())) > 1
    assert found.used["luts"].tolist() == [used(design)["luts"] for design in designs]


def test_command_of_a_gowin(topology, tmp_path, capsys):
    """The Design that is written is compact, and takes the cycles that are told."""
    file, page = tmp_path / "design.toml", tmp_path / "page.html"
    assert main(["tune", topology, "--board", "tang-nano-9k", "--fill", "54", "-o", str(file),
                 "--report", str(page), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    design = Design.from_dict(tomllib.loads(file.read_text()))
    assert design.compact and design.family == "gowin"
    assert facts["cycles"] == [cycles_on(read_workload(topology), design)]
    assert facts["block_rams"] == used(design)["block_rams"] <= TANG.block_rams
    assert facts["area"] == pytest.approx((used(design)["luts"] / TANG.luts
                                           + facts["dsps"] / TANG.multipliers
                                           + facts["block_rams"] / TANG.block_rams) / 3)
    assert page.stat().st_size > 10000


def test_command(topology, tmp_path, capsys):
    """The quickest one is chosen and written, and the page has them all."""
    file, page = tmp_path / "design.toml", tmp_path / "page.html"
    assert main(["tune", topology, "--board", "icebreaker", "-o", str(file), "--report", str(page),
                 "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    design = Design.from_dict(tomllib.loads(file.read_text()))
    workload = read_workload(topology)
    assert design.compact and Array.of(design).compact
    assert facts["cycles"] == [cycles_on(workload, design)] == [min(
        with_memories(each, [workload], LIMITS)[1][0]
        for each in small_designs(AT, "tflm", LIMITS))]
    assert facts["cycles"][0] <= facts["preset_cycles"][0]
    assert page.stat().st_size > 10000


def test_too_large(capsys):
    """A network that is too large for all of them is told with the reason."""
    assert main(["tune", str(path("ad_autoencoder")), "--board", "icebreaker"]) == 2
    error = capsys.readouterr().err
    assert "no compact Design will do; of the last one" in error
    assert "program_memory must be" in error


@pytest.mark.slow
def test_no_slower_than_the_preset(capsys):
    """The tuner's Design for keyword spotting is at least as fast as the preset."""
    assert main(["tune", str(path("kws_dscnn")), "--board", "icebreaker", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cycles"][0] <= facts["preset_cycles"][0]
