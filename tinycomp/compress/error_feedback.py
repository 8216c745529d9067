"""Error feedback: the error of each changed weight is compensated by the weights after it.

Source: E. Frantar and D. Alistarh, "Optimal brain compression", NeurIPS 2022, in a fixed order as
in E. Frantar et al., "GPTQ", ICLR 2023. The covariance of the inputs is used instead of their
second moments, because the bias corrects the mean of the error (see bias_correction).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.compress._layers import Layer, weighted_layers, with_constants
from tinycomp.compress._statistics import input_statistics
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array

Floats = NDArray[np.float64]

_ATTEMPTS = 20
"""Up to a damping of 10^20 times the first, larger than anything in a finite covariance."""


def feed_back_errors(
    graph: Graph,
    reference: Graph,
    activations: Mapping[str, Array],
    pruned: Graph | None = None,
    damping: float = 0.01,
) -> Graph:
    """Choose the weights of a compressed graph again to minimize the error of layer outputs.

    Weights stay within their codebooks (within int8 if there is none). Zeros of `pruned` stay zero,
    or those of the reference if nothing was pruned. Unchanged layers are skipped.

    Args:
        graph: int8, compressed.
        reference: the graph before compression, float or int8, with nodes of the same names.
        activations: of the reference on calibration data, by tensor name, (samples, *shape).
        pruned: the graph after pruning, if any.
        damping: fraction of the mean variance of the inputs that is added to every variance.
    """
    before = {node.name: layer for layer in weighted_layers(reference) for node in layer.nodes}
    zeros = {layer.name: layer.matrix == 0 for layer in weighted_layers(pruned or reference)}
    changed = []
    for layer in weighted_layers(graph):
        target = before[layer.name].real / layer.scales
        if np.array_equal(np.rint(target), layer.matrix):
            continue
        statistics = input_statistics(reference, before[layer.name], activations)
        if statistics is None:
            continue
        factor, order = _factorize(statistics.covariance, damping)
        values = _assign(target, _tables(layer), zeros[layer.name], factor, order)
        changed.append(replace(layer.weights, values=layer.rebuild(values)))
    return with_constants(graph, changed)


def _tables(layer: Layer) -> Floats:
    """The allowed weights of each channel, (channels, entries)."""
    channels = layer.matrix.shape[0]
    codebook = layer.weights.codebook
    table = np.arange(-127.0, 128.0)[None] if codebook is None else codebook.astype(np.float64)
    return np.broadcast_to(table, (channels, table.shape[1]))


def _factorize(covariance: Floats, damping: float) -> tuple[Floats, NDArray[np.intp]]:
    """The upper Cholesky factor of the inverse covariance, axes in descending order of variance.

    If J reverses the axes and J D J = L L^T, then inv(D) has the factor J inv(L)^T J. So the damped
    covariance is factorized instead of its inverse, which is more sensitive to rounding.
    """
    variances = np.diagonal(covariance, axis1=1, axis2=2)
    order = np.argsort(-variances, axis=1, kind="stable")
    rows = np.take_along_axis(covariance, order[:, :, None], axis=1)
    ordered = np.take_along_axis(rows, order[:, None, :], axis=2)
    extra = damping * variances.mean(axis=1)
    extra = np.where(extra > 0, extra, 1.0)
    lower = [_lower_factor(matrix, more) for matrix, more in zip(ordered, extra, strict=True)]
    factor = np.linalg.inv(np.stack(lower))[:, ::-1, ::-1]
    return factor, order


def _lower_factor(covariance: Floats, damping: float) -> Floats:
    """The Cholesky factor of a covariance with its axes reversed. Damping grows tenfold at each
    attempt until the factorization succeeds.

    If inputs hardly vary, or samples are few, variances are so small compared with the squared
    means that rounding makes eigenvalues negative. In the limit damping dominates, and no error is
    compensated.
    """
    unit = np.eye(len(covariance))
    for _ in range(_ATTEMPTS):
        with suppress(np.linalg.LinAlgError):
            damped = covariance + damping * unit
            found = np.linalg.cholesky(damped[::-1, ::-1]).astype(np.float64)
            if np.isfinite(found).all():
                return found
        damping *= 10
    return unit


def _assign(
    target: Floats, tables: Floats, held: NDArray[np.bool_], factor: Floats, order: NDArray[np.intp]
) -> Floats:
    """For each weight, all channels at once: take the nearest allowed value, pass on its error."""
    order = np.broadcast_to(order, target.shape)
    free = np.take_along_axis(target, order, axis=1)
    held = np.take_along_axis(held, order, axis=1)
    result = np.empty_like(free)
    for i in range(target.shape[1]):
        nearest = np.abs(tables - free[:, i, None]).argmin(axis=1)
        chosen = np.take_along_axis(tables, nearest[:, None], axis=1)[:, 0]
        result[:, i] = np.where(held[:, i], 0.0, chosen)
        error = (free[:, i] - result[:, i]) / factor[:, i, i]
        free[:, i + 1 :] -= error[:, None] * factor[:, i, i + 1 :]
    values = np.empty_like(result)
    np.put_along_axis(values, order, result, axis=1)
    return values
