"""The tuner on small chips: compact Designs of an iCE40 or a Gowin."""

import json
import tomllib

import numpy as np
import pytest

from hwgen.arch.boards import board
from hwgen.arch.design import Design
from hwgen.area.area import design_resources
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, total_cycles
from hwgen.errors import UserError
from hwgen.tune.candidates import RESOURCES, Limits, pareto
from hwgen.tune.compiling import UNKNOWN, cycles_on, fitting_designs, with_memories, words_of
from hwgen.tune.search import search
from hwgen.tune.space import space
from hwgen.tune.workload import read_workload

from ..networks import path

AT = board("icebreaker")
LIMITS = Limits.of(AT, 0.96, [np.inf])
TANG = board("tang-nano-9k")
FEW = Limits.of(TANG, 0.54, [np.inf])
"""Limits that leave few Designs."""


def systolic_designs(at, workload, limits):
    """Return the systolic Designs that keep to limits, with the least memory for activations."""
    designs = fitting_designs(space(at, "systolic", [workload]), at, limits)
    return [designs.design(index) for index in range(len(designs))]


def front_of(pairs):
    """Return the Pareto front of pairs of cycles and LUTs."""
    pairs = list(pairs)
    return [pairs[index] for index in pareto(*np.array(pairs, float).T)]


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
    workload = read_workload(topology)
    designs = [with_memories(each, [workload], limits)[0]
               for each in systolic_designs(AT, workload, limits)]
    assert len({design.name for design in designs}) == len(designs) > 4
    for design in designs:
        takes = design_resources(design)
        assert all(takes[name] <= getattr(limits, name) for name in RESOURCES)
        assert takes["single_port_rams"] <= AT.single_port_rams
        more = design.replace(activation_memory=design.activation_memory + 1024 * design.banks)
        assert design_resources(more)["block_rams"] > AT.block_rams


def test_program_in_block_rams(topology):
    """Of a Gowin the program has the words that it needs, and the activations what is left."""
    workload, found = read_workload(topology), []
    network, = workload.networks
    for design in systolic_designs(TANG, workload, FEW):
        made, cycles = with_memories(design, [workload], FEW)
        takes = design_resources(made)
        assert all(takes[name] <= getattr(FEW, name) for name in RESOURCES)
        more = made.replace(activation_memory=made.activation_memory + 2048 * made.banks)
        assert design_resources(more)["block_rams"] > TANG.block_rams
        program = compile_network(network, made)
        assert words_of(program) <= made.program_words
        assert cycles == [total_cycles(program.steps, Array.of(made))]
        found.append(made.name)
    assert len(set(found)) == len(found) > 2


def test_longer_program(topology):
    """A program that is longer than the least memory gets what it takes."""
    workload = read_workload(topology)
    design = systolic_designs(TANG, workload, FEW)[0].replace(program_memory=8)
    made, _ = with_memories(design, [workload], FEW)
    network, = workload.networks
    assert made.program_words == words_of(compile_network(network, made)) > 4
    with pytest.raises(UserError, match="^program_memory must be less than 1000000 bytes"):
        with_memories(design.replace(program_memory=1_000_000), [workload], FEW)


def test_search(topology):
    """What is told of a Design is what compiling for it gives, and the best ones are found."""
    workload = read_workload(topology)
    found = search(AT, [workload], LIMITS, ["systolic"])
    every = [with_memories(each, [workload], LIMITS)
             for each in systolic_designs(AT, workload, LIMITS)]
    designs = [found.designs.design(index) for index in range(len(found))]
    assert found.searched == len(every) >= len(found)
    assert found.cycles[0].tolist() == [cycles_on(design, [workload], UNKNOWN)[0]
                                       for design in designs]
    assert len({cycles[0] for _, cycles in every}) > 1
    luts = [design_resources(design)["luts"] for design in designs]
    assert found.resources["luts"].tolist() == luts
    of_all = [(cycles[0], design_resources(design)["luts"]) for design, cycles in every]
    assert front_of(zip(found.cycles[0].tolist(), luts, strict=True)) == front_of(of_all)


def test_command_of_a_gowin(topology, tmp_path, capsys):
    """The Design that is written is compact, and takes the cycles that are told."""
    file, page = tmp_path / "design.toml", tmp_path / "page.html"
    assert main(["tune", topology, "--board", "tang-nano-9k", "--fill", "54", "-o", str(file),
                 "--report", str(page), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    design = Design.from_dict(tomllib.loads(file.read_text()))
    assert design.compact and design.family == "gowin"
    assert facts["cycles"] == cycles_on(design, [read_workload(topology)], UNKNOWN)
    assert facts["block_rams"] == design_resources(design)["block_rams"] <= TANG.block_rams
    assert facts["area"] == pytest.approx((design_resources(design)["luts"] / TANG.luts
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
    assert facts["cycles"] == cycles_on(design, [workload], UNKNOWN) == [min(
        with_memories(each, [workload], LIMITS)[1][0]
        for each in systolic_designs(AT, workload, LIMITS))]
    assert facts["cycles"][0] <= facts["preset_cycles"][0]
    assert page.stat().st_size > 10000


def test_too_large(capsys):
    """A network that is too large for all of them is told with the reason."""
    assert main(["tune", str(path("ad_autoencoder")), "--board", "icebreaker"]) == 2
    error = capsys.readouterr().err
    assert "no compact Design will do; of the last one" in error
    assert "bytes, and all memories of the chip have 146,432" in error


@pytest.mark.slow
def test_no_slower_than_the_preset(capsys):
    """The tuner's Design for keyword spotting is at least as fast as the preset."""
    assert main(["tune", str(path("kws_dscnn")), "--board", "icebreaker", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cycles"][0] <= facts["preset_cycles"][0]
