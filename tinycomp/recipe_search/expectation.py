"""What errors a candidate will make, from its preview and from earlier candidates: Gaussian process
regression (C. Rasmussen and C. Williams, 2006) with a squared exponential kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

_REACH = 0.5
"""Length scale of the kernel."""
_NOISE = 0.1
"""Standard deviation of the noise, relative to that of the values: validation samples are few."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """Values at known places."""

    places: Rows
    """(candidates, features), each about from 0 to 1."""
    values: Rows
    """(candidates,)."""

    def at(self, places: Rows) -> tuple[Rows, Rows]:
        """The expected value, and its standard deviation, of each place."""
        mean = float(self.values.mean())
        spread = max(float(self.values.std()), 1e-3)
        own = _kernel(self.places, self.places) + _NOISE**2 * np.eye(len(self.places))
        other = _kernel(places, self.places)
        solved = np.linalg.solve(own, np.column_stack([(self.values - mean) / spread, other.T]))
        found = mean + spread * (other @ solved[:, 0])
        variance = np.clip(1 - (other * solved[:, 1:].T).sum(axis=1), 0, None)
        return found, spread * np.sqrt(variance)


def _kernel(first: Rows, second: Rows) -> Rows:
    squares = ((first[:, np.newaxis] - second[np.newaxis]) ** 2).sum(axis=2)
    found: Rows = np.exp(-squares / (2 * _REACH**2))
    return found
