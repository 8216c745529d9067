"""Mixed precision: which layer gets how many bits, by what rounding each alone does to the output.

In the manner of Z. Dong et al., "HAWQ", ICCV 2019, with measured errors in the place of curvatures.
Errors of layers are taken to add up; the choice of the least sum is a knapsack problem, which
dynamic programming solves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_UNITS = 4000
"""Parts that the budget is divided in; sizes are rounded up to whole ones."""


@dataclass(frozen=True)
class Choice:
    """What a layer may have."""

    size: int
    """Weights."""
    widths: tuple[int, ...]
    """Bits."""
    errors: tuple[float, ...]
    """Of the model's output, if this layer alone has so many."""


def mixed(choices: Sequence[Choice], average: float) -> list[int]:
    """Bits of each layer with the least sum of errors, at most `average` for a weight; the fewest
    where even these are more.
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
