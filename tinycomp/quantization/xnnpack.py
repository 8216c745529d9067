"""Checks whether XNNPACK, LiteRT's default delegate, accepts a .tflite.

It refuses convolutions and dense layers whose requantization factor, input scale x weight scale /
output scale, is 256 or more (found by running small models; no other operator has such a limit).
"""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Constant

LIMIT = 256.0


def xnnpack_note(graph: Graph) -> str | None:
    """The note on an int8 model that LiteRT's default interpreter refuses; None if it runs."""
    refused = [node.name for node in graph.nodes if _factor(graph, node) >= LIMIT]
    if not refused:
        return None
    return (
        f"LiteRT's default interpreter (XNNPACK) refuses this .tflite: the output scale of "
        f"{', '.join(map(repr, refused))} is too small for its input's and its weights'. Its "
        "reference kernels, and this library, run it. Calibrate with data that makes the layer's "
        "output other than zero."
    )


def _factor(graph: Graph, node: Node) -> float:
    """The largest factor of all output channels; 0 for an operator without weights."""
    if node.op.weight_axis is None:
        return 0.0
    source, weights = (graph.value(name) for name in node.inputs[:2])
    output = graph.tensors[node.outputs[0]]
    assert isinstance(weights, Constant)
    parameters = source.quantization, weights.quantization, output.quantization
    if any(each is None for each in parameters):
        return 0.0
    scales = [np.asarray(each.scales, np.float64) for each in parameters if each is not None]
    return float((scales[0] * scales[1] / scales[2]).max())
