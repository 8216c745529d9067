"""Lower and upper bounds of each element of each tensor for any model input, computed by the
operators' integer references.

Sums, poolings and rescalings are monotonic, so the bounds of an output are computed from the bounds
of the inputs (interval arithmetic).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinycomp.int16._registry import arithmetic
from tinycomp.ir.fixed_point import scale_and_round
from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Operands, Tensor
from tinycomp.ops._move import Move
from tinycomp.ops._patches import padded, patches
from tinycomp.ops._quantized import parameters, requantized
from tinycomp.ops._reduction import Reduction
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops._weighted import (
    channel_scales,
    exact_products,
    folded_bias,
    requantized_twice,
)
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.resize_bilinear import ResizeBilinear

_INCREASING = (
    Add, AveragePool2D, Concatenation, Extremum, MaxPool2D, Move, Pad, Reduction, Reshape,
    ResizeBilinear,
)  # fmt: skip
_EVERY = np.arange(-128, 128, dtype=np.int8)


class Bounds(NamedTuple):
    """Least and greatest value of each element, in the tensor's type and shape."""

    low: Array
    """The least possible values."""
    high: Array
    """The greatest possible values."""

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Elements with only one possible value."""
        return np.equal(self.low, self.high)


@lru_cache(maxsize=1)
def bounds(graph: Graph) -> Mapping[str, Bounds]:
    """Bounds of every tensor of an integer graph, by name; for int16, those of its type.

    Raises:
        ModelError: a sum could leave 32 bits.
    """
    found = {name: _anything(graph.tensors[name]) for name in graph.inputs}
    for node in graph.nodes:
        inputs = [found[name] for name in node.inputs if name in graph.tensors]
        found[node.outputs[0]] = _of(node.op, graph.operands(node), inputs)
    return found


def table(op: Operator, operands: Operands) -> NDArray[np.int8]:
    """The outputs of a function of one value for -128 ... 127, in order."""
    column = (len(_EVERY), 1, 1)
    source = replace(operands.activations[0], shape=column)
    column_operands = Operands((source,), (replace(operands.output, shape=column),))
    values = op.reference(column_operands, [_EVERY.reshape(1, *column)])
    return np.asarray(values, np.int8).ravel()


def _anything(tensor: Tensor) -> Bounds:
    found = np.iinfo(tensor.dtype)
    low, high = (np.full(tensor.shape, each, tensor.dtype) for each in (found.min, found.max))
    return Bounds(low, high)


def on_bytes(op: Operator, operands: Operands) -> bool:
    """Whether the operator itself computes the node, on int8."""
    return operands.output.dtype == "int8" and arithmetic(op, operands) is op


def is_table(op: Operator, operands: Operands) -> bool:
    """Whether the node is a table of 256 bytes."""
    return isinstance(op, UnaryOperator) and on_bytes(op, operands)


def _of(op: Operator, operands: Operands, inputs: Sequence[Bounds]) -> Bounds:
    if not on_bytes(op, operands):
        return _anything(operands.output)
    match op:
        case Conv2D() | DepthwiseConv2D() | FullyConnected():
            return _weighted(op, operands, inputs[0])
        case Mul():
            corners = [_computed(op, operands, corner) for corner in product(*inputs)]
            return Bounds(np.minimum.reduce(corners), np.maximum.reduce(corners))
        case UnaryOperator():
            return _looked_up(table(op, operands), inputs[0])
        case _ if isinstance(op, _INCREASING) or all(each.constant.all() for each in inputs):
            low, high = zip(*inputs, strict=True)
            return Bounds(_computed(op, operands, low), _computed(op, operands, high))
    return _anything(operands.output)


def _computed(op: Operator, operands: Operands, inputs: Sequence[Array]) -> NDArray[np.int8]:
    values: NDArray[np.int8] = op.reference(operands, [each[np.newaxis] for each in inputs])[0]
    return values


def _looked_up(values: NDArray[np.int8], source: Bounds) -> Bounds:
    """The least and greatest entry between two indices, for all pairs of bounds at once."""
    square = np.broadcast_to(values, (256, 256))
    behind = np.triu(np.ones((256, 256), bool))
    least = np.minimum.accumulate(np.where(behind, square, np.int8(127)), axis=1)
    most = np.maximum.accumulate(np.where(behind, square, np.int8(-128)), axis=1)
    first, last = (each.astype(np.int16) + 128 for each in source)
    return Bounds(least[first, last], most[first, last])


def _weighted(
    op: Conv2D | DepthwiseConv2D | FullyConnected, operands: Operands, source: Bounds
) -> Bounds:
    """Sums over windows; most windows have the same bounds, so each distinct one is summed once."""
    weights = operands.constants[0].values
    matrix = np.moveaxis(weights, op.weight_axis or 0, 0).reshape(operands.output.shape[-1], -1)
    less, more, kinds = _distinct(
        _windows(op, operands, source.low), _windows(op, operands, source.high)
    )
    bias = folded_bias(operands, matrix)
    shape = operands.output.shape
    found = []
    for first, second in ((less, more), (more, less)):
        sums = _sums(op, first, np.maximum(matrix, 0)) + _sums(op, second, np.minimum(matrix, 0))
        found.append(_rescaled(op, operands, sums + bias)[kinds].reshape(shape))
    return Bounds(*found)


def _windows(
    op: Conv2D | DepthwiseConv2D | FullyConnected, operands: Operands, image: Array
) -> Array:
    """The inputs of each sum, or of each depthwise sum of all channels: (positions, length)."""
    if isinstance(op, FullyConnected):
        return image.reshape(-1, image.shape[-1])
    zero_point = parameters(operands.activations[0]).zero_point
    around = padded(image[np.newaxis], op.window, zero_point)
    height, width, _ = operands.output.shape
    return patches(around, op.window, (height, width)).reshape(height * width, -1)


def _distinct(low: Array, high: Array) -> tuple[Array, Array, NDArray[np.int64]]:
    """The distinct pairs of rows, and the index of each pair among them."""
    numbers: dict[bytes, int] = {}
    keys = [row.tobytes() for row in np.concatenate([low, high], axis=1)]
    kinds = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    first = np.unique(kinds, return_index=True)[1]
    return low[first], high[first], kinds


def _sums(
    op: Conv2D | DepthwiseConv2D | FullyConnected, rows: Array, matrix: NDArray[np.int8]
) -> NDArray[np.int64]:
    if not isinstance(op, DepthwiseConv2D):
        return exact_products(rows, matrix)
    cells = rows.reshape(len(rows), matrix.shape[1], -1).repeat(op.multiplier, axis=2)
    sums: NDArray[np.int64] = np.einsum(
        "rkc,ck->rc", cells.astype(np.int64), matrix.astype(np.int64)
    )
    return sums


def _rescaled(
    op: Conv2D | DepthwiseConv2D | FullyConnected, operands: Operands, sums: Array
) -> NDArray[np.int8]:
    if isinstance(op, FullyConnected):
        scaled = scale_and_round(sums, channel_scales(operands, sums.shape[-1]))
        return requantized(scaled, operands.output, op.activation)
    return requantized_twice(sums, operands, op.activation)
