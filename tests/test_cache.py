import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from hwgen import cache


def test_cache_makes_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path))
    made = []

    def make(folder):
        made.append(folder)
        (folder / "file").write_text("text")

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: cache.cached("sim-x", make), range(8)))
    assert len(made) == 1
    assert [(folder / "file").read_text() for folder, _ in results] == ["text"] * 8


def test_cache_keeps_no_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path))

    def make(folder):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        cache.cached("sim-x", make)
    assert [path.name for path in tmp_path.iterdir()] == ["locks"]


def test_cache_prunes(tmp_path, monkeypatch):
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "LARGEST_COUNTS", {"sim": 3})
    for age in range(5):
        folder, _ = cache.cached(f"sim-{age}", lambda folder: None)
        os.utime(folder, (age, age))
    cache.prune(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("sim-*")) == ["sim-2", "sim-3", "sim-4"]
