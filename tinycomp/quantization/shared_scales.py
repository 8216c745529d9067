"""Few weight scales a layer: channels of nearly the same scale share the largest of theirs.

Channels of one scale have one factor, which lies in flash once (codecs/_channels.py). A channel
whose scale grows is rounded more coarsely, by the square of the ratio in its error's variance; the
groups are those for which these squares add up to the least, by dynamic programming.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

MOST = 16
"""Scales a layer, at most."""
COARSER = 1.1
"""How much the variance of rounding errors may grow, on average over channels: as if weights had a
fourteenth of a bit less."""


def share(scales: NDArray[np.float64], most: int = MOST) -> NDArray[np.float64]:
    """The scales of a layer's channels, as few as keep to COARSER, none below what it was.

    Args:
        scales: positive, one a channel.
        most: how many may differ, whatever they do to errors; 1 for one scale a layer.
    """
    order = np.argsort(scales, kind="stable")
    costs, starts = _groups(scales[order], min(most, scales.size))
    enough = np.flatnonzero(costs[:, -1] <= COARSER * scales.size)
    count = int(enough[0]) if enough.size else len(costs) - 1
    shared, end = np.empty_like(scales), scales.size
    for groups in range(count, -1, -1):
        start = int(starts[groups, end - 1])
        shared[order[start:end]] = scales[order[end - 1]]
        end = start
    return shared


def _groups(ascending: NDArray[np.float64], most: int) -> tuple[Array, NDArray[np.int64]]:
    """For 1, 2, ... groups of the first 1, 2, ... scales: the sum of squared ratios to the scales
    that serve them, and where the last group starts.
    """
    size = ascending.size
    squares = np.triu((ascending[None, :] / ascending[:, None]) ** 2)
    # cost[start, last]: of a group from start to last, which its largest scale serves.
    cost = np.cumsum(squares[::-1], axis=0)[::-1]
    cost = np.where(np.tri(size, k=-1, dtype=bool), np.inf, cost)
    costs, starts = [cost[0]], [np.zeros(size, np.int64)]
    for _ in range(most - 1):
        before = np.concatenate([[np.inf], costs[-1][:-1]])
        sums = before[:, None] + cost
        starts.append(sums.argmin(axis=0))
        costs.append(sums.min(axis=0))
    return np.stack(costs), np.stack(starts)
