"""Integers of 4 bits, two to a byte."""

import numpy as np
import pytest

from hwgen.arch.nibbles import HIGHEST, LOWEST, join_nibbles, part_nibbles


def test_lower_half_first():
    assert join_nibbles(np.array([1, -2, 7], np.int8)).tolist() == [0xe1, 0x07]
    assert part_nibbles(np.array([0xe1, 0xf7], np.uint8), 3).tolist() == [1, -2, 7]


@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (7,), (3, 5), (4, 4, 3)])
def test_all_values_come_back(shape):
    values = np.random.default_rng(0).integers(LOWEST, HIGHEST + 1, shape, np.int8)
    data = join_nibbles(values)
    assert data.size == -(-values.size // 2)
    found = part_nibbles(data, values.size)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found.reshape(shape), values)


def test_every_byte():
    data = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(join_nibbles(part_nibbles(data, 512)), data)
