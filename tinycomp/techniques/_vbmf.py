"""The rank of a noisy matrix by variational Bayes, in closed form.

S. Nakajima, M. Sugiyama, S. D. Babacan, R. Tomioka, "Global analytic solution of fully-observed
variational Bayesian matrix factorization", Journal of Machine Learning Research 14 (2013): the
empirical variant, which estimates the variance of the noise (their theorem 2 and corollary 1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

_GOLDEN = (np.sqrt(5) - 1) / 2
_STEPS = 100
_TAU = 2.5129
"""The paper's constant for the threshold of square matrices."""


def bayesian_rank(matrix: Array) -> int:
    """The number of singular values above the noise threshold, at least 1."""
    rows, columns = sorted(matrix.shape)
    singular = np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)
    squares = singular**2 / columns
    if not squares.any():
        return 1
    alpha = rows / columns
    tau = _TAU * np.sqrt(alpha)
    threshold = (1 + tau) * (1 + alpha / tau)
    noise = _noise(squares, alpha, threshold)
    return max(1, int(np.sum(squares > noise * threshold)))


def _noise(squares: NDArray[np.float64], alpha: float, threshold: float) -> float:
    """The noise variance that explains the matrix best; squared singular values are divided by the
    longer side.
    """
    rows = len(squares)
    most = min(int(np.ceil(rows / (1 + alpha))) - 1, rows - 1)
    low = max(squares[most] / threshold, squares[most:].mean(), 1e-12 * squares[0])
    high = squares.mean()
    if high <= low:
        return float(high)
    # The objective can have several minima: grid search, then golden-section search around the
    # best point.
    grid = np.geomspace(low, high, _STEPS)
    best = int(np.argmin([_objective(squares, alpha, threshold, value) for value in grid]))
    left, right = grid[max(0, best - 1)], grid[min(_STEPS - 1, best + 1)]
    for _ in range(_STEPS):
        first, second = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
        if _objective(squares, alpha, threshold, first) < _objective(
            squares, alpha, threshold, second
        ):
            right = second
        else:
            left = first
    return float((left + right) / 2)


def _objective(squares: NDArray[np.float64], alpha: float, threshold: float, noise: float) -> float:
    """The paper's free energy as a function of the noise variance, without constant terms."""
    x = squares / noise
    signal, rest = x[x > threshold], x[x <= threshold]
    excess = signal - (1 + alpha)
    shrunk = (excess + np.sqrt(np.maximum(excess**2 - 4 * alpha, 0))) / 2
    tiny = np.finfo(float).tiny
    return float(
        np.sum(rest - np.log(np.maximum(rest, tiny)))
        + np.sum(signal - shrunk + np.log((shrunk + 1) / signal))
        + alpha * np.sum(np.log(shrunk / alpha + 1))
    )
