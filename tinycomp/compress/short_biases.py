"""Biases that fit into two bytes: what a sum starts at becomes a multiple of a power of two.

Kernels start with the bias less what the input's zero point adds, and that number is ours to
round: the bias takes up the rest. A sum is brought to int8 by a small factor, so its last bits say
nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.compress._layers import Layer, weighted_layers, with_constants
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Constant

LIMIT = 1 << 15
"""Of what fits into two bytes."""
ROUNDED = 1 / 32
"""Output steps that rounding may move a sum by, at most."""


def shorten_biases(graph: Graph) -> Graph:
    """The int8 graph with biases that kernels can store in two bytes, layer by layer where that
    moves no sum by more than ROUNDED. A bias that several layers share stays.
    """
    changed = []
    for layer in weighted_layers(graph):
        node = layer.nodes[0]
        readers = [other for other in graph.nodes if node.inputs[2] in other.inputs]
        if len(readers) == len(layer.nodes) == 1:
            changed += _shortened(graph, layer)
    return with_constants(graph, changed)


def _shortened(graph: Graph, layer: Layer) -> list[Constant]:
    """The layer's bias, if it changes."""
    node = layer.nodes[0]
    bias = graph.constants[node.inputs[2]]
    source = graph.tensors[node.inputs[0]].quantization
    output = graph.tensors[node.outputs[0]].quantization
    if source is None or output is None or bias.values.dtype != np.int32:
        return []
    moved: NDArray[np.int64] = source.zero_point * layer.matrix.astype(np.int64).sum(axis=1)
    starts = bias.values.astype(np.int64) - moved
    places = max(0, int(np.abs(starts).max(initial=0)).bit_length() - 15)
    factor = float((source.scale * layer.scales / output.scale).max(initial=0.0))
    if places == 0 or factor * (1 << places) / 2 > ROUNDED:
        return []
    rounded = np.rint(starts / (1 << places)).astype(np.int64)
    rounded = np.clip(rounded, -LIMIT, LIMIT - 1) << places
    if np.abs(rounded - starts).max() > 1 << (places - 1):
        return []
    return [replace(bias, values=(rounded + moved).astype(np.int32))]
