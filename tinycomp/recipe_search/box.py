"""Which candidates cover what others leave: the part of a box of errors and costs that a set of
candidates dominates, measured on random points.

Errors count up to a limit, costs on logarithmic scales, both relative to the unchanged int8 model.
So a candidate that is tiny but useless covers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinycomp.options.search import Limits
from tinycomp.recipe_search.outcome import Outcome, falls

_POINTS = 1 << 13
"""Random points; a front's part of the box is known to about half a percent."""
_LOST = 0.25
"""The share of the unchanged model's score that a candidate may lose at most to count."""
_WORSE = 4.0
"""The same for errors: the factor by which they may grow."""
_SMALLEST = 1 / 32
"""The lowest cost that counts, relative to the unchanged model's."""
_LARGEST = 1.5
"""The highest one."""
_OVER = 1.5
"""With a limit of the accuracy, errors count up to this factor of those that it allows, since a
longer training makes fewer.
"""

Covered = NDArray[np.bool_]
"""Which of the random points something dominates."""


@dataclass(frozen=True, eq=False)
class Box:
    """The box for one model."""

    whole: Outcome
    """Figures of the unchanged model, quantized to int8."""
    costs: tuple[str, ...]
    """The costs to minimize."""
    limits: Limits
    """Limits for candidates."""

    @property
    def most(self) -> float:
        """The largest error that counts."""
        if falls(self.whole.metric):
            return max(self.whole.score * _WORSE, 1e-12)
        if self.limits.accuracy is not None:
            return max(_OVER * (1 - self.limits.accuracy), 1e-3)
        return 1 - (1 - _LOST) * self.whole.score

    def place(self, outcome: Outcome) -> NDArray[np.float64]:
        """Error and costs as coordinates; the box is from 0 to 1."""
        wrong = outcome.score if falls(outcome.metric) else 1 - outcome.score
        costs = [self._place(outcome.cost(n), self.whole.cost(n)) for n in self.costs]
        return np.array([wrong / self.most, *costs])

    @staticmethod
    def _place(cost: float, whole: float) -> float:
        share = max(cost, 1.0) / max(whole, 1.0)
        return float(np.log(share / _SMALLEST) / np.log(_LARGEST / _SMALLEST))

    def covered(self, place: NDArray[np.float64]) -> Covered:
        """Which points a candidate at this place dominates."""
        return np.asarray((self._cloud >= place).all(axis=1))

    @cached_property
    def _cloud(self) -> NDArray[np.float64]:
        return np.random.default_rng(0).random((_POINTS, 1 + len(self.costs)))

    def none(self) -> Covered:
        """What nothing covers."""
        return np.zeros(_POINTS, bool)

    def union(self, outcomes: Sequence[Outcome]) -> Covered:
        """What these candidates cover together."""
        found = self.none()
        for each in outcomes:
            found |= self.covered(self.place(each))
        return found

    def order(self, outcomes: Sequence[Outcome]) -> list[float]:
        """A rank for each candidate, 0 for the first: each time the one is next that covers most of
        what the earlier ones leave. Infinite for those that add nothing.
        """
        masks = [self.covered(self.place(each)) for each in outcomes]
        ranks, left = [float("inf")] * len(masks), ~self.none()
        for rank in range(len(masks)):
            gains = [int((mask & left).sum()) for mask in masks]
            best = int(np.argmax(gains)) if gains else 0
            if not gains or gains[best] == 0:
                break
            ranks[best] = float(rank)
            left &= ~masks[best]
        return ranks
