"""Damaged ONNX files: refused in a sentence, or they compute what ONNX Runtime computes of them."""

import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from hwgen.compress.quantize import quantised_model
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
any_damage = pytest.importorskip("tests.network.onnx.any_damage")
writer = pytest.importorskip("tests.onnx_writer")

SECONDS = 10
ALLOWED = ("parameter out of computation range",  # docs/onnx.md: scales beyond a kernel of ours
           "Expected: 0")  # and a batch of size 0, which some write for a batch of any size
"""What ONNX Runtime refuses and we do not, which docs/onnx.md says."""
if writer.runtime_before(1, 24):
    ALLOWED += ("Could not find an implementation for ConvInteger",)  # of int8


def feed_of(network, model, random):
    """Return random inputs as the file takes them."""
    kinds = {port.name: port.type.tensor_type.elem_type
             for port in onnx.ModelProto.FromString(model).graph.input}
    types = {1: "f4", 2: "u1", 3: "i1", 10: "f2", 11: "f8"}
    return {name: (random.normal(0, 2, shape) if kinds[name] not in (2, 3) else
                   random.integers(0, 100, shape)).astype(types[kinds[name]])
            for name, shape in network.input_shapes.items()}


def differs(network, name, found, real, expected):
    """Return whether an output is further from the runtime's than one step of its tensor is."""
    if expected.dtype.kind != "f":
        return found.shape != expected.shape or \
            np.abs(found.astype(np.int64) - expected).max(initial=0) > 1
    (layout,) = [each for each in network.layouts.values() if each.name == name]
    scale, _ = network.output_grids[name]
    # A step of an earlier tensor, which a tie makes, is a part of one in real numbers.
    least = 0.1 if layout.tail and not layout.tail.quantised else \
        1e-2 * np.abs(expected).max(initial=1e-30) if layout.finish else 1.01 * scale
    return real.shape != expected.shape or \
        bool(np.abs(real.astype(np.float64) - expected).max(initial=0) > least)


def outcome(model, random):
    """Read and run a model; return what came of it. Whatever is no UserError is the caller's."""
    began = time.monotonic()
    try:
        network = read(model)
    except UserError as error:
        assert "\n" not in str(error)
        assert time.monotonic() - began < SECONDS
        return "refused"
    feed = feed_of(network, model, random)
    results = run(network, network.feed(feed))
    found, real = network.fetch(results), network.fetch(results, real=True)
    assert time.monotonic() - began < SECONDS
    if b"Quant" in re.sub(rb"QuantizeLinear", b"", model):
        return "few bits"  # which the runtime does not know
    try:
        expected = writer.runtime(model, feed)
    except Exception as error:  # its errors have no base of their own
        assert any(text in str(error) for text in ALLOWED), str(error)
        return "refused by the runtime"
    assert sorted(found) == sorted(expected)
    if all(np.all(np.isfinite(values)) for values in expected.values()):
        assert not [name for name in expected
                    if differs(network, name, found[name], real[name], expected[name])]
    return "equal"


def hunt(first, count):
    """Damage so many files; return how often there was which outcome."""
    onnxruntime.set_default_logger_severity(4)
    originals = any_damage.originals()
    counts: dict[str, int] = {}
    wrong = []
    for seed in range(first, first + count):
        random = np.random.default_rng(seed)
        model = any_damage.damage_model(originals[seed % len(originals)], random)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                came = outcome(model, random)
        except Exception as error:  # whatever it is, and the next seed
            came = "wrong"
            wrong.append(f"seed {seed}: {type(error).__name__}: {str(error)[:300]}")
        counts[came] = counts.get(came, 0) + 1
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:50])
    return counts


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_any_damage(first):
    counts = hunt(first, 100)
    assert counts["refused"] > 40 and counts["equal"] > 2


@pytest.mark.slow
def test_much_damage():
    """15,000 files, with no more than a gigabyte of memory beyond what a single process begins."""
    code = ("import resource, sys;"
            "from tests.network.onnx.test_onnx_damage import hunt; hunt(0, 7);"
            "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
            "resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 30),) * 2);"
            "print(hunt(1000, 15000))")
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("first", [0, pytest.param(1000, marks=pytest.mark.slow)])
def test_quantising_what_is_damaged(first):
    """A float network with damage: refused in a sentence, or an int8 network that is read."""
    images = np.random.default_rng(1).normal(0, 1, (4, 2, 6, 6)).astype("f4")
    written = 0
    for seed in range(first, first + (2000 if first else 60)):
        model = any_damage.damage_model(any_damage.plain(), np.random.default_rng(seed))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                int8 = quantised_model(model, images)
                written += 1
                read(int8)
        except UserError as error:
            assert "\n" not in str(error)
    assert written
