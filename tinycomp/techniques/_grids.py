"""Uniform grids with few bits for the weights of a layer: step sizes and rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array
from tinycomp.techniques._adaround import adaptive_rounding
from tinycomp.techniques._feedback import assign, factorize
from tinycomp.techniques._layers import Layer
from tinycomp.techniques._statistics import Statistics

Floats = NDArray[np.float64]
Method = Literal["adaround", "feedback", "nearest"]
Scales = Literal["channel", "layer"]

_SHARES = np.linspace(0.3, 1.0, 36)
"""Step sizes to try, relative to the one that maps the largest weight to the last step."""
_DAMPING = 0.01
"""Damping of error feedback, relative to the mean variance of the inputs."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Weights on a grid."""

    steps: Floats
    """Integer steps, (channels, n)."""
    scale: Floats
    """Step size of each channel, (channels, 1), or of the layer, (1, 1)."""

    @property
    def real(self) -> Floats:
        """The weights in real units."""
        return self.steps * self.scale


def last_step(bits: int) -> int:
    """The largest step of a symmetric grid."""
    return int(2 ** (bits - 1)) - 1


def grid_scale(weights: Floats, importance: Floats, bits: int, scales: Scales) -> Floats:
    """The step size with the least squared error of rounding to nearest; (channels or 1, 1).

    Args:
        weights: real, (channels, n).
        importance: variance of the input of each weight, (1 or channels, n).
        bits: bits of the grid.
        scales: one scale per channel or per layer.
    """
    last, axis = last_step(bits), (1 if scales == "channel" else None)
    largest = np.abs(weights).max(axis=axis, keepdims=True)
    largest = np.where(largest > 0, largest, max(float(largest.max()), 1.0))
    best, least = largest / last, np.full(largest.shape, np.inf)
    for share in _SHARES if bits < 8 else (1.0,):
        scale = share * largest / last
        wrong = importance * (weights - scale * nearest(weights / scale, last)) ** 2
        error = wrong.sum(axis=axis, keepdims=True)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return np.asarray(np.float32(best), np.float64)


def nearest(steps: Floats, last: int) -> Floats:
    """The nearest integer steps."""
    return np.asarray(np.clip(np.rint(steps), -last, last))


def rounded(
    layer: Layer, statistics: Statistics | None, bits: int, scales: Scales, method: Method
) -> Rounded:
    """A float layer's weights on a grid; zeros stay zero.

    Args:
        layer: a layer of a float graph.
        statistics: statistics of its inputs; None: round to nearest.
        bits: bits of the grid.
        scales: one scale per channel or per layer.
        method: how weights are rounded.
    """
    weights, last = layer.real, last_step(bits)
    variance = np.ones((1, weights.shape[1]))
    if statistics is not None:
        variance = np.diagonal(statistics.covariance, axis1=1, axis2=2)
        variance = variance + 1e-3 * (variance.mean() or 1.0)
    scale = _scale(layer, variance, bits, scales)
    target, held = weights / scale, weights == 0
    if statistics is None or method == "nearest":
        return Rounded(nearest(target, last), scale)
    if method == "adaround":
        found = adaptive_rounding(target, last, held, statistics.covariance)
        return Rounded(found, scale)
    table: Array = np.broadcast_to(np.arange(-last, last + 1.0), (len(target), 2 * last + 1))
    factor, order = factorize(statistics.covariance, _DAMPING)
    return Rounded(assign(target, table, held, factor, order), scale)


def _scale(layer: Layer, importance: Floats, bits: int, scales: Scales) -> Floats:
    """The step size of each channel, (channels, 1), or of the layer, (1, 1). Channels that share a
    scale in the operator have the same one.
    """
    weights, groups = layer.real, layer.nodes[0].op.scale_groups(len(layer.real))
    if scales == "layer" or groups == len(weights):
        return grid_scale(weights, importance, bits, scales)
    spread = np.broadcast_to(importance, weights.shape)
    found = grid_scale(weights.reshape(groups, -1), spread.reshape(groups, -1), bits, scales)
    return np.repeat(found, len(weights) // groups, axis=0)
