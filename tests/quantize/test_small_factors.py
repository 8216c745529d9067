"""Weights of few coarse steps get the kernels that all others get, and mean the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array, QuantizationParameters
from tinycomp.ops._quantized import parameters
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.plan.program import lower
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.ranges import Range
from tinycomp.quantization.types import BYTES, Precision
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

STEP, REACH = 0.5, 4.0
INPUT = (9, 1, 3)


def ternary(bias: float = 0.25, largest: int = 1) -> tuple[Graph, Array]:
    """A convolution with two or three weights a channel, and these weights in steps."""
    steps = np.zeros((8, 3, 1, 3), np.int64)
    rng, flat = np.random.default_rng(0), steps.reshape(8, -1)
    for row in flat:
        row[rng.choice(9, 3, replace=False)] = rng.choice([-largest, 0, 1], 3)
    flat[0, 0] = largest
    builder = GraphBuilder("net")
    names = [
        builder.constant("w", (steps * STEP).astype(np.float32)),
        builder.constant("b", np.full(8, bias, np.float32)),
    ]
    x = builder.input("x", INPUT)
    graph = builder.build([builder.add(Conv2D(Window((3, 1))), [x, *names], "conv")])
    grid = QuantizationParameters((STEP,) * 8, (0,) * 8, 0)
    weights = replace(graph.constants["w"], grid=grid)
    return replace(graph, constants=graph.constants | {"w": weights}), steps


def quantized(graph: Graph, precision: Precision = BYTES) -> Graph:
    ranges = dict.fromkeys(graph.tensors, Range(-REACH, REACH))
    return quantize(graph, ranges, precision=precision)


def factor(graph: Graph) -> float:
    x, w, y = (
        parameters(each).scales[0]
        for each in (graph.tensors["x"], graph.constants["w"], graph.tensors["conv"])
    )
    return x * w / y


@pytest.mark.parametrize("kernels", ["avr", "scalar", "armv7e_m", "armv8_1m_mve", "lx6"])
def test_no_instruction_set_falls_back_to_portable_c(kernels: str) -> None:
    graph = quantized(ternary()[0])
    (operation,) = lower(graph, kernels=kernels).operations
    assert operation.call.kernel not in ("conv_2d", "conv_2d_direct")
    assert factor(graph) < 0.5


def test_every_weight_stays_what_it_is() -> None:
    float_graph, steps = ternary()
    graph = quantized(float_graph)
    weights = graph.constants["w"]
    assert np.array_equal(weights.values, 2 * steps)
    assert weights.quantization is not None
    assert set(weights.quantization.scales) == {STEP / 2}
    x = np.random.default_rng(1).uniform(-REACH, REACH, (4, *INPUT)).astype(np.float32)
    inputs = quantize_inputs(graph, x)
    expected = oracle.run(write_tflite(graph), inputs)
    for name, values in simulate(graph, inputs).items():
        assert np.array_equal(expected[name], values)


@pytest.mark.parametrize(("bias", "largest"), [(0.25, 100), (8e6, 1)])
def test_integers_that_would_be_too_large_stay_small(bias: float, largest: int) -> None:
    float_graph, steps = ternary(bias, largest)
    assert np.array_equal(quantized(float_graph).constants["w"].values, steps)


def test_weights_that_two_layers_read_stay() -> None:
    """What is finer for one of them could be too large for the other's sums and biases."""
    float_graph, steps = ternary()
    (node,) = float_graph.nodes
    again = replace(node, name="again", outputs=("again",))
    float_graph = replace(
        float_graph,
        nodes=(node, again),
        tensors=float_graph.tensors | {"again": replace(float_graph.tensors["conv"], name="again")},
        outputs=("conv", "again"),
    )
    assert np.array_equal(quantized(float_graph).constants["w"].values, steps)


def test_layers_on_16_bits_stay() -> None:
    float_graph, steps = ternary()
    graph = quantized(float_graph, Precision(16))
    assert graph.tensors["x"].dtype == "int16"
    assert np.array_equal(graph.constants["w"].values, steps)
