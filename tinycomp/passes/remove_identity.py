"""Removes nodes that change neither values nor shape."""

from __future__ import annotations

from tinycomp.ir.graph import Graph, Node
from tinycomp.ops._activation import Activation
from tinycomp.ops._move import Move, in_order
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.pad import Pad
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._rewrite import Edit


def remove_identity(graph: Graph) -> Graph:
    """The graph without such reshapes, paddings, slices, poolings and concatenations."""
    edit = Edit(graph)
    for node in graph.nodes:
        if _is_identity(graph, node):
            edit.remove(node, node.inputs[0])
    return edit.apply() if edit.changed else graph


def _is_identity(graph: Graph, node: Node) -> bool:
    operands = graph.operands(node)
    if operands.output.quantization != operands.activations[0].quantization:
        return False
    match node.op:
        case Reshape():
            return operands.inputs[0].shape == operands.output.shape
        case Pad(padding):
            return not any(before or after for before, after in padding)
        case Move():
            shape = operands.inputs[0].shape
            return operands.output.shape == shape and in_order(node.op, shape)
        case Concatenation():
            return len(node.inputs) == 1
        case AveragePool2D(window, activation) | MaxPool2D(window, activation):
            plain = activation is Activation.NONE and not any(window.padding)
            return plain and window.kernel == window.stride == (1, 1)
    return False
