"""Optimal brain surgery, against least squares solved from scratch."""

import numpy as np
import pytest

from hwgen.compress.surgeon import Moments, importance, least_squares, round_weights


def problem(seed, taps=7, count=50):
    """Return vectors, their H, and a row of weights with its bias."""
    rng = np.random.default_rng(seed)
    mixed = rng.integers(-9, 10, (taps, taps))
    vectors = rng.integers(-9, 10, (count, taps)) @ mixed
    return vectors, Moments(vectors), rng.integers(-99, 100, taps + 1).astype(float)


def loss(hessian, row, left, extra=None):
    """Return the least loss with the weights ``left``, and the weights, from the normal equations.

    H is the square of a matrix, so that this is a least squares problem of its own.
    """
    root = np.linalg.cholesky(hessian).T
    target = root @ row if extra is None else root @ row + np.linalg.solve(root.T, extra)
    found, *_ = np.linalg.lstsq(root[:, left], target, rcond=None)
    return float(np.sum((root[:, left] @ found - target) ** 2)), found


def test_moments():
    """Without the damping, d^T H d is the mean square by which the sums differ."""
    vectors, moments, row = problem(0)
    hessian = moments.matrix
    damping = np.diagonal(hessian)[:-1] - np.mean(vectors.astype(float) ** 2, axis=0)
    assert damping == pytest.approx(damping[0]) and 0 < damping[0] < np.diagonal(hessian)[0]
    sums = vectors @ row[:-1] + row[-1]
    assert row @ hessian @ row - damping[0] * np.sum(row[:-1] ** 2) == pytest.approx(
        np.mean(sums ** 2))


@pytest.mark.parametrize("count", [1, 6, 30, 200])
@pytest.mark.parametrize("fixed", [False, True])
def test_inverse(count, fixed):
    """From few vectors or from many: H times its inverse is 1, whichever weights are left."""
    rng = np.random.default_rng(count)
    moments = Moments(rng.integers(-99, 99, (count, 40)) + 20, fixed_bias=fixed)
    for share in (1.1, 0.5, 0.1):
        left = np.append(rng.random(40) < share, True)
        product = moments.inverse(left) @ moments.matrix[np.ix_(left, left)]
        np.testing.assert_allclose(product, np.eye(left.sum()), atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_importance(seed):
    """What it says the loss grows by is what it grows by, for every weight that is left."""
    _, moments, row = problem(seed)
    kept = np.random.default_rng(seed).random(7) < (1.1 if seed == 0 else 0.6)
    kept[0] = True
    found = importance(row, kept, moments, np.linalg.inv(moments.matrix))
    before, _ = loss(moments.matrix, row, np.append(kept, True))
    for index in np.flatnonzero(kept):
        fewer = kept.copy()
        fewer[index] = False
        after, _ = loss(moments.matrix, row, np.append(fewer, True))
        assert found[index] == pytest.approx(after - before, abs=1e-6 * after)
    assert np.all(found[~kept] == 0)


@pytest.mark.parametrize("seed", range(5))
def test_least_squares(seed):
    rng = np.random.default_rng(seed)
    _, moments, row = problem(seed)
    kept = rng.random(7) < 0.6
    wanted = rng.normal(0, 100, 8)
    best, inverse = least_squares(row, kept, moments, wanted)
    left = np.append(kept, True)
    np.testing.assert_allclose(best, loss(moments.matrix, row, left, wanted)[1], rtol=1e-6)
    np.testing.assert_allclose(inverse @ moments.matrix[np.ix_(left, left)],
                               np.eye(left.sum()), atol=1e-8)


def test_rounded():
    """Each rounding is made up for: better than rounding alone, and on the grid."""
    better, alone = 0.0, 0.0
    for seed in range(30):
        _, moments, row = problem(seed)
        kept = np.ones(7, bool)
        best, inverse = least_squares(row / 7, kept, moments, np.zeros(8))
        found = round_weights(best, inverse, lambda value: float(3 * round(value / 3)))
        assert np.all(found[:-1] % 3 == 0) and found[-1] == np.rint(found[-1])
        plain = np.append(3 * np.rint(best[:-1] / 3), np.rint(best[-1]))
        better += (found - best) @ moments.matrix @ (found - best)
        alone += (plain - best) @ moments.matrix @ (plain - best)
    assert better < 0.7 * alone


def test_rounded_last_fits():
    """With one weight the bias is the integer that makes up for it best."""
    moments = Moments(np.array([[10], [10], [12]]))
    best, inverse = least_squares(np.array([2.4, 1.0]), np.array([True]), moments, np.zeros(2))
    found = round_weights(best, inverse, lambda value: 2.0)
    losses = {bias: (np.array([2.0, bias]) - best) @ moments.matrix @ (
        np.array([2.0, bias]) - best)
              for bias in range(-20, 20)}
    assert found[-1] == min(losses, key=losses.get)
