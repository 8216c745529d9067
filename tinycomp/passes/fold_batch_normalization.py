"""Folds batch normalization into the weights of the operator before or after it.

The arithmetic is float64; weights are float32. (Jacob et al., 2018, section 3.2.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._reduction import Reduction
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._rewrite import Edit

_Weighted = Conv2D | DepthwiseConv2D | FullyConnected


def fold_batch_normalization(graph: Graph) -> Graph:
    """The graph with all possible batch normalizations folded, exact except for rounding.

    They are folded into the operator before, if nothing else reads its output; else into the
    operator after, if nothing else reads the normalized tensor and there is no zero padding in
    between. Weights that other nodes read too are copied.
    """
    while True:
        fold = _Fold(graph)
        for node in graph.nodes:
            if isinstance(node.op, BatchNormalization) and not fold.into_previous(node):
                fold.into_next(node)
        if not fold.edit.changed:
            return graph
        graph = fold.edit.apply()


class _Fold:
    """One sweep; each weighted node absorbs at most one batch normalization."""

    def __init__(self, graph: Graph) -> None:
        self.edit = Edit(graph)
        self._folded: dict[tuple[str, ...], tuple[str, str]] = {}

    def into_previous(self, node: Node) -> bool:
        """w * scale for each output channel; bias * scale + offset."""
        scale, offset = self._statistics(node)
        source = self._previous(node, increasing=bool(np.all(scale > 0)))
        if source is None or self.edit.touched(source):
            return False
        if isinstance(source.op, BatchNormalization):
            before, shift = self._statistics(source)
            self._change(source, node, "after", before * scale, shift * scale + offset)
            self.edit.remove(node, node.inputs[0])
            return True
        if not _linear(source.op):
            return False
        weights, bias = self._weights(source)
        assert source.op.weight_axis is not None
        shape = [1] * weights.ndim
        shape[source.op.weight_axis] = -1
        self._change(source, node, "after", weights * scale.reshape(shape), bias * scale + offset)
        self.edit.remove(node, node.inputs[0])
        return True

    def into_next(self, node: Node) -> bool:
        """w * scale for each input channel; bias + the sum of w * offset."""
        target = self._next(node)
        if target is None or self.edit.touched(target):
            return False
        scale, offset = self._statistics(node)
        weights, bias = self._weights(target)
        match target.op:
            case Conv2D():
                sums = np.tensordot(weights, offset, axes=(3, 0)).sum(axis=(1, 2))
            case DepthwiseConv2D(multiplier=multiplier):
                scale, offset = scale.repeat(multiplier), offset.repeat(multiplier)
                sums = (weights * offset).sum(axis=(0, 1, 2))
            case _:
                # After a flatten, channels are the fastest axis of the row.
                positions = weights.shape[1] // len(scale)
                scale, offset = np.tile(scale, positions), np.tile(offset, positions)
                sums = weights @ offset
        if any(_padding(target.op)) and np.any(offset):
            return False
        self._change(target, node, "before", weights * scale, bias + sums)
        self.edit.remove(node, node.inputs[0])
        return True

    def _previous(self, node: Node, increasing: bool) -> Node | None:
        """The operator that computes the normalized tensor, before any poolings that commute with
        it.

        The mean of a * x + b is a * mean + b, and likewise the maximum if a > 0.
        """
        uses = self.edit.uses
        here: Node | None = node
        while here is not None:
            before = uses.producer(here.inputs[0])
            if before is None or uses.only_reader(before.outputs[0]) != here:
                return None
            if not _commutes(before.op, increasing):
                return before
            here = before
        return None

    def _next(self, node: Node) -> Node | None:
        """The weighted operator that alone reads the normalized tensor, maybe reshaped with the
        channels still behind; a dense layer may read a row of all of them.
        """
        uses, tensors = self.edit.uses, self.edit.graph.tensors
        channels = tensors[node.outputs[0]].shape[-1]
        reader = uses.only_reader(node.outputs[0])
        while reader is not None and isinstance(reader.op, Reshape):
            reader = uses.only_reader(reader.outputs[0])
        if reader is None or not isinstance(reader.op, _Weighted):
            return None
        read = tensors[reader.inputs[0]].shape[-1]
        dense = isinstance(reader.op, FullyConnected)
        return reader if read == channels or (dense and read % channels == 0) else None

    def _statistics(self, node: Node) -> tuple[Array, Array]:
        scale, offset = (self.edit.graph.constants[name].values for name in node.inputs[1:])
        return np.asarray(scale, np.float64), np.asarray(offset, np.float64)

    def _weights(self, node: Node) -> tuple[Array, Array]:
        weights, bias = (self.edit.graph.constants[name].values for name in node.inputs[1:])
        return np.asarray(weights, np.float64), np.asarray(bias, np.float64)

    def _change(
        self, node: Node, normalization: Node, side: str, weights: Array, bias: Array
    ) -> None:
        """Set the node's new constants: one pair for a layer and normalization that are called
        twice.
        """
        key = (side, *node.inputs[1:], *normalization.inputs[1:])
        if key not in self._folded:
            _, old_weights, old_bias = node.inputs
            self._folded[key] = (
                self.edit.change_constant(node, old_weights, weights),
                self.edit.change_constant(node, old_bias, bias),
            )
        self.edit.replace(node, [replace(node, inputs=(node.inputs[0], *self._folded[key]))])


def _commutes(op: Operator, increasing: bool) -> bool:
    if isinstance(op, Reduction) and op.axes is not None:
        return False  # channels may be among what is reduced
    if isinstance(op, Mean):
        return True
    if isinstance(op, AveragePool2D):
        return op.activation is Activation.NONE
    if isinstance(op, MaxPool2D):
        return increasing and op.activation is Activation.NONE
    return increasing and isinstance(op, ReduceMax)


def _linear(op: Operator) -> bool:
    return isinstance(op, _Weighted) and op.activation is Activation.NONE


def _padding(op: Operator) -> tuple[int, ...]:
    return op.window.padding if isinstance(op, Conv2D | DepthwiseConv2D) else ()
