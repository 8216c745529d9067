"""AdaRound: optimizes for each weight whether to round up or down, to minimize the error of the
layer's output.

Source: M. Nagel et al., "Up or down? Adaptive rounding for post-training quantization", ICML 2020.
The error of the output is a quadratic function of the weights' errors, given by the covariance of
the inputs, so no samples are needed beyond that. The mean of the error is corrected by the bias.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ITERATIONS = 800
"""Steps of Adam."""
_RATE = 0.03
_STRETCH = 1.2, -0.1
"""Scale and offset of the rectified sigmoid, which is clipped to 0..1 and so reaches both ends."""
_WARM = 0.2
"""The share of iterations before the regularizer starts to push weights up or down."""
_SHARPNESS = 20.0, 2.0
"""Exponents of the regularizer at its start and at its end."""
_WEIGHT = 0.02
"""Weight of the regularizer, relative to the error of one step with the mean input variance."""


def adaptive_rounding(
    target: Floats, last: int, held: NDArray[np.bool_], covariance: Floats
) -> Floats:
    """Integer steps, each one of the two neighbours of its target.

    Args:
        target: weights in steps, (channels, n).
        last: the largest step; its negative is the smallest.
        held: mask of weights that stay zero, (channels, n).
        covariance: covariance of the inputs, (1 or channels, n, n).
    """
    low = np.clip(np.floor(target), -last, last - 1)
    rest = np.clip(target - low, 0.0, 1.0)
    size, unit = target.shape[1], np.trace(covariance, axis1=1, axis2=2).mean() / target.shape[1]
    quadratic = (covariance / (unit or 1.0)).astype(np.float32)
    scale, shift = _STRETCH
    v = -np.log(scale / np.clip(rest - shift, 1e-3, scale - 1e-3) - 1)
    moments = np.zeros((2, *v.shape))
    for step in range(1, ITERATIONS + 1):
        sigmoid = 1 / (1 + np.exp(-v))
        part = np.clip(scale * sigmoid + shift, 0.0, 1.0)
        error = np.where(held, 0.0, part - rest)
        slope = 2 * _products(error, quadratic)
        share = step / ITERATIONS
        if share > _WARM:
            slope = slope + _WEIGHT * size**0.5 * _regularizer(part, share)
        inside = (part > 0) & (part < 1)
        gradient = slope * inside * scale * sigmoid * (1 - sigmoid)
        moments[0] = 0.9 * moments[0] + 0.1 * gradient
        moments[1] = 0.999 * moments[1] + 0.001 * gradient**2
        mean = moments[0] / (1 - 0.9**step)
        v = v - _RATE * mean / (np.sqrt(moments[1] / (1 - 0.999**step)) + 1e-8)
    up = scale / (1 + np.exp(-v)) + shift >= 0.5
    return _polished(np.where(held, 0.0, low + up), low, held, target, quadratic)


def _polished(
    found: Floats, low: Floats, held: NDArray[np.bool_], target: Floats,
    quadratic: NDArray[np.float32],
) -> Floats:  # fmt: skip
    """Greedy refinement: flips in each channel the weight with the largest gain until none
    gains.
    """
    rows, curvature = np.arange(len(found)), np.diagonal(quadratic, axis1=1, axis2=2)
    for _ in range(found.shape[1]):
        turn = np.where(found > low, -1.0, 1.0)
        slope = 2 * turn * _products(np.where(held, 0.0, found - target), quadratic)
        change = np.where(held, np.inf, slope + curvature)
        best = change.argmin(axis=1)
        better = change[rows, best] < -1e-9
        if not better.any():
            break
        found[rows[better], best[better]] += turn[rows[better], best[better]]
    return found


def _products(error: Floats, quadratic: NDArray[np.float32]) -> Floats:
    """The errors of each channel times the covariance of the inputs."""
    rows = error.astype(np.float32)
    if len(quadratic) == 1:
        return np.asarray(rows @ quadratic[0], np.float64)
    return np.asarray(np.matmul(rows[:, np.newaxis], quadratic)[:, 0], np.float64)


def _regularizer(part: Floats, share: float) -> Floats:
    """The derivative of 1 - |2 h - 1|^beta."""
    first, last = _SHARPNESS
    beta = last + (first - last) * (1 - (share - _WARM) / (1 - _WARM))
    away = 2 * part - 1
    return np.asarray(-2 * beta * np.sign(away) * np.abs(away) ** (beta - 1))
