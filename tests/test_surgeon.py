"""Optimal brain surgery, against least squares solved from scratch."""

import numpy as np
import pytest

from hwgen.network.surgeon import importance, least_squares, moments, rounded


def problem(seed, taps=7, count=50):
    """Return vectors, their H, and a row of weights with its bias."""
    rng = np.random.default_rng(seed)
    mixed = rng.integers(-9, 10, (taps, taps))
    vectors = rng.integers(-9, 10, (count, taps)) @ mixed
    return vectors, moments(vectors), rng.integers(-99, 100, taps + 1).astype(float)


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
    vectors, hessian, row = problem(0)
    damping = np.diagonal(hessian)[:-1] - np.mean(vectors.astype(float) ** 2, axis=0)
    assert damping == pytest.approx(damping[0]) and 0 < damping[0] < np.diagonal(hessian)[0]
    sums = vectors @ row[:-1] + row[-1]
    assert row @ hessian @ row - damping[0] * np.sum(row[:-1] ** 2) == pytest.approx(
        np.mean(sums ** 2))


@pytest.mark.parametrize("seed", range(5))
def test_importance(seed):
    """What it says the loss grows by is what it grows by, for every weight that is left."""
    _, hessian, row = problem(seed)
    kept = np.random.default_rng(seed).random(7) < (1.1 if seed == 0 else 0.6)
    kept[0] = True
    found = importance(row, kept, hessian, np.linalg.inv(hessian))
    before, _ = loss(hessian, row, np.append(kept, True))
    for index in np.flatnonzero(kept):
        fewer = kept.copy()
        fewer[index] = False
        after, _ = loss(hessian, row, np.append(fewer, True))
        assert found[index] == pytest.approx(after - before, abs=1e-6 * after)
    assert np.all(found[~kept] == 0)


@pytest.mark.parametrize("seed", range(5))
def test_least_squares(seed):
    rng = np.random.default_rng(seed)
    _, hessian, row = problem(seed)
    kept = rng.random(7) < 0.6
    wanted = rng.normal(0, 100, 8)
    best, inverse = least_squares(row, kept, hessian, wanted)
    left = np.append(kept, True)
    np.testing.assert_allclose(best, loss(hessian, row, left, wanted)[1], rtol=1e-6)
    np.testing.assert_allclose(inverse @ hessian[np.ix_(left, left)], np.eye(left.sum()),
                               atol=1e-8)


def test_rounded():
    """Each rounding is made up for: better than rounding alone, and on the grid."""
    better, alone = 0.0, 0.0
    for seed in range(30):
        _, hessian, row = problem(seed)
        kept = np.ones(7, bool)
        best, inverse = least_squares(row / 7, kept, hessian, np.zeros(8))
        found = rounded(best, inverse, lambda value: float(3 * round(value / 3)))
        assert np.all(found[:-1] % 3 == 0) and found[-1] == np.rint(found[-1])
        plain = np.append(3 * np.rint(best[:-1] / 3), np.rint(best[-1]))
        better += (found - best) @ hessian @ (found - best)
        alone += (plain - best) @ hessian @ (plain - best)
    assert better < 0.7 * alone


def test_rounded_last_fits():
    """With one weight the bias is the integer that makes up for it best."""
    hessian = moments(np.array([[10], [10], [12]]))
    best, inverse = least_squares(np.array([2.4, 1.0]), np.array([True]), hessian, np.zeros(2))
    found = rounded(best, inverse, lambda value: 2.0)
    losses = {bias: (np.array([2.0, bias]) - best) @ hessian @ (np.array([2.0, bias]) - best)
              for bias in range(-20, 20)}
    assert found[-1] == min(losses, key=losses.get)
