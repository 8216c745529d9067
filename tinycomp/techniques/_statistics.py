"""Mean and covariance of a layer's real inputs on calibration data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DataError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.ops._patches import padded, patches, taps
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.techniques._layers import Layer

_SAMPLES = 8
"""Samples whose convolution windows are held in memory at a time."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of a layer's inputs, with n weights per channel. There is one group if all output
    channels read the same inputs, otherwise one per channel (depthwise).
    """

    mean: NDArray[np.float64]
    """(groups, n)."""
    covariance: NDArray[np.float64]
    """(groups, n, n)."""


def input_statistics(
    graph: Graph, layer: Layer, activations: Mapping[str, Array]
) -> Statistics | None:
    """Statistics over all nodes of a layer; None for an unsupported operator.

    Args:
        graph: the graph whose activations these are.
        layer: the layer.
        activations: by tensor name, (samples, *shape), in the type of the graph's tensors.

    Raises:
        DataError: the activations of a layer's input are missing.
    """
    count, total, squares = 0, np.zeros(()), np.zeros(())
    for node in layer.nodes:
        if not isinstance(node.op, Conv2D | DepthwiseConv2D | FullyConnected):
            return None
        for seen in _seen(graph, node, activations):  # (groups, windows, weights per channel)
            count += seen.shape[1]
            total = total + seen.sum(axis=1, dtype=np.float64)
            squares = squares + (seen.transpose(0, 2, 1) @ seen).astype(np.float64)
    mean = total / count
    return Statistics(mean, squares / count - mean[:, :, None] * mean[:, None, :])


def _seen(
    graph: Graph, node: Node, activations: Mapping[str, Array]
) -> Iterator[NDArray[np.float32]]:
    """The inputs that the node's weights are multiplied by, a few samples at a time."""
    name = node.inputs[0]
    if name not in activations:
        raise DataError(f"There are no activations of tensor '{name}'.")
    for first in range(0, len(activations[name]), _SAMPLES):
        yield windows(graph, node, _real(graph, name, activations[name][first : first + _SAMPLES]))


def _real(graph: Graph, name: str, values: Array) -> NDArray[np.float32]:
    quantization = graph.tensors[name].quantization
    if quantization is None or values.dtype.kind == "f":
        return values.astype(np.float32)
    steps = values.astype(np.float32) - quantization.zero_point
    return steps * np.float32(quantization.scale)


def windows(graph: Graph, node: Node, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a node's weights are multiplied by: (groups, windows, weights per channel).

    Args:
        graph: the node's graph.
        node: a convolution or a dense layer.
        images: real values of the node's input, (samples, *input shape).
    """
    shape = graph.tensors[node.outputs[0]].shape
    if isinstance(node.op, Conv2D):
        found = patches(padded(images, node.op.window, 0), node.op.window, (shape[0], shape[1]))
        return found.reshape(1, -1, found.shape[-1])
    if isinstance(node.op, DepthwiseConv2D):
        cells = taps(padded(images, node.op.window, 0), node.op.window, (shape[0], shape[1]))
        stacked = np.stack([cell.reshape(-1, cell.shape[-1]) for cell in cells], axis=-1)
        return np.repeat(stacked.transpose(1, 0, 2), node.op.multiplier, axis=0)
    return images.reshape(1, -1, images.shape[-1])
