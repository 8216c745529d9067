"""A small int8 graph with every kind of weighted layer, and one scale per channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Constant, QuantizationParameters
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected

ACTIVATIONS = QuantizationParameters((0.05,), (3,))


@pytest.fixture
def graph() -> Graph:
    """Layers conv (16 channels of 18), depthwise (16 of 9), dense (10 of 16)."""
    rng = np.random.default_rng(7)
    builder = GraphBuilder("small")
    x = builder.input("x", (6, 5, 2))
    shapes = {"conv": (16, 3, 3, 2), "depthwise": (1, 3, 3, 16), "dense": (10, 16)}
    weights = {}
    for name, shape in shapes.items():
        values = np.clip(rng.normal(0, 45, shape).round(), -127, 127).astype(np.int8)
        weights[name] = builder.constant(f"{name}_weights", values)
    bias = {
        name: builder.constant(f"{name}_bias", rng.integers(-999, 999, n).astype(np.int32))
        for name, n in (("conv", 16), ("depthwise", 16), ("dense", 10))
    }
    window = Window.make("same", (6, 5), (3, 3))
    y = builder.add(Conv2D(window), [x, weights["conv"], bias["conv"]], "conv")
    y = builder.add(
        DepthwiseConv2D(window), [y, weights["depthwise"], bias["depthwise"]], "depthwise"
    )
    y = builder.add(FullyConnected(), [y, weights["dense"], bias["dense"]], "dense")
    return _quantized(builder.build([y]))


def _quantized(graph: Graph) -> Graph:
    tensors = {
        name: replace(tensor, dtype="int8", quantization=ACTIVATIONS)
        for name, tensor in graph.tensors.items()
    }
    constants: dict[str, Constant] = {}
    rng = np.random.default_rng(8)
    for node in graph.nodes:
        weights, bias = (graph.constants[name] for name in node.inputs[1:])
        axis = node.op.weight_axis
        assert axis is not None
        scales = tuple(map(float, rng.uniform(0.001, 0.01, bias.values.size).astype(np.float32)))
        zeros = (0,) * len(scales)
        constants[weights.name] = replace(
            weights, quantization=QuantizationParameters(scales, zeros, axis)
        )
        steps = tuple(scale * ACTIVATIONS.scale for scale in scales)
        constants[bias.name] = replace(bias, quantization=QuantizationParameters(steps, zeros, 0))
    return replace(graph, tensors=tensors, constants=constants)
