"""Weights that were trained on few coarse steps become multiples of finer ones.

A layer's factor is input scale * weight scale / output scale. Weights of -1, 0 and 1 that make an
output of few inputs have factors of a half and more, which the kernels of most instruction sets do
not take: convolutions round twice, and cannot be changed once they are quantized.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.ops._weighted import LARGEST_WEIGHT, SUM_LIMIT


def with_small_factors(
    graph: Graph,
    scales: Mapping[str, Array],
    activations: Mapping[str, float],
    types: Mapping[str, str],
) -> dict[str, Array]:
    """The scales of weights, divided by a power of two where factors are a half and more, and where
    the larger integers fit: every weight stays what it is. Only for weights on a grid that one
    layer reads, on int8: the sums of other layers are not known here.

    Args:
        graph: float.
        scales: by name of the weights, of each channel or of all.
        activations: scales of tensors.
        types: of tensors, once quantized.
    """
    found = dict(scales)
    for node in graph.nodes:
        if node.op.weight_axis is None or node.op.hidden or types[node.inputs[0]] != "int8":
            continue
        weights = node.inputs[1]
        if graph.constants[weights].grid is not None and len(graph.consumers(weights)) == 1:
            _refine(graph, node, found, activations)
    return found


def _refine(
    graph: Graph, node: Node, scales: dict[str, Array], activations: Mapping[str, float]
) -> None:
    source, weights, bias, *_ = node.inputs
    own, axis = scales[weights], node.op.weight_axis or 0
    factor = activations[source] / activations[node.outputs[0]] * own.max()
    bits = int(np.frexp(2 * factor)[1])
    if bits <= 0:
        return
    finer = own * 0.5**bits
    values = np.moveaxis(graph.constants[weights].values, axis, 0)
    steps = np.abs(values.reshape(len(values), -1)).astype(np.float64) / finer.reshape(-1, 1)
    biases = np.abs(graph.constants[bias].values) / (activations[source] * finer.min())
    # Inputs are at most 255 from their zero point.
    reach = 255 * steps.sum(axis=1).max(initial=0) + biases.max(initial=0)
    if np.rint(steps.max(initial=0)) <= LARGEST_WEIGHT and reach < SUM_LIMIT:
        scales[weights] = finer
