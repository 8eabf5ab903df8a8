"""What an accelerator takes of a chip, against what synthesis took."""

from pathlib import Path

import numpy as np
import pytest

from hwgen.cost import compact, resources
from hwgen.cost.fit import fitted, held_out, measured
from hwgen.cost.mapped import list_of, mapped, stored
from hwgen.cost.resources import Parts, block_rams, dsps, luts, registers
from hwgen.design import Design

RESULTS = Path(__file__).parents[1] / "docs" / "results"
LIST, SMALL = RESULTS / "mapped.toml", RESULTS / "mapped_ice40.toml"
COMPACT = [(design, stored(SMALL)[name]) for name, design in list_of(SMALL).items()]
MEASURED = [(design, stored(LIST)[name]) for name, design in list_of(LIST).items()
            if name in stored(LIST)]


@pytest.mark.parametrize(("design", "figures"), MEASURED, ids=lambda it: getattr(it, "name", ""))
def test_blocks_are_counted(design, figures):
    """DSP blocks and block RAMs are what synthesis took, exactly."""
    parts = Parts.of(design)
    assert int(dsps(parts)) == figures["dsps"]
    assert int(block_rams(parts)) == figures["block_rams"]


@pytest.mark.parametrize(("design", "figures"), MEASURED, ids=lambda it: getattr(it, "name", ""))
def test_logic_is_near(design, figures):
    """LUTs and registers are within a tenth, of every Design that was fitted to."""
    parts = Parts.of(design)
    assert float(luts(parts)) == pytest.approx(figures["luts"], rel=0.1)
    assert float(registers(parts)) == pytest.approx(figures["registers"], rel=0.1)


@pytest.mark.parametrize(("figure", "costs"), [("luts", resources.LUT_COSTS),
                                               ("registers", resources.REGISTER_COSTS)])
def test_costs_are_fitted(figure, costs):
    """The costs are those of a fit to the figures that are kept, as docs/tune.md tells."""
    _, counts, figures = measured(LIST, figure)
    assert costs == pytest.approx(fitted(counts, figures).tolist(), abs=0.11)
    assert np.abs(held_out(counts, figures)).mean() < 0.06


@pytest.mark.parametrize(("design", "figures"), COMPACT, ids=lambda it: getattr(it, "name", ""))
def test_compact(design, figures):
    """Blocks of an iCE40 are what synthesis took, exactly, and logic is within a tenth."""
    found = compact.used(design)
    for name in ("dsps", "block_rams", "single_port_rams"):
        assert found[name] == figures[name]
    for name in ("luts", "registers"):
        assert found[name] == pytest.approx(figures[name], rel=0.1)


@pytest.mark.parametrize("figure", ["luts", "registers"])
def test_compact_costs_are_fitted(figure):
    """Those of a compact one, too; left out of the fit, Designs are as near as is asked for."""
    _, counts, figures = measured(SMALL, figure)
    assert compact.COSTS[figure] == pytest.approx(fitted(counts, figures).tolist(), abs=0.11)
    errors = np.abs(held_out(counts, figures))
    assert len(errors) >= 15
    assert np.median(errors) <= 0.08 and np.percentile(errors, 95) <= 0.2


def test_arrays():
    """Of many Designs at once it is what it is of each."""
    designs = [design for design, _ in MEASURED]
    each = [Parts.of(design) for design in designs]
    together = Parts(*(np.array(column) for column in
                       zip(*(vars(parts).values() for parts in each), strict=True)))
    for count in (dsps, block_rams, luts, registers):
        np.testing.assert_allclose(count(together), [count(parts) for parts in each])


@pytest.mark.synth
@pytest.mark.slow
@pytest.mark.parametrize(("design", "figures"), [MEASURED[0], COMPACT[0]], ids=["ecp5", "ice40"])
def test_mapped(tmp_path, design, figures):
    """The figures that are kept are those of the tools."""
    assert isinstance(design, Design)
    assert mapped(design, tmp_path) == figures
