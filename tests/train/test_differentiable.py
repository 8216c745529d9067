"""Differentiable forms of operators compute the same as LiteRT, and have gradients.

Uses the cases of the int8 conformance tests, with real weights and inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from conformance import Case, cases_of
from float_graphs import INT8_ONLY, difference, float_graph, float_inputs, run
from random_graphs import random_graph

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._registry import operators
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle

TOLERANCE = 1e-4
EMITTED_ONLY = {name for name, kind in operators().items() if kind.emitted_only}
NOT_FLOAT = INT8_ONLY | EMITTED_ONLY | {"batch_normalization", "quantize"}
WITH_CASES = sorted(operators().keys() - NOT_FLOAT)
SEEDS = range(30)


@dataclass(frozen=True)
class Found:
    """Outputs, and gradients of their weighted sum."""

    outputs: Array
    of_input: Array
    of_constants: dict[str, Array]


def differentiated(graph: Graph, x: Array) -> Found:
    """Run the differentiable forms, node by node."""
    import tensorflow as tf

    constants = {name: tf.constant(c.values, tf.float32) for name, c in graph.constants.items()}
    values: dict[str, Any] = {graph.inputs[0]: tf.constant(x), **constants}
    with tf.GradientTape() as tape:
        tape.watch([values[graph.inputs[0]], *constants.values()])
        for node in graph.nodes:
            inputs = [values[name] for name in node.inputs]
            values[node.outputs[0]] = node.op.differentiable(graph.operands(node), inputs)
        outputs = values[graph.outputs[0]]
        weights = np.random.default_rng(0).normal(size=outputs.shape).astype(np.float32)
        total = tf.reduce_sum(outputs * weights)
    names = list(constants)
    gradients = tape.gradient(
        total,
        [values[graph.inputs[0]], *(constants[name] for name in names)],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    first, *others = (tf.convert_to_tensor(gradient).numpy() for gradient in gradients)
    return Found(outputs.numpy(), first, dict(zip(names, others, strict=True)))


def require_agreement(name: str, graph: Graph, x: Array) -> None:
    """Outputs equal LiteRT's; gradients are finite, and nonzero where LiteRT's outputs change."""
    expected = run(graph, x)
    every = oracle.run_float(write_tflite(graph), x, "all").values()
    if not all(np.isfinite(values).all() for values in every):
        return  # e^x beyond float32, a logarithm of a negative number
    found = differentiated(graph, x)
    assert difference(found.outputs, expected) < TOLERANCE, name
    for gradient in (found.of_input, *found.of_constants.values()):
        assert np.isfinite(gradient).all(), name
    if any(node.op.row_numbers for node in graph.nodes):
        return  # a little more is no row, or the same
    step = np.float32(1e-3) * np.abs(x).max()
    if min(difference(run(graph, x + d), expected) for d in (step, -step)) > TOLERANCE:
        assert found.of_input.any(), name


def real_cases(operator: str) -> list[tuple[Case, Graph]]:
    return [(case, float_graph(case.graph)) for case in cases_of(operator)]


@pytest.mark.parametrize("operator", WITH_CASES)
def test_every_operator(operator: str) -> None:
    for case, graph in real_cases(operator):
        if operator == graph.nodes[0].op.name:
            require_agreement(case.name, graph, float_inputs(case.graph, case.inputs))


@pytest.mark.parametrize("operator", ["conv_2d", "depthwise_conv_2d", "fully_connected"])
def test_weights_and_biases_have_gradients(operator: str) -> None:
    for case, graph in real_cases(operator):
        found = differentiated(graph, float_inputs(case.graph, case.inputs))
        if found.of_input.any():
            assert all(gradient.any() for gradient in found.of_constants.values()), case.name


def test_batch_normalization() -> None:
    rng = np.random.default_rng(0)
    builder = GraphBuilder("normalized")
    inputs = [builder.input("x", (3, 4, 5))]
    inputs += [builder.constant(name, rng.normal(size=5)) for name in ("scale", "offset")]
    graph = builder.build([builder.add(BatchNormalization(), inputs, "y")])
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    found = differentiated(graph, x)
    scale, offset = (graph.constants[name].values for name in inputs[1:])
    np.testing.assert_allclose(found.outputs, x * scale + offset, rtol=1e-5, atol=1e-6)
    assert found.of_input.any()
    assert all(gradient.any() for gradient in found.of_constants.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs(seed: int) -> None:
    graph = random_graph(seed)
    x = np.random.default_rng(seed).integers(-128, 128, (3, *graph.tensors["input"].shape))
    require_agreement(str(seed), float_graph(graph), float_inputs(graph, x.astype(np.int8)))
