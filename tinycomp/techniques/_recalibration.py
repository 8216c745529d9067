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
from tinycomp.passes._rewrite import assemble
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import float_batches
from tinycomp.techniques._layers import with_constants
from tinycomp.techniques._technique import Samples

SAMPLES = 128
"""The most samples used for statistics."""
_MOST = 10.0
"""The largest scaling factor of a channel."""
_Weighted = Conv2D | DepthwiseConv2D | FullyConnected


def recalibrated(
    smaller: Graph,
    before: Graph,
    samples: Samples | None,
    kept: Mapping[str, Mask] | None = None,
) -> Graph:
    """The smaller graph with weights scaled and biases shifted per channel, so that the outputs of
    layers with weights have the same mean and standard deviation over samples as before. Layers
    that share weights are not changed.

    Args:
        smaller: a float graph.
        before: the original graph; layers are matched by name.
        samples: real data; without any the graph is returned unchanged.
        kept: masks of the channels that remain, by tensor of `before`; missing: all remain.
    """
    if samples is None:
        return smaller
    kept, x = kept or {}, samples.x
    x = x[spread(len(x), SAMPLES)]
    names = {node.name: node for node in before.nodes}
    for name in [node.name for node in smaller.nodes if node.name in names]:
        node = next(node for node in smaller.nodes if node.name == name)
        if not isinstance(node.op, _Weighted) or len(smaller.consumers(node.inputs[1])) > 1:
            continue
        left = kept.get(names[name].outputs[0], slice(None))
        wanted = [np.asarray(each[left]) for each in _moments(before, names[name], x)]
        smaller = _scaled(smaller, node, wanted, _moments(smaller, node, x))
    return smaller


def _moments(graph: Graph, node: Node, x: Array) -> list[NDArray[np.float64]]:
    """Mean and standard deviation of each output channel of a node, without its activation."""
    assert isinstance(node.op, _Weighted)
    plain = replace(node, op=replace(node.op, activation=Activation.NONE))
    nodes = [plain if each is node else each for each in graph.nodes]
    front = assemble(graph, nodes, graph.tensors, graph.constants, node.outputs)
    model = write_tflite(lower_batch_normalization(front))
    values = np.concatenate([next(iter(each.values())) for each in
                             float_batches(model, x, "outputs")])  # fmt: skip
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return [flat.mean(axis=0), flat.std(axis=0)]


def _scaled(
    graph: Graph, node: Node, wanted: list[NDArray[np.float64]], found: list[NDArray[np.float64]]
) -> Graph:
    axis = node.op.weight_axis
    assert axis is not None
    weights, bias = (graph.constants[name] for name in node.inputs[1:])
    factor = np.divide(wanted[1], found[1], out=np.ones_like(found[1]), where=found[1] > 0)
    factor = np.clip(factor, 1 / _MOST, _MOST)
    shape = [1] * weights.values.ndim
    shape[axis] = -1
    summands = bias.values * factor + wanted[0] - found[0] * factor
    scaled = (
        replace(weights, values=(weights.values * factor.reshape(shape)).astype(np.float32)),
        replace(bias, values=summands.astype(np.float32)),
    )
    return with_constants(graph, [replace(each, grid=None) for each in scaled])
