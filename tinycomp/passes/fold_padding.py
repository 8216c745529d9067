"""Folds zero padding into the convolution after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.reduction import CONSTANT, TensorReduction
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.pad import Pad
from tinycomp.passes._rewrite import Edit

WIDEST = 255
"""Maximum padding on one side that the kernels support."""


def fold_padding(graph: Graph) -> Graph:
    """The graph with paddings of height and width folded into the windows of convolutions.

    Both pad with the real value zero, so the sums are the same. Poolings don't count padding.
    """
    edit = Edit(graph)
    for node in graph.nodes:
        pad = edit.uses.producer(node.inputs[0])
        if (
            pad is None
            or not isinstance(pad.op, Pad)
            or not isinstance(node.op, Conv2D | DepthwiseConv2D)
        ):
            continue
        if edit.uses.only_reader(pad.outputs[0]) != node or not _image(pad.op):
            continue
        widened = _widened(node.op, pad.op)
        if max(widened.window.padding) <= WIDEST:
            edit.replace(node, [replace(node, op=widened)])
            edit.remove(pad, pad.inputs[0])
            edit.follows(pad.outputs[0], _around(graph, pad, pad.op))
    return edit.apply() if edit.changed else graph


def _image(pad: Pad) -> bool:
    """Whether only height and width are padded."""
    return len(pad.padding) == 3 and pad.padding[2] == (0, 0)


def _widened(op: Conv2D | DepthwiseConv2D, pad: Pad) -> Conv2D | DepthwiseConv2D:
    (top, bottom), (left, right) = pad.padding[:2]
    more = (top, left, bottom, right)
    padding = tuple(a + b for a, b in zip(op.window.padding, more, strict=True))
    window = replace(op.window, padding=(padding[0], padding[1], padding[2], padding[3]))
    return replace(op, window=window)


def _around(graph: Graph, node: Node, pad: Pad) -> TensorReduction:
    """The padded tensor: the other one, and zero points around it."""
    source, padded = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    places = np.arange(source.size, dtype=np.int32).reshape(source.shape)
    zero = 0 if padded.quantization is None else padded.quantization.zero_point
    return TensorReduction(
        source.name,
        np.pad(places, pad.padding, constant_values=CONSTANT),
        np.full(padded.shape, zero, padded.dtype),
    )
