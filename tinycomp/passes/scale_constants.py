"""Products, sums and differences with a constant per channel as a scale and offset, which can fold
into the layer before or after.
"""

from __future__ import annotations

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, Operands, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.passes._rewrite import Edit

_RECTIFIERS = {Activation.RELU: Relu(), Activation.RELU6: Relu(6.0)}


def scale_constants(graph: Graph) -> Graph:
    """The float graph with these operators as batch normalization, followed by their activation."""
    edit = Edit(graph)
    for node in graph.nodes:
        if isinstance(node.op, Mul | AddConstant):
            operands = graph.operands(node)
            activation = node.op.activation
            factors = _factors(node.op, operands)
            if factors is not None and (activation is Activation.NONE or activation in _RECTIFIERS):
                edit.replace(node, _scaled(edit, node, operands.activations[0], factors))
    return edit.apply() if edit.changed else graph


def _factors(op: Mul | AddConstant, operands: Operands) -> tuple[Array, Array] | None:
    """Scale and offset of each channel; None for products of tensors and for other constants."""
    if len(operands.constants) != 1 or operands.output.dtype != "float32":
        return None
    (constant,), channels = operands.constants, operands.output.shape[-1]
    per_channel = constant.values.size == 1 or constant.shape[-1:] == (constant.values.size,)
    if operands.activations[0].shape != operands.output.shape or not per_channel:
        return None
    if constant.values.size not in (1, channels):
        return None
    values = np.broadcast_to(constant.values.astype(np.float64).ravel(), (channels,))
    if isinstance(op, Mul):
        return values, np.zeros(channels)
    if not op.subtract:
        return np.ones(channels), values
    if isinstance(operands.inputs[0], Constant):
        return -np.ones(channels), values
    return np.ones(channels), -values


def _scaled(edit: Edit, node: Node, source: Tensor, factors: tuple[Array, Array]) -> list[Node]:
    constants = [
        edit.constant(f"{node.name}/{name}", values)
        for name, values in zip(("scale", "offset"), factors, strict=True)
    ]
    inputs = (source.name, *constants)
    assert isinstance(node.op, Mul | AddConstant)
    if node.op.activation is Activation.NONE:
        return [Node(node.name, BatchNormalization(), inputs, node.outputs)]
    inner = edit.tensor(f"{node.name}/scaled", source, source.shape)
    return [
        Node(inner, BatchNormalization(), inputs, (inner,)),
        Node(node.name, _RECTIFIERS[node.op.activation], (inner,), node.outputs),
    ]
