"""Some of what tests/rtl/links/noise.py runs by the thousand."""

import pytest

from hwgen.tools.find import compiler, verilator

from ...cases import quick
from .noise import HOSTS, RATES, campaign, good_enough

pytestmark = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")


@pytest.mark.xdist_group("noise")
@pytest.mark.parametrize("rate", quick(RATES, "1e-3"))
@pytest.mark.parametrize("hosts", quick(HOSTS, "killed"))
def test_no_inference_is_wrong(hosts, rate):
    result = campaign(hosts, rate, 30, seed=2)
    assert good_enough(result), result
    assert result["retries"] and result["right"] > 20
