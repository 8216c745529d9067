"""Converts batch normalization that could not be folded to a 1 x 1 depthwise convolution."""

from __future__ import annotations

import math

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Shape
from tinycomp.ops._window import Window
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._rewrite import Edit, name_outputs


def lower_batch_normalization(graph: Graph) -> Graph:
    """The graph without batch normalization; run after folding."""
    edit = Edit(graph)
    weights: dict[tuple[str, ...], tuple[str, str]] = {}
    for node in graph.nodes:
        if isinstance(node.op, BatchNormalization):
            constants = node.inputs[1:]
            if constants not in weights:
                weights[constants] = _constants(edit, node)
            edit.replace(node, _depthwise(edit, node, weights[constants]))
    return name_outputs(edit.apply())


def _constants(edit: Edit, node: Node) -> tuple[str, str]:
    scale, offset = (edit.graph.constants[name].values for name in node.inputs[1:])
    weights = np.asarray(scale, np.float32).reshape(1, 1, 1, -1)
    return (
        edit.constant(f"{node.name}/kernel", weights),
        edit.constant(f"{node.name}/bias", np.asarray(offset, np.float32)),
    )


def _depthwise(edit: Edit, node: Node, constants: tuple[str, str]) -> list[Node]:
    """The convolution, between two reshapes unless the tensor has three axes."""
    output = edit.graph.tensors[node.outputs[0]]
    op = DepthwiseConv2D(Window((1, 1)))
    image = _image(output.shape)
    if image == output.shape:
        return [Node(node.name, op, (node.inputs[0], *constants), node.outputs)]
    expanded = edit.tensor(f"{node.name}/expand", output, image)
    inner = edit.tensor(f"{node.name}/inner", output, image)
    return [
        Node(expanded, Reshape(image), (node.inputs[0],), (expanded,)),
        Node(node.name, op, (expanded, *constants), (inner,)),
        Node(edit.unique(f"{node.name}/squeeze"), Reshape(output.shape), (inner,), node.outputs),
    ]


def _image(shape: Shape) -> Shape:
    """The shape with three axes: (length, 1, channels), or all axes but the last two as one."""
    if len(shape) > 3:
        return (math.prod(shape[:-2]), *shape[-2:])
    return shape if len(shape) == 3 else (*((1,) * (2 - len(shape))), *shape[:-1], 1, shape[-1])
