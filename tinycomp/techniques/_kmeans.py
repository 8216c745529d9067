"""Optimal one-dimensional k-means on the integers by dynamic programming; deterministic.

Clusters of points on a line are contiguous, so the best k of them are a shortest path over segments
(H. Wang and M. Song, "Ckmeans.1d.dp", The R Journal, 2011). Here the centres are integers too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Points replaced by the centres of their clusters."""

    centres: Integers
    """The centre of each point, in the shape of the points."""
    error: float
    """The weighted sum of squared errors."""


def cluster(points: Integers, weights: Floats, count: int, keep_zero: bool = False) -> Clustering:
    """The clustering into at most `count` integer centres with the least weighted squared error.

    Args:
        points: distinct integers in ascending order, at least one.
        weights: one nonnegative weight per point.
        count: the number of centres, at least 1.
        keep_zero: keep the point 0, if present, at 0.
    """
    if points.size <= count:
        return Clustering(points, 0.0)
    centres, costs = _segments(points, weights, keep_zero)
    best, begins = costs[0], []
    for _ in range(1, count):
        # paths[i, j]: the last segment is [i, j], the points before i cost best[i - 1].
        paths = np.concatenate([[0.0], best[:-1]])[:, None] + costs
        begins.append(paths.argmin(axis=0))
        best = paths.min(axis=0)
    result, end = np.empty_like(points), points.size - 1
    for begin in reversed(begins):
        result[begin[end] : end + 1] = centres[begin[end], end]
        end = begin[end] - 1
        if end < 0:
            break
    result[: end + 1] = centres[0, end]
    return Clustering(result, float(best[-1]))


def _segments(points: Integers, weights: Floats, keep_zero: bool) -> tuple[Integers, Floats]:
    """For every segment [i, j]: its best integer centre and its cost, infinite where i > j.

    The cost is quadratic in the centre, so the integer nearest to the mean is best.
    """
    x = points.astype(np.float64)
    sums = [np.concatenate([[0.0], np.cumsum(weights * x**power)]) for power in range(3)]
    total, first, second = (prefix[None, 1:] - prefix[:-1, None] for prefix in sums)
    middle = (points[:, None] + points[None, :]) / 2
    mean = np.divide(first, total, out=middle, where=total > 0)
    centres = np.clip(np.rint(mean), points[:, None], points[None, :]).astype(np.int64)
    if keep_zero:
        centres[(points[:, None] <= 0) & (points[None, :] >= 0) & np.isin(0, points)] = 0
    costs = np.maximum(second - 2 * centres * first + centres**2 * total, 0.0)
    costs[np.tril_indices(points.size, -1)] = np.inf
    return centres, costs
