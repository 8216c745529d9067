"""Recalibration: restores the mean and standard deviation of channels after preceding layers lost
channels or precision.

After B. Li et al., "EagleEye: fast sub-net evaluation for efficient neural network pruning", ECCV
2020, who recalibrate batch normalization; here applied to each layer with weights in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from tinycomp.reference.oracle import run_float
from tinycomp.techniques._layers import with_constants
from tinycomp.techniques._reconstruction import Fitted, can_be_reconstructed, reconstructed
from tinycomp.techniques._technique import Samples

SAMPLES = 128
"""The most samples used for means and deviations."""
_MOST = 10.0
"""The largest scaling factor of a channel."""
_WORK = 4e9
"""Multiply-accumulates of the original model that are spent on a layer's samples, at most."""
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
    solved = _solved_samples(before, samples.x) if reconstruct else samples.x[:0]
    x = samples.x[spread(len(samples.x), SAMPLES)]
    for name in [node.name for node in smaller.nodes if node.name in names]:
        node = next(node for node in smaller.nodes if node.name == name)
        if not isinstance(node.op, _Weighted) or len(smaller.consumers(node.inputs[1])) > 1:
            continue
        left = kept.get(names[name].outputs[0], slice(None))
        if can_be_reconstructed(node, smaller, len(solved)):
            found = reconstructed(
                _fitted(smaller, node, solved), _fitted(before, names[name], solved), left
            )
            if found is not None:
                smaller = _with_weights(smaller, node, *found)
                continue
        wanted = [np.asarray(each[left]) for each in _moments(before, names[name], x)]
        smaller = _scaled(smaller, node, wanted, _moments(smaller, node, x))
    return smaller


def _solved_samples(graph: Graph, x: Array) -> Array:
    """Samples for least squares: fewer of a model with more work, which takes as long."""
    macs = sum(node.op.cost(graph.operands(node)).macs for node in graph.nodes)
    return x[spread(len(x), min(_SOLVED, max(SAMPLES, int(_WORK / max(macs, 1)))))]


def _fitted(graph: Graph, node: Node, x: Array) -> Fitted:
    source = node.inputs[0]
    values = x if source in graph.inputs else _values(graph, graph.nodes, (source,), x)
    return Fitted(graph, node, values.reshape(len(x), *graph.tensors[source].shape))


def _moments(graph: Graph, node: Node, x: Array) -> list[NDArray[np.float64]]:
    """Mean and standard deviation of each output channel of a node, without its activation."""
    assert isinstance(node.op, _Weighted)
    plain = replace(node, op=replace(node.op, activation=Activation.NONE))
    nodes = [plain if each is node else each for each in graph.nodes]
    values = _values(graph, nodes, node.outputs, x)
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return [flat.mean(axis=0), flat.std(axis=0)]


def _values(graph: Graph, nodes: Sequence[Node], outputs: tuple[str, ...], x: Array) -> Array:
    """An activation of the graph with these nodes, (samples, *shape)."""
    front = assemble(graph, nodes, graph.tensors, graph.constants, outputs)
    model = write_tflite(lower_batch_normalization(front))
    return next(iter(run_float(model, x).values()))


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
    return _with_weights(graph, node, weights.values * factor.reshape(shape), summands)


def _with_weights(graph: Graph, node: Node, weights: Array, bias: Array) -> Graph:
    return with_constants(graph, [
        replace(graph.constants[name], values=values.astype(np.float32), grid=None)
        for name, values in zip(node.inputs[1:], (weights, bias), strict=True)
    ])  # fmt: skip
