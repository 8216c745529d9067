"""Bias correction: subtracts the mean error of changed weights from the bias of each channel.

Source: M. Nagel et al., "Data-free quantization through weight equalization and bias correction",
ICCV 2019. Means are taken over calibration samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Constant
from tinycomp.techniques._layers import Layer, weighted_layers, with_constants
from tinycomp.techniques._statistics import input_statistics


def correct_biases(graph: Graph, reference: Graph, activations: Mapping[str, Array]) -> Graph:
    """The graph with biases that restore the mean of each output channel in the reference.

    This corrects any change of weights: pruning, codebooks, or int8 quantization itself (with a
    float reference). A bias shared by several layers is left unchanged.

    Args:
        graph: with changed weights, float or int8.
        reference: the graph before the change, with nodes of the same names.
        activations: of the reference on calibration data, by tensor name, (samples, *shape).
    """
    before = {node.name: layer for layer in weighted_layers(reference) for node in layer.nodes}
    biases: dict[str, Constant] = {}
    for layer in weighted_layers(graph):
        difference = before[layer.name].real - layer.real
        if not difference.any():
            continue
        statistics = input_statistics(reference, before[layer.name], activations)
        if statistics is None:
            continue
        shift = (difference * statistics.mean).sum(axis=1)
        readers = [node for node in graph.nodes if layer.nodes[0].inputs[2] in node.inputs]
        if all(node in layer.nodes for node in readers):
            bias = _shifted(graph, layer, shift)
            biases[bias.name] = bias
    return with_constants(graph, biases.values())


def _shifted(graph: Graph, layer: Layer, shift: NDArray[np.float64]) -> Constant:
    """The layer's bias plus a real shift per channel; an int32 bias is rounded to the nearest."""
    node = layer.nodes[0]
    bias = graph.constants[node.inputs[2]]
    source = graph.tensors[node.inputs[0]].quantization
    if source is None:
        return replace(bias, values=(bias.values + shift).astype(bias.values.dtype))
    steps = np.rint(shift / (source.scale * layer.scales[:, 0])).astype(np.int64)
    return replace(bias, values=(bias.values + steps).astype(bias.values.dtype))
