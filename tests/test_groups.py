"""Tests of a group run in one worker, so that what they share is made once."""

import pytest


@pytest.mark.xdist_group("of one")
def test_worker_knows_the_group(request):
    """pytest-xdist has it in the test's name; it says nothing when it does not see groups."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("needs `pytest -n 2 --dist loadgroup`")
    assert request.node.nodeid.endswith("@of one")
