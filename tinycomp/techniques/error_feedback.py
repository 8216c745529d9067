"""Error feedback: the error of each changed weight is compensated by the weights after it.

Source: E. Frantar and D. Alistarh, "Optimal brain compression", NeurIPS 2022, in a fixed order as
in E. Frantar et al., "GPTQ", ICLR 2023. The covariance of the inputs is used instead of their
second moments, because the bias corrects the mean of the error (see bias_correction).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.techniques._feedback import assign, factorize
from tinycomp.techniques._layers import Layer, weighted_layers, with_constants
from tinycomp.techniques._statistics import input_statistics

Floats = NDArray[np.float64]


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
        factor, order = factorize(statistics.covariance, damping)
        values = assign(target, _tables(layer), zeros[layer.name], factor, order)
        changed.append(replace(layer.weights, values=layer.rebuild(values)))
    return with_constants(graph, changed)


def _tables(layer: Layer) -> Floats:
    """The allowed weights of each channel, (channels, entries)."""
    channels = layer.matrix.shape[0]
    codebook = layer.weights.codebook
    table = np.arange(-127.0, 128.0)[None] if codebook is None else codebook.astype(np.float64)
    return np.broadcast_to(table, (channels, table.shape[1]))
