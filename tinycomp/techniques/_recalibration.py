"""Recalibration: restores the mean and standard deviation of channels after preceding layers lost
channels or precision.

After B. Li et al., "EagleEye: fast sub-net evaluation for efficient neural network pruning", ECCV
2020, who recalibrate batch normalization; here applied to each layer with weights in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinycomp.data.values import spread
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.passes._channels import Mask
from tinycomp.techniques._layers import with_constants
from tinycomp.techniques._prefix import Prefix, computed
from tinycomp.techniques._reconstruction import Fitted, can_be_reconstructed, reconstructed
from tinycomp.techniques._technique import Samples

SAMPLES = 128
"""The most samples used for means and deviations alone."""
_MOST = 10.0
"""The largest scaling factor of a channel."""
_WORK = 4e9
"""Multiply-accumulates of the original model that are spent on samples, at most."""
_SOLVED = 512
"""The most samples used for least squares."""
_Weighted = Conv2D | DepthwiseConv2D | FullyConnected


def recalibrated(
    smaller: Graph,
    before: Graph,
    samples: Samples | None,
    kept: Mapping[str, Mask] | None = None,
    reconstruct: bool = False,
) -> Graph:
    """The smaller graph with weights scaled and biases shifted per channel, so that the outputs of
    layers with weights have the same mean and standard deviation over samples as before. Layers
    that share weights are not changed.

    Args:
        smaller: a float graph.
        before: the original graph; layers are matched by name.
        samples: real data; without any the graph is returned unchanged.
        kept: masks of the channels that remain, by tensor of `before`; missing: all remain.
        reconstruct: compute the weights anew where that is possible; see _reconstruction.
    """
    if samples is None:
        return smaller
    kept = kept or {}
    names = {node.name: node for node in before.nodes}
    x = _samples(before, samples.x, reconstruct)
    mine, theirs = Prefix(smaller, x), Prefix(before, x)
    for name in [node.name for node in smaller.nodes if node.name in names]:
        node = next(node for node in smaller.nodes if node.name == name)
        if not isinstance(node.op, _Weighted) or len(smaller.consumers(node.inputs[1])) > 1:
            continue
        now = Fitted(smaller, node, mine.input_of(smaller, node))
        then = Fitted(before, names[name], theirs.input_of(before, names[name]))
        left = kept.get(names[name].outputs[0], slice(None))
        found = None
        if reconstruct and can_be_reconstructed(node, smaller, len(x)):
            found = reconstructed(now, then, left)
        if found is None:
            found = _scaled(now, [np.asarray(each[left]) for each in _moments(then)])
        smaller = _with_weights(smaller, node, *found)
    return smaller


def _samples(graph: Graph, x: Array, reconstruct: bool) -> Array:
    """The samples to use; for least squares more of a model with less work, which takes as long."""
    macs = sum(node.op.cost(graph.operands(node)).macs for node in graph.nodes)
    most = min(_SOLVED, max(SAMPLES, int(_WORK / max(macs, 1)))) if reconstruct else SAMPLES
    return x[spread(len(x), most)]


def _moments(layer: Fitted) -> list[NDArray[np.float64]]:
    """Mean and standard deviation of each output channel of a layer, without its activation."""
    node = layer.node
    assert isinstance(node.op, _Weighted)
    plain = replace(node, op=replace(node.op, activation=Activation.NONE))
    inputs = {node.inputs[0]: layer.inputs}
    (values,) = computed(layer.graph, [plain], inputs, node.outputs).values()
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return [flat.mean(axis=0), flat.std(axis=0)]


def _scaled(layer: Fitted, wanted: list[NDArray[np.float64]]) -> tuple[Array, Array]:
    """Weights and bias with which the layer's outputs have the wanted moments."""
    found, node = _moments(layer), layer.node
    axis = node.op.weight_axis
    assert axis is not None
    weights, bias = (layer.graph.constants[name].values for name in node.inputs[1:])
    factor = np.divide(wanted[1], found[1], out=np.ones_like(found[1]), where=found[1] > 0)
    factor = np.clip(factor, 1 / _MOST, _MOST)
    shape = [1] * weights.ndim
    shape[axis] = -1
    return weights * factor.reshape(shape), bias * factor + wanted[0] - found[0] * factor


def _with_weights(graph: Graph, node: Node, weights: Array, bias: Array) -> Graph:
    return with_constants(graph, [
        replace(graph.constants[name], values=values.astype(np.float32), grid=None)
        for name, values in zip(node.inputs[1:], (weights, bias), strict=True)
    ])  # fmt: skip
