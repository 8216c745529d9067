"""Cross-layer equalization: channels between two layers are rescaled so that both layers' weights
have equal ranges.

Source: M. Nagel et al., "Data-free quantization through weight equalization and bias correction",
ICCV 2019. The float function does not change; it helps if a layer has a single weight scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.pad import Pad
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.techniques._layers import folded, with_constants, with_notes
from tinycomp.techniques._technique import Samples, Stage, Technique

_SETTLED = 1e-3
"""Sweeps end if no factor changes by more than this, as a logarithm."""
_Weighted = Conv2D | DepthwiseConv2D | FullyConnected
_HOMOGENEOUS = (Activation.NONE, Activation.RELU)
"""Activations f with f(s x) = s f(x) for s > 0."""


class _Pair(NamedTuple):
    """Two consecutive layers; the channels between them have no other reader."""

    first: Node
    """The layer that computes the channels."""
    second: Node
    """The layer that reads the channels."""


@dataclass(frozen=True)
class Equalize(Technique):
    """Rescales channels between layers without changing the float function."""

    name: ClassVar[str] = "equalize"
    stage: ClassVar[Stage] = "float"

    sweeps: int = 20
    """The most sweeps over all pairs of layers."""
    most: float = 100.0
    """The largest factor of a channel per sweep; its inverse is the smallest."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        if self.sweeps < 1 or self.most <= 1:
            raise TinycompError(
                f"Equalization with {self.sweeps} sweeps and factors up to {self.most:g} is not "
                "possible.",
                expected="Expected sweeps >= 1 and most > 1.",
            )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with batch normalization folded, and equalized weights."""
        graph = folded(graph)
        pairs = list(_pairs(graph))
        if not pairs:
            return with_notes(
                graph, ["Nothing was equalized, because the model has no suitable pair of layers."]
            )
        for _ in range(self.sweeps):
            changes = []
            for pair in pairs:
                factors = self._factors(graph, pair)
                graph = _scaled(graph, pair, factors)
                changes.append(np.abs(np.log(factors)).max())
            if max(changes) < _SETTLED:
                break
        return graph

    def _factors(self, graph: Graph, pair: _Pair) -> Array:
        """The factors by which the channels between the layers are divided."""
        weights = graph.constants[pair.first.inputs[1]].values
        axis = pair.first.op.weight_axis
        assert axis is not None
        written = np.abs(np.moveaxis(weights, axis, 0)).reshape(weights.shape[axis], -1).max(axis=1)
        read = np.abs(_by_input(graph, pair.second, len(written))).max(axis=(0, 2))
        usable = (written > 0) & (read > 0)
        ratio = np.divide(written, read, out=np.ones(len(written)), where=usable)
        return np.asarray(np.clip(np.sqrt(ratio), 1 / self.most, self.most))


def _pairs(graph: Graph) -> Iterator[_Pair]:
    """The pairs of layers, in the order of the graph."""
    for node in graph.nodes:
        if _usable(graph, node) and node.op.activation in _HOMOGENEOUS:  # type: ignore[attr-defined]
            second = _reader(graph, node)
            if second is not None:
                yield _Pair(node, second)


def _usable(graph: Graph, node: Node) -> bool:
    """Whether the node has weights that are not shared."""
    return isinstance(node.op, _Weighted) and all(
        len(graph.consumers(name)) == 1 for name in node.inputs[1:]
    )


def _reader(graph: Graph, node: Node) -> Node | None:
    """The layer that reads all channels of this one, possibly through homogeneous operators."""
    tensor = node.outputs[0]
    channels = graph.tensors[tensor].shape[-1]
    while tensor not in graph.outputs and len(graph.consumers(tensor)) == 1:
        (found,) = graph.consumers(tensor)
        if _usable(graph, found):
            size = graph.tensors[found.inputs[0]].shape[-1]
            whole = isinstance(found.op, FullyConnected) or size == channels
            return found if whole and size % channels == 0 else None
        if not _passes(found):
            return None
        tensor = found.outputs[0]
    return None


def _passes(node: Node) -> bool:
    """Whether outputs scale with the inputs, and channels stay the last axis."""
    match node.op:
        case Relu(max_value=limit) | LeakyRelu(max_value=limit):
            return limit is None
        case MaxPool2D(activation=activation) | AveragePool2D(activation=activation):
            return activation in _HOMOGENEOUS
        case Pad(padding=padding):
            return padding[-1] == (0, 0)
        case Reshape(shape=shape):
            return len(shape) == 1
    return isinstance(node.op, Mean)


def _by_input(graph: Graph, node: Node, channels: int) -> Array:
    """The weights as (outputs or positions, input channels, the rest)."""
    weights = graph.constants[node.inputs[1]].values
    if isinstance(node.op, DepthwiseConv2D):  # (1, height, width, channels * multiplier)
        return weights.reshape(-1, channels, node.op.multiplier)
    return weights.reshape(-1, channels, 1)


def _scaled(graph: Graph, pair: _Pair, factors: Array) -> Graph:
    """The graph with the first layer's channels divided by the factors, and the second one's
    weights multiplied.
    """
    weights, bias = (graph.constants[name] for name in pair.first.inputs[1:])
    axis = pair.first.op.weight_axis
    assert axis is not None
    shape = [1] * weights.values.ndim
    shape[axis] = -1
    after = graph.constants[pair.second.inputs[1]]
    rows = _by_input(graph, pair.second, len(factors)) * factors[np.newaxis, :, np.newaxis]
    changed = {
        weights: weights.values / factors.reshape(shape),
        bias: bias.values / factors,
        after: rows.reshape(after.values.shape),
    }
    return with_constants(
        graph,
        [
            replace(each, values=np.asarray(values, np.float32), grid=None)
            for each, values in changed.items()
        ],
    )
