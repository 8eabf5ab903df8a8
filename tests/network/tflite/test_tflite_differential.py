"""Damaged .tflite files, held against TensorFlow Lite Micro: a short run of tflite_differential."""

from collections import Counter

import pytest

pytest.importorskip("tflite_micro", reason="tflite-micro is the reference; `make setup` installs "
                                           "it where there is a wheel")

from .tflite_differential import case, judge


def run_many(seeds, how):
    """Return how often each thing came of damaged files; a defect ends the test."""
    counts = Counter()
    for seed in seeds:
        data = case(seed, how)
        if data is not None:
            word, text = judge(data, seed)
            assert not word.startswith("DEFECT"), f"seed {seed}: {word}: {text}"
            counts[word] += 1
    return counts


def test_fields():
    counts = run_many(range(50), "fields")
    assert counts["refused"] > 10 and counts["equal"] > 10


def test_bytes():
    counts = run_many(range(50), "bytes")
    assert counts["refused"] > 10 and counts["equal"] > 3


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fields", "bytes"])
def test_much(how):
    run_many(range(100_000, 103_000), how)
