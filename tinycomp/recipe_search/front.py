"""Pareto fronts, and the volume that they dominate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(points, values); smaller values are better."""


def dominates(points: Points) -> NDArray[np.bool_]:
    """Whether point i is nowhere worse than point j and somewhere better: (points, points)."""
    first, second = points[:, np.newaxis], points[np.newaxis]
    return np.asarray((first <= second).all(axis=2) & (first < second).any(axis=2))


def ranks(points: Points) -> list[int]:
    """The rank of each point by non-dominated sorting: 0 for nondominated points, 1 for those that
    are dominated only by rank 0, and so on (N. Srinivas and K. Deb, 1994).
    """
    found = np.full(len(points), -1)
    beaten, rank = dominates(points), 0
    while (found < 0).any():
        left = found < 0
        found[left & ~np.any(beaten[left], axis=0)] = rank
        rank += 1
    return [int(each) for each in found]


def distances(points: Points) -> list[float]:
    """Crowding distance: the distance of each point's neighbours, relative to the range and summed
    over all values; infinite at the ends (K. Deb et al., "NSGA-II", 2002).
    """
    found = np.zeros(len(points))
    for values in points.T:
        order = np.argsort(values, kind="stable")
        whole = values[order[-1]] - values[order[0]]
        found[order[[0, -1]]] = np.inf
        if whole > 0:
            found[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / whole
    return [float(each) for each in found]


def front(points: Points) -> list[int]:
    """The nondominated points, without duplicates, sorted by their first value."""
    if not len(points):
        return []
    best = ~np.any(dominates(points), axis=0)
    chosen: list[int] = []
    for number in np.lexsort(points.T[::-1]):
        known = any((points[other] == points[number]).all() for other in chosen)
        if best[number] and not known:
            chosen.append(int(number))
    return chosen


def volume(points: Points, reference: Sequence[float]) -> float:
    """The volume between a reference and the points that are better in all values: the
    hypervolume (E. Zitzler and L. Thiele, 1998), by slices along the last value.
    """
    limit = np.asarray(reference, np.float64)
    inside = points[(points < limit).all(axis=1)]
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(limit[0] - inside[:, 0].min())
    inside = inside[np.argsort(inside[:, -1], kind="stable")]
    ends = [*inside[1:, -1], limit[-1]]
    total = 0.0
    for number, end in enumerate(ends):
        depth = end - inside[number, -1]
        if depth > 0:
            total += depth * volume(inside[: number + 1, :-1], reference[:-1])
    return float(total)
