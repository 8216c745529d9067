"""Converts depthwise convolutions over one input channel to convolutions, which are faster.

Converters make the first layer over one channel (a spectrogram, a grey image) a depthwise one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Constant, QuantizationParameters
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.passes._rewrite import Edit

OUTPUT_AXIS = 0
"""Of a convolution's weights."""


def lower_depthwise(graph: Graph) -> Graph:
    """The graph with a convolution for each depthwise one over one channel: same products, sums and
    rounding.
    """
    edit = Edit(graph)
    for node in graph.nodes:
        if isinstance(node.op, DepthwiseConv2D) and graph.tensors[node.inputs[0]].shape[-1] == 1:
            edit.replace(node, [_convolution(edit, node, node.op)])
    return edit.apply() if edit.changed else graph


def _convolution(edit: Edit, node: Node, op: DepthwiseConv2D) -> Node:
    source, weights, bias = node.inputs
    channels_first = edit.swap_constant(node, _channels_first(edit.graph.constants[weights]))
    return replace(node, op=Conv2D(op.window, op.activation), inputs=(source, channels_first, bias))


def _channels_first(weights: Constant) -> Constant:
    """Weights (1, height, width, out) as (out, height, width, 1)."""
    values = np.ascontiguousarray(weights.values.transpose(3, 1, 2, 0))
    return replace(weights, values=values, quantization=_along_output(weights.quantization))


def _along_output(quantization: QuantizationParameters | None) -> QuantizationParameters | None:
    """The same parameters, along the new axis of channels."""
    if quantization is None or quantization.axis is None:
        return quantization
    return replace(quantization, axis=OUTPUT_AXIS)
