"""Optimal clustering compared with brute force and with scikit-learn's k-means."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from tinycomp.techniques._kmeans import Floats, Integers, cluster

points_and_weights = st.dictionaries(
    st.integers(-12, 12), st.integers(1, 50), min_size=1, max_size=9
)


def _error(points: Integers, weights: Floats, centres: tuple[int, ...]) -> float:
    distance = np.abs(points[:, None] - np.array(centres)).min(axis=1)
    return float((weights * distance**2).sum())


def _arrays(histogram: dict[int, int]) -> tuple[Integers, Floats]:
    points = np.array(sorted(histogram), np.int64)
    return points, np.array([histogram[int(p)] for p in points], np.float64)


@given(points_and_weights, st.integers(1, 4))
def test_no_integer_centres_are_better(histogram: dict[int, int], count: int) -> None:
    points, weights = _arrays(histogram)
    found = cluster(points, weights, count)
    grid = range(int(points.min()), int(points.max()) + 1)
    every = combinations(grid, min(count, len(grid)))
    best = min(_error(points, weights, centres) for centres in every)
    assert found.error == pytest.approx(best, abs=1e-6)
    assert np.unique(found.centres).size <= count
    assert (weights * (points - found.centres) ** 2).sum() == pytest.approx(found.error, abs=1e-6)


@given(points_and_weights, st.integers(1, 4))
def test_a_kept_zero_is_best_among_codebooks_with_zero(
    histogram: dict[int, int], count: int
) -> None:
    points, weights = _arrays({**histogram, 0: 20})
    found = cluster(points, weights, count, keep_zero=True)
    assert found.centres[points == 0] == 0
    grid = [v for v in range(int(points.min()), int(points.max()) + 1) if v != 0]
    every = combinations(grid, min(count - 1, len(grid)))
    best = min(_error(points, weights, (0, *centres)) for centres in every)
    assert found.error == pytest.approx(best, abs=1e-6)


@given(points_and_weights, st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_real_weights(histogram: dict[int, int], count: int, seed: int) -> None:
    points, _ = _arrays(histogram)
    weights = np.random.default_rng(seed).uniform(0, 1, points.size)
    found = cluster(points, weights, count)
    assert (weights * (points - found.centres) ** 2).sum() == pytest.approx(found.error, abs=1e-9)
    assert found.error >= cluster(points, weights, count + 1).error - 1e-9
    assert (np.diff(found.centres) >= 0).all()


@pytest.mark.parametrize("count", [2, 4, 8, 16, 32])
def test_scikit_learn_does_not_find_better_centres(count: int) -> None:
    values = np.clip(np.random.default_rng(3).normal(0, 40, 2000).round(), -127, 127)
    points, counts = np.unique(values.astype(np.int64), return_counts=True)
    found = cluster(points, counts.astype(np.float64), count)
    other = KMeans(count, n_init=5, random_state=0).fit(
        points[:, None].astype(float), sample_weight=counts
    )
    rounded = tuple(int(c) for c in np.rint(other.cluster_centers_[:, 0]))
    assert found.error <= _error(points, counts.astype(np.float64), rounded) + 1e-6
    # Rounding centres to integers costs at most a quarter for each value.
    assert found.error <= other.inertia_ + 0.25 * values.size


def test_enough_centres_change_nothing() -> None:
    points = np.arange(-127, 128)
    found = cluster(points, np.ones(255), 255)
    assert found.error == 0
    np.testing.assert_array_equal(found.centres, points)
