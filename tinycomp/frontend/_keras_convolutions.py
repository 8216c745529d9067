"""Keras convolutions with groups, and transposed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycomp.frontend._convolutions import Channels, Transposed, grouped, transposed
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._keras import keras_window, pair, refusal, weight
from tinycomp.ops._window import Pair


@dataclass(frozen=True)
class _Maker:
    """Names nodes and constants after the layer."""

    builder: GraphBuilder
    """Receives them."""
    layer: KerasLayer
    """The original layer."""
    channels: int
    """Its output channels."""

    def add(self, op: Operator, inputs: Sequence[str], part: str) -> str:
        """A node."""
        name = f"{self.layer.name}/{part}" if part else self.layer.name
        return self.builder.add(op, inputs, name)

    def weights(self, values: Array, channels: Channels, part: str) -> str:
        """Added once for a layer called twice."""
        return weight(self.builder, self.layer, f"{part}/kernel", values)

    def bias(self, channels: Channels, part: str) -> str:
        """Zero if the layer has none."""
        known = self.layer.weights.get("bias")
        every = np.zeros(self.channels, np.float32) if known is None else known
        return weight(self.builder, self.layer, f"{part}/bias", every[channels])


def grouped_layer(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Kernel (height, width, in of a group, out)."""
    kernel = layer.weights["kernel"]
    shape = builder.tensors[inputs[0]].shape
    window = keras_window(layer, shape, (kernel.shape[0], kernel.shape[1]))
    make = _Maker(builder, layer, kernel.shape[3])
    weights = kernel.transpose(3, 0, 1, 2)
    return grouped(make, inputs[0], weights, window, shape, Activation.NONE)


def transposed_layer(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Kernel (height, width, out, in).

    Raises:
        ModelError: it is dilated.
    """
    config, kernel = layer.config, layer.weights["kernel"]
    dilation = pair(config.get("dilation_rate", 1))
    if dilation != (1, 1):
        what = f"has dilation_rate={dilation}"
        raise refusal(layer, what, expected="Expected 1.")
    height, width, _ = builder.tensors[inputs[0]].shape
    sizes = [
        _axis(config, axis, size, kernel.shape[axis]) for axis, size in enumerate((height, width))
    ]
    (before_rows, rows), (before_columns, columns) = sizes
    stride = pair(config["strides"])
    found = Transposed(stride, (before_rows, before_columns), (height, width), (rows, columns))
    make = _Maker(builder, layer, kernel.shape[2])
    return transposed(make, inputs[0], kernel.transpose(2, 0, 1, 3), found)


def _axis(config: Mapping[str, Any], axis: int, size: int, kernel: int) -> Pair:
    """Cells that are cut off before, and the output's length, along one axis."""
    stride, same = pair(config["strides"])[axis], config.get("padding") == "same"
    more = config.get("output_padding")
    before = max(kernel - stride, 0) // 2 if same else 0
    if more is None:
        return before, size * stride + (0 if same else max(kernel - stride, 0))
    # Keras's own rule for an explicit output_padding.
    pad = kernel // 2 if same else 0
    return pad, (size - 1) * stride + kernel - 2 * pad + pair(more)[axis]
