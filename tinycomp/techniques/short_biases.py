"""Rounds biases so that kernels can store an accumulator's initial value in two bytes and a shift.

The initial value is the bias minus the contribution of the input's zero point. It is rounded to a
multiple of a power of two, and the bias is adjusted to match. The accumulator is requantized to
int8 by a small factor, so its lowest bits do not matter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Constant
from tinycomp.ops._recurrent import Recurrent
from tinycomp.techniques._layers import Layer, weighted_layers, with_constants

LIMIT = 1 << 15
"""One more than the largest value that fits in two bytes."""
ROUNDED = 1 / 32
"""The largest rounding error, in output steps."""


def shorten_biases(graph: Graph) -> Graph:
    """The int8 graph with biases that kernels can store in two bytes, for each layer where the
    error is at most ROUNDED. Shared biases are left unchanged, and those of recurrent layers: their
    sums are over the state too, and are requantized to hidden values.
    """
    changed = []
    for layer in weighted_layers(graph):
        node = layer.nodes[0]
        if isinstance(node.op, Recurrent):
            continue
        readers = [other for other in graph.nodes if node.inputs[2] in other.inputs]
        if len(readers) == len(layer.nodes) == 1:
            changed += _shortened(graph, layer)
    return with_constants(graph, changed)


def _shortened(graph: Graph, layer: Layer) -> list[Constant]:
    """The layer's rounded bias; empty if it does not change."""
    node = layer.nodes[0]
    bias = graph.constants[node.inputs[2]]
    source = graph.tensors[node.inputs[0]].quantization
    output = graph.tensors[node.outputs[0]].quantization
    if source is None or output is None or bias.values.dtype != np.int32:
        return []
    moved: NDArray[np.int64] = source.zero_point * layer.matrix.astype(np.int64).sum(axis=1)
    starts = bias.values.astype(np.int64) - moved
    shift = max(0, int(np.abs(starts).max(initial=0)).bit_length() - 15)
    factor = float((source.scale * layer.scales / output.scale).max(initial=0.0))
    if shift == 0 or factor * (1 << shift) / 2 > ROUNDED:
        return []
    rounded = np.rint(starts / (1 << shift)).astype(np.int64)
    rounded = np.clip(rounded, -LIMIT, LIMIT - 1) << shift
    if np.abs(rounded - starts).max() > 1 << (shift - 1):
        return []
    return [replace(bias, values=(rounded + moved).astype(np.int32))]
