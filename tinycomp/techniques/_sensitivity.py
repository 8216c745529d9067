"""Mixed precision: chooses the bits of each layer by the output error if only that layer is
rounded.

Similar to Z. Dong et al., "HAWQ", ICCV 2019, with measured errors instead of curvatures. Errors of
layers are assumed to add up; minimizing their sum is a knapsack problem, solved by dynamic
programming.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_UNITS = 4000
"""Resolution of the budget; sizes are rounded up to whole units."""


@dataclass(frozen=True)
class Choice:
    """The options of a layer."""

    size: int
    """Number of weights."""
    widths: tuple[int, ...]
    """Possible bits per weight."""
    errors: tuple[float, ...]
    """Error of the model's output for each of `widths`, if only this layer is rounded."""


def mixed(choices: Sequence[Choice], average: float) -> list[int]:
    """Bits of each layer with the smallest sum of errors and at most `average` bits per weight; the
    smallest widths if even these exceed it.
    """
    budget = average * sum(each.size for each in choices)
    unit = max(1.0, budget / _UNITS)
    units = int(budget / unit)
    least = np.zeros(units + 1)  # the least error of the layers so far within each budget
    taken: list[np.ndarray] = []
    for each in choices:
        options = np.full((len(each.widths), units + 1), np.inf)
        for row, width, error in zip(options, each.widths, each.errors, strict=True):
            cost = int(np.ceil(each.size * width / unit))
            if cost <= units:
                row[cost:] = least[: units + 1 - cost] + error
        taken.append(options.argmin(axis=0))
        least = options.min(axis=0)
    if not np.isfinite(least[-1]):
        return [min(each.widths) for each in choices]
    found, left = [], units
    for each, best in zip(reversed(choices), reversed(taken), strict=True):
        width = each.widths[best[left]]
        left -= int(np.ceil(each.size * width / unit))
        found.append(width)
    return found[::-1]
