"""Batch normalization in a training (S. Ioffe and C. Szegedy, ICML 2015): layers with weights are
followed by one, which is folded into them at the end, like those that the model came with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant
from tinycomp.ops._activation import Activation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected

SAMPLES = 256
"""The most samples that the first statistics are taken from."""
_MOMENTUM = 0.98
"""Share of the statistics for inference that a step keeps."""
_LEAST = 1e-5
"""Added to variances, relative to the layer's mean variance at the start."""
_Weighted = Conv2D | DepthwiseConv2D | FullyConnected


@dataclass(frozen=True)
class Normalized:
    """A node whose sums are normalized, and what follows them."""

    plain: Node
    """The node without its activation."""
    activation: Activation
    """The activation that it had."""


def normalizable(graph: Graph, outputs: Collection[str]) -> Mapping[str, Normalized]:
    """The nodes that can be followed by batch normalization, by name: those with weights of their
    own, except those that compute the model's outputs.

    Args:
        graph: a float graph, cleaned up.
        outputs: the tensors that are compared with targets.
    """
    found = {}
    for node in graph.nodes:
        op = node.op
        alone = isinstance(op, _Weighted) and len(graph.consumers(node.inputs[1])) == 1
        if isinstance(op, _Weighted) and alone and node.outputs[0] not in outputs:
            plain = replace(node, op=replace(op, activation=Activation.NONE))
            found[node.name] = Normalized(plain, op.activation)
    return found


@cache
def layer_class() -> Any:
    """The Keras layer; Keras takes seconds to import, so it is created on first use."""
    import keras
    from keras import ops

    class Normalization(keras.layers.Layer):  # type: ignore[misc]
        """Normalizes channels by the statistics of the batch, or at inference by running ones."""

        def __init__(self, channels: int, name: str) -> None:
            super().__init__(name=name)
            self.unit = 1.0
            for key, start, trained in (
                ("gamma", "ones", True), ("beta", "zeros", True),
                ("mean", "zeros", False), ("variance", "ones", False),
            ):  # fmt: skip
                made = self.add_weight(
                    shape=(channels,), initializer=start, trainable=trained, name=key
                )
                setattr(self, key, made)

        def call(self, x: Any, training: bool = False) -> Any:
            mean, variance = self.mean, self.variance
            if training:
                mean, variance = ops.moments(x, axes=list(range(len(x.shape) - 1)))
                for kept, found in ((self.mean, mean), (self.variance, variance)):
                    kept.assign(_MOMENTUM * kept + (1 - _MOMENTUM) * found)
            factor = self.gamma * self.unit * ops.rsqrt(variance + _LEAST * self.unit**2)
            return x * factor + (self.beta * self.unit - mean * factor)

    return Normalization


def begin(layer: Any, sums: Array) -> None:
    """Give a layer the statistics of sums (samples, ..., channels), so that it changes nothing."""
    flat = sums.reshape(-1, sums.shape[-1]).astype(np.float64)
    mean, variance = flat.mean(axis=0), flat.var(axis=0)
    layer.unit = float(np.sqrt(variance.mean())) or 1.0
    gamma = np.sqrt(variance / layer.unit**2 + _LEAST)
    for variable, values in (
        (layer.gamma, gamma), (layer.beta, mean / layer.unit),
        (layer.mean, mean), (layer.variance, variance),
    ):  # fmt: skip
        variable.assign(values.astype(np.float32))


def folded(layer: Any, constants: Sequence[Constant], axis: int) -> tuple[Constant, Constant]:
    """Kernel and bias of a layer's node that include it.

    Args:
        layer: the Keras layer, trained.
        constants: kernel and bias.
        axis: the kernel's axis of channels.
    """
    from tinycomp.train.layers import numbers

    gamma, beta, mean, variance = (
        numbers(each).astype(np.float64)
        for each in (layer.gamma, layer.beta, layer.mean, layer.variance)
    )
    kernel, bias = constants
    factor = gamma * layer.unit / np.sqrt(variance + _LEAST * layer.unit**2)
    along = [-1 if each == axis else 1 for each in range(kernel.values.ndim)]
    summands = (bias.values - mean) * factor + beta * layer.unit
    return (
        replace(kernel, values=(kernel.values * factor.reshape(along)).astype(np.float32)),
        replace(bias, values=summands.astype(np.float32)),
    )
