"""What an accelerator takes of a chip, against what synthesis took."""

from pathlib import Path

import numpy as np
import pytest

from hwgen.cost import resources
from hwgen.cost.fit import fitted, held_out, measured
from hwgen.cost.mapped import list_of, mapped, stored
from hwgen.cost.resources import Parts, block_rams, dsps, luts, registers
from hwgen.design import Design

LIST = Path(__file__).parents[1] / "docs" / "results" / "mapped.toml"
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
def test_mapped(tmp_path):
    """The figures that are kept are those of the tools."""
    design, figures = MEASURED[0]
    assert isinstance(design, Design)
    assert mapped(design, tmp_path) == figures
