"""Layers with weights, seen as a matrix with one row per output channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.remove_reshapes import remove_reshapes


@dataclass(frozen=True, eq=False)
class Layer:
    """A weight constant and the nodes that read it; several if the layer is shared."""

    nodes: tuple[Node, ...]
    """In the order of the graph."""
    weights: Constant
    """The constant that they share."""
    axis: int
    """The axis of the output channels."""
    uses: int = 1
    """Multiply-accumulates per weight and inference."""

    @property
    def name(self) -> str:
        """The first node's name."""
        return self.nodes[0].name

    @property
    def matrix(self) -> Array:
        """(channels, weights per channel), in the order of the remaining axes."""
        values = np.moveaxis(self.weights.values, self.axis, 0)
        return values.reshape(values.shape[0], -1)

    @property
    def scales(self) -> NDArray[np.float64]:
        """The weight scale of each channel, (channels, 1); 1 for float weights."""
        quantization = self.weights.quantization
        steps = quantization.scales if quantization else (1.0,)
        channels = self.weights.shape[self.axis]
        return np.broadcast_to(np.array(steps, np.float64), (channels,))[:, None]

    @property
    def real(self) -> NDArray[np.float64]:
        """The matrix in real units."""
        values: NDArray[np.float64] = self.matrix * self.scales
        return values

    def rebuild(self, matrix: Array) -> Array:
        """A matrix in the shape and type of the constant."""
        shape = list(self.weights.shape)
        channels = shape.pop(self.axis)
        values = np.moveaxis(matrix.reshape(channels, *shape), 0, self.axis)
        return np.ascontiguousarray(values, self.weights.values.dtype)


def folded(graph: Graph) -> Graph:
    """The graph with batch normalization folded, also where a reshape stands before it, as after
    each one-dimensional convolution.
    """
    return fold_batch_normalization(remove_reshapes(graph))


def weighted_layers(graph: Graph) -> tuple[Layer, ...]:
    """The layers whose weights are constant, in the order in which they run."""
    readers: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if node.op.weight_axis is not None and node.inputs[1] in graph.constants:
            readers.setdefault(node.inputs[1], []).append(node)
    return tuple(
        Layer(
            tuple(nodes),
            graph.constants[name],
            nodes[0].op.weight_axis or 0,
            sum(node.op.cost(graph.operands(node)).macs for node in nodes)
            // graph.constants[name].values.size,
        )
        for name, nodes in readers.items()
    )


def describe_names(graph: Graph) -> str:
    """The names of the nodes that have weights, for messages: at most eight."""
    names = [node.name for layer in weighted_layers(graph) for node in layer.nodes]
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"Expected some of the layers with weights: {', '.join(names[:8])}{more}."


def with_constants(graph: Graph, constants: Iterable[Constant]) -> Graph:
    """The graph with constants replaced by name."""
    changed: Mapping[str, Constant] = {constant.name: constant for constant in constants}
    return replace(graph, constants={**graph.constants, **changed})


def with_notes(graph: Graph, notes: Sequence[str]) -> Graph:
    """The graph with notes appended."""
    return replace(graph, notes=(*graph.notes, *notes))
