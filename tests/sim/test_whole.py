"""The bench of whole accelerators, on each kind of them and behind each top level."""

import pytest

from hwgen.arch.design import Design

regression = pytest.importorskip("sim.regression")
accelerators = pytest.importorskip("sim.accelerator.units")

SMALL = Design(rows=4, columns=4, lanes=2, activation_memory=1024, program_memory=3000,
               partial_sums=16, steps=12)
SPARSE = {"engine": "sparse", "sparse_entries": 64, "sparse_columns": 32, "sparse_depth": 2}
DESIGNS = {
    "fast": SMALL.replace(lines=1),
    "compact": SMALL.replace(compact=True, lanes=1, lines=1, rounding="single"),
    "binary": SMALL.replace(engine="binary", partial_sums=1),
    "bitserial": SMALL.replace(engine="bitserial", rows=5, lines=2, line_pixels=12),
    "sparse": SMALL.replace(**SPARSE),
    "keeps": SMALL.replace(lines=1, kept_vectors=50),
    "looks up": SMALL.replace(columns=5, lanes=3, lines=1, tables=3, program_memory=5003),
    "looks up, compact": SMALL.replace(compact=True, lanes=1, lines=1, tables=1),
    "softmax": SMALL.replace(columns=5, lanes=3, lines=1, softmax=True, program_memory=5003),
    "softmax, compact": SMALL.replace(compact=True, lanes=1, softmax=True),
    "cells": SMALL.replace(columns=5, lanes=3, lines=1, lstm=9, program_memory=5003),
    "matmul": SMALL.replace(rows=5, matmul=True, program_memory=4003),
    "multiplies": SMALL.replace(columns=5, lanes=3, kept_vectors=50, products=True,
                                program_memory=5003),
    "multiplies, compact": SMALL.replace(compact=True, lanes=1, lines=1, products=True),
    "unpacks": SMALL.replace(decompress=True),
    "sparse, unpacks": SMALL.replace(**SPARSE, decompress=True),
    "wide": SMALL.replace(wide_rows=16, columns=6, lines=1, program_memory=80 * 96),
    "odd": SMALL.replace(rows=7, columns=5, lanes=3, lines=2, line_pixels=11, rounding="even",
                         program_memory=5003, partial_sums=13, steps=5),
    "narrow": SMALL.replace(compact=True, columns=2, lanes=1, steps=0),
    "compact, bit-serial": SMALL.replace(engine="bitserial", compact=True, lanes=1, rows=9,
                                         columns=3, program_memory=4000),
}
TOPS = [unit for unit in accelerators.UNITS if unit != accelerators.UNIT]


def simulate(unit, design, folder):
    regression.simulate(unit, design, folder, simulator="verilator", waves=False, seed=1).check()


def test_bench(tmp_path, monkeypatch):
    """The shorter half of the bench, on one kind behind one top level."""
    monkeypatch.setenv("COCOTB_TEST_FILTER", "test_(steps|networks|registers|memories|refusals|stop"
                       "|reset|interrupt)")
    simulate("accelerator-wishbone", DESIGNS["compact"], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_other_designs(name, tmp_path):
    simulate(accelerators.UNIT, DESIGNS[name], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("unit", TOPS)
def test_top_levels(unit, name, tmp_path):
    simulate(unit, DESIGNS[name], tmp_path)


@pytest.mark.parametrize("rows, columns", [(1, 1), (3, 9), (64, 64)])
def test_design_of_an_array(rows, columns):
    """An array alone stands for a small accelerator of about its size."""
    design = accelerators.design_of(Design(rows=rows, columns=columns))
    assert (design.rows, design.columns) == (min(max(rows, 4), 32), min(max(columns, 4), 32))
    assert accelerators.design_of(design) is design
