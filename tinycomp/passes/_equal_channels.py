"""Numbers for channels: channels with the same number have the same values for any model input.

Global value numbering: a channel's number identifies the operation, its constants and the numbers
of its inputs. Unknown operators give every channel a new number.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Operands
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._quantized import parameters
from tinycomp.ops._reduction import Reduction
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._bounds import Bounds
from tinycomp.passes._channels import channels, uniform

Numbers = NDArray[np.int64]


def equal_channels(graph: Graph, known: Mapping[str, Bounds]) -> dict[str, Numbers]:
    """A number for each channel of each tensor.

    Args:
        graph: an int8 graph.
        known: its bounds; constants are equal by their value.
    """
    table: dict[Hashable, int] = {}
    found: dict[str, Numbers] = {}
    for name in graph.inputs:
        found[name] = _numbered(table, ((name, c) for c in range(channels(graph.tensors[name]))))
    for node in graph.nodes:
        output = graph.tensors[node.outputs[0]]
        keys = _keys(node, graph.operands(node), [found[n] for n in node.inputs if n in found])
        same, value = uniform(output, known[output.name])
        found[output.name] = _numbered(
            table,
            (("constant", int(v)) if s else k for k, s, v in zip(keys, same, value, strict=True)),
        )
    return found


def _numbered(table: dict[Hashable, int], keys: Iterable[Hashable]) -> Numbers:
    """The number of each key, a new one for a new key; keys that are numbers already are kept."""
    numbers = [k if isinstance(k, int) else table.setdefault(k, len(table)) for k in keys]
    return np.array(numbers, np.int64)


def _keys(node: Node, operands: Operands, inputs: Sequence[Numbers]) -> Sequence[Hashable]:
    """The keys of the output's channels."""
    count = channels(operands.output)
    first = inputs[0].tolist()
    match node.op:
        case Conv2D() | FullyConnected() | DepthwiseConv2D():
            return _weighted(node, operands, inputs[0])
        case BinaryOperator():
            factors = _factors(operands, count)
            numbers = zip(*(_repeated(each, count).tolist() for each in inputs), strict=True)
            return [(node.name, *key) for key in zip(factors, numbers, strict=True)]
        case Concatenation(axis=axis) if axis % len(operands.output.shape) == (
            len(operands.output.shape) - 1
        ):
            return [number for each in inputs for number in each.tolist()]
        case Reshape() if count % len(first) == 0:
            return [(node.name, c // len(first), first[c % len(first)]) for c in range(count)]
        case UnaryOperator() | AveragePool2D() | MaxPool2D() | Reduction(axes=None):
            return [(node.name, number) for number in first]
    return [(node.name, "own", c) for c in range(count)]


def _weighted(node: Node, operands: Operands, source: Numbers) -> list[Hashable]:
    """Keys of bias, scale and weights; weights of equal inputs add up."""
    weights, bias = operands.constants
    scales = np.broadcast_to(parameters(weights).scales, bias.shape).tolist()
    if isinstance(node.op, DepthwiseConv2D):
        read = source.repeat(node.op.multiplier).tolist()
        rows = weights.values.reshape(-1, len(bias.values)).T
    else:
        order = np.argsort(source, kind="stable")
        starts = np.unique(source[order], return_index=True)[1]
        by_input = weights.values.reshape(-1, len(source))[:, order].astype(np.int32)
        rows = np.add.reduceat(by_input, starts, axis=1).reshape(len(bias.values), -1)
        read = [0] * len(bias.values)
    parts = zip(read, rows, bias.values.tolist(), scales, strict=True)
    return [(node.name, number, row.tobytes(), b, s) for number, row, b, s in parts]


def _repeated(numbers: Numbers, count: int) -> Numbers:
    """One number per channel, also for an input with one value for all."""
    return np.broadcast_to(numbers, (count,))


def _factors(operands: Operands, count: int) -> list[Hashable]:
    """The values of a constant input per channel; empty without one."""
    if not operands.constants:
        return [()] * count
    values = np.atleast_1d(operands.constants[0].values)
    by_channel = values.reshape(-1, values.shape[-1])
    columns = np.broadcast_to(by_channel, (len(by_channel), count)).T
    return [column.tobytes() for column in columns]
