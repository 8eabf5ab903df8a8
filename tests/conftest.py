"""What all tests have."""

import pytest


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    """Let commands that a slow machine takes long for say nothing about it."""
    monkeypatch.setattr("hwgen.text.EVERY", float("inf"))
