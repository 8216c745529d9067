"""Removes channels that are constant or unused: constants are folded into the readers' biases.
Exact in every bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.reduction import CONSTANT, UNREAD, TensorReduction
from tinycomp.ir.tensor import Constant, QuantizationParameters, Tensor
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._quantized import parameters
from tinycomp.passes._bounds import Bounds, bounds
from tinycomp.passes._channels import (
    Mask,
    by_channel,
    mixes,
    narrowed,
    needed_channels,
    uniform,
)
from tinycomp.passes._equal_channels import Numbers, equal_channels
from tinycomp.passes._rewrite import Edit


def remove_dead_channels(graph: Graph) -> Graph:
    """The int8 graph with only those channels that its outputs need.

    Inputs and outputs of the model keep all channels. Sums and biases stay within 32 bits: what is
    removed from a sum is added to its bias, so that their range does not grow.

    Raises:
        ModelError: a sum of the graph could leave 32 bits.
    """
    known = bounds(graph)
    kept = needed_channels(graph, known)
    if all(mask.all() for mask in kept.values()):
        return graph
    removal = _Removal(graph, known, kept)
    numbers = equal_channels(graph, known)
    for name, mask in kept.items():
        if not mask.all():
            removal.narrow_tensor(graph.tensors[name], numbers[name])
    for node in graph.nodes:
        removal.narrow_node(node)
    return removal.edit.apply()


class _Removal:
    """The edit that makes tensors and nodes narrower."""

    def __init__(self, graph: Graph, known: Mapping[str, Bounds], kept: Mapping[str, Mask]) -> None:
        self.edit = Edit(graph)
        self.graph, self.known, self.kept = graph, known, kept

    def narrow_tensor(self, tensor: Tensor, numbers: Numbers) -> None:
        """Map a removed channel to its constant, to an equal channel, or to unknown."""
        kept = self.kept[tensor.name]
        low, high = (by_channel(tensor, each) for each in self.known[tensor.name])
        at = {int(number): place for place, number in enumerate(numbers[kept])}
        places = np.array([at.get(int(number), UNREAD) for number in numbers])
        places[kept] = np.arange(kept.sum())
        rows = np.arange(len(low))[:, np.newaxis] * int(kept.sum())
        source = np.where(places >= 0, rows + places, UNREAD)
        constant = (low == high) & ~kept
        source[constant] = CONSTANT
        values = np.where(constant, low, low.dtype.type(0))
        name = tensor.name if np.any(source >= 0) else None
        self.edit.follows(
            tensor.name,
            TensorReduction(
                name, source.astype(np.int32).reshape(tensor.shape), values.reshape(tensor.shape)
            ),
        )
        if kept.any():
            self.edit.reshape_tensor(tensor.name, (*tensor.shape[:-1], int(kept.sum())))

    def narrow_node(self, node: Node) -> None:
        """The node for its narrowed tensors; a node without any output left is kept, and removed
        later as nothing reads it.
        """
        tensors = [name for name in (*node.inputs, *node.outputs) if name in self.graph.tensors]
        kept = self.kept[node.outputs[0]]
        if not kept.any() or all(self.kept[name].all() for name in tensors):
            return
        inputs = [
            name for name in node.inputs if name in self.graph.constants or self.kept[name].any()
        ]
        op = node.op
        if op.weight_axis is not None:
            weights, bias = self._weights(node)
            inputs[1:] = [
                self.edit.swap_constant(node, weights),
                self.edit.swap_constant(node, bias),
            ]
        elif isinstance(op, BinaryOperator):
            inputs = [self._factors(node, name, kept) for name in inputs]
        else:
            op = narrowed(op, kept)
        self.edit.replace(node, [replace(node, op=op, inputs=tuple(inputs))])

    def _weights(self, node: Node) -> tuple[Constant, Constant]:
        """Weights of the kept channels, with the sums of constants in the bias."""
        axis = node.op.weight_axis
        assert axis is not None
        operands = self.graph.operands(node)
        (source,), (weights, bias) = operands.activations, operands.constants
        rows = self.kept[node.outputs[0]]
        values, amounts = weights.values, bias.values.astype(np.int64)
        if mixes(node.op):
            columns = self.kept[source.name]
            _, value = uniform(source, self.known[source.name])
            dropped = np.where(columns, 0, value - parameters(source).zero_point)
            sums = values.astype(np.int64).sum(axis=tuple(range(1, values.ndim - 1)))
            amounts = amounts + sums @ dropped
            values = values[..., columns]
        values = np.compress(rows, values, axis=axis)
        return (
            replace(
                weights,
                values=np.ascontiguousarray(values),
                quantization=_sliced(weights.quantization, rows),
                codebook=_sliced_codebook(weights.codebook, rows),
            ),
            replace(
                bias,
                values=amounts[rows].astype(bias.values.dtype),
                quantization=_sliced(bias.quantization, rows),
            ),
        )

    def _factors(self, node: Node, name: str, kept: Mask) -> str:
        """A constant input with one factor per channel, narrowed."""
        constant = self.graph.constants.get(name)
        if constant is None or constant.shape[-1:] != kept.shape:
            return name
        return self.edit.swap_constant(node, replace(constant, values=constant.values[..., kept]))


def _sliced(known: QuantizationParameters | None, rows: Mask) -> QuantizationParameters | None:
    """The parameters of the kept output channels, if each has its own."""
    if known is None or len(known.scales) != len(rows):
        return known
    return replace(
        known,
        scales=tuple(np.compress(rows, known.scales).tolist()),
        zero_points=tuple(np.compress(rows, known.zero_points).tolist()),
    )


def _sliced_codebook(codebook: NDArray[np.int8] | None, rows: Mask) -> NDArray[np.int8] | None:
    """The groups of the kept output channels, where each has its own."""
    return codebook[rows] if codebook is not None and len(codebook) == len(rows) else codebook
