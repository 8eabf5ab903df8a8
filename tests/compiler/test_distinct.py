"""Weights that are a view of one number or of few: what is known of them by that alone."""

import itertools

import numpy as np
import pytest

from hwgen.arch.formats import Format
from hwgen.compiler.distinct import as_int64, distinct_weights, select_places, sums_by_output
from hwgen.compiler.layers.matrix import MatrixLayer
from hwgen.compiler.prepare.lanes import Lanes
from hwgen.compiler.view import View
from hwgen.network.graph import Window

OUTPUTS, HEIGHT, WIDTH, CHANNELS = SHAPE = 6, 3, 2, 4
SHAPES = list(itertools.product(*((1, size) for size in SHAPE)))
"""Of the numbers of which there are views: each axis alone may have one for all."""


@pytest.mark.parametrize("few", SHAPES)
def test_like_numpy(few):
    """A view gives what its copy gives, and stays one."""
    rng = np.random.default_rng(3)
    numbers = rng.integers(-128, 128, few, np.int8)
    view = np.broadcast_to(numbers, SHAPE)
    copy = view.copy()
    assert distinct_weights(copy).shape == SHAPE
    assert distinct_weights(view).size == numbers.size
    assert np.array_equal(np.broadcast_to(distinct_weights(view), SHAPE), copy)
    assert as_int64(view).dtype == np.int64
    assert np.array_equal(as_int64(view), copy)
    assert distinct_weights(as_int64(view)).size == numbers.size
    assert np.array_equal(sums_by_output(as_int64(view)), copy.sum(axis=(1, 2, 3), dtype=int))
    assert select_places(view, np.ones(OUTPUTS, bool), 0) is view
    mask = np.arange(CHANNELS) % 2 == 0
    assert np.array_equal(select_places(view, mask, 3), copy[..., mask])


@pytest.mark.parametrize("few", SHAPES)
@pytest.mark.parametrize("width", [WIDTH, 5])
@pytest.mark.parametrize("deep", [False, True])
def test_inputs_with_weights(few, width, deep):
    """Which inputs of an output have weights is what a look at each weight finds.

    So it is where a kernel is as wide as its image, so that the pixels of a row are channels, and
    of depthwise layers.
    """
    rng = np.random.default_rng(4)
    own = 1 if deep else CHANNELS
    some = rng.integers(0, 2, (few[0], 1, 1, 1))
    numbers = some * rng.integers(-1, 2, (*few[:3], min(few[3], own)))
    weights = np.broadcast_to(numbers, (*SHAPE[:3], own))
    reads = np.sort(rng.integers(0, CHANNELS, OUTPUTS)) if deep else None
    target = View.of_image("y", 5 - HEIGHT + 1, width - WIDTH + 1, OUTPUTS)
    ones = np.ones(OUTPUTS, np.int64)
    layer = MatrixLayer(View.of_image("x", 5, width, CHANNELS), target, weights, ones,
                        Window((HEIGHT, WIDTH)), Lanes(ones, ones, 0 * ones), 0, Format(8), reads)
    used = [np.flatnonzero(np.any(each, axis=(0, 1))) for each in sum(map(np.int64, layer.parts))]
    length = layer.source.channels
    assert length == (CHANNELS * WIDTH if width == WIDTH else CHANNELS)
    first, end = layer.live
    assert first.tolist() == [each[0] if len(each) else length for each in used]
    assert end.tolist() == [each[-1] + 1 if len(each) else 0 for each in used]
