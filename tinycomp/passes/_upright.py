"""Images of one row, which hold a sequence along their width, as images of one column: then the
sequence runs along rows. The bytes of all tensors stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._pooling import Pooling
from tinycomp.ops._reduction import Reduction
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops._vectors import VectorOperator
from tinycomp.ops._window import Window
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.pad import Pad
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice

_SAME = (UnaryOperator, VectorOperator, FullyConnected, BinaryOperator)
"""Operators without options about height and width."""
_FEWEST = 2


def upright(graph: Graph) -> Graph:
    """The int8 graph with all images of one row turned; the graph itself if it has none, or has
    some that an operator does not allow to turn.
    """
    turned = {name for name, tensor in graph.tensors.items() if _lies(tensor.shape)}
    if not turned:
        return graph
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        if turned.isdisjoint((*node.inputs, *node.outputs)):
            nodes.append(node)
            continue
        op = _turned(node.op, graph, node, turned)
        if op is None:
            return graph
        nodes.append(replace(node, op=op))
        for name in node.inputs:
            if name in graph.constants and name not in turned:
                constants[name] = _turned_constant(graph.constants[name])
    tensors = {
        name: replace(tensor, shape=_swapped(tensor.shape)) if name in turned else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, nodes=tuple(nodes), tensors=tensors, constants=constants, reduction=None)


def _lies(shape: Shape) -> bool:
    return len(shape) == 3 and shape[0] == 1 and shape[1] >= _FEWEST


def _swapped(shape: Shape) -> Shape:
    return (shape[1], shape[0], *shape[2:])


def _turned_constant(constant: Constant) -> Constant:
    """Weights and factors with height and width exchanged; vectors as they are."""
    axis = constant.values.ndim - 3
    if axis < 0:
        return constant
    return replace(constant, values=np.ascontiguousarray(constant.values.swapaxes(axis, axis + 1)))


def _turned(op: Operator, graph: Graph, node: Node, turned: set[str]) -> Operator | None:
    """The operator for turned images; None if it can't be turned."""
    changed: Any = op
    made: Operator
    if any(
        len(tensor.shape) == 3 and tensor.name not in turned and tensor.shape[:2] != (1, 1)
        for tensor in (*graph.operands(node).activations, graph.operands(node).output)
    ):
        return op if isinstance(op, Reshape) and node.outputs[0] not in turned else None
    if isinstance(op, Conv2D | DepthwiseConv2D | Pooling):
        made = replace(changed, window=_turned_window(op.window))
        return made
    if isinstance(op, _SAME):
        return op
    if isinstance(op, Reshape):
        return Reshape(_swapped(op.shape)) if node.outputs[0] in turned else op
    if isinstance(op, Concatenation):
        axis = op.axis % 3
        return Concatenation((1, 0, 2)[axis])
    if isinstance(op, Pad) and len(op.padding) == 3:
        return Pad((op.padding[1], op.padding[0], op.padding[2]))
    if isinstance(op, StridedSlice):
        return StridedSlice(_swapped(op.parts), _axes(op.dropped))  # type: ignore[arg-type]
    if isinstance(op, Reduction):
        made = op if op.axes is None else replace(changed, axes=_axes(op.axes))
        return made
    return None


def _axes(axes: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted({0: 1, 1: 0}.get(axis, axis) for axis in axes))


def _turned_window(window: Window) -> Window:
    top, left, bottom, right = window.padding
    return Window(
        window.kernel[::-1], window.stride[::-1], window.dilation[::-1], (left, top, right, bottom)
    )
