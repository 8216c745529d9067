"""Zero padding by itself becomes the padding of the convolution behind it."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.ir import Graph, Node
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.pad import Pad
from tinycomp.passes._rewrite import Edit


def fold_padding(graph: Graph) -> Graph:
    """The graph with paddings of height and width in the windows of convolutions that read them.

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
        if edit.uses.only_reader(pad.outputs[0]) == node and _image(pad.op):
            edit.replace(node, [_widened(node, node.op, pad.op)])
            edit.remove(pad, pad.inputs[0])
    return edit.apply()


def _image(pad: Pad) -> bool:
    """Whether only height and width are padded."""
    return len(pad.padding) == 3 and pad.padding[2] == (0, 0)


def _widened(node: Node, op: Conv2D | DepthwiseConv2D, pad: Pad) -> Node:
    (top, bottom), (left, right) = pad.padding[:2]
    more = (top, left, bottom, right)
    padding = tuple(a + b for a, b in zip(op.window.padding, more, strict=True))
    window = replace(op.window, padding=(padding[0], padding[1], padding[2], padding[3]))
    return replace(node, op=replace(op, window=window))
