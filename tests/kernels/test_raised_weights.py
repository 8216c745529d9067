"""Small weights of dense layers times powers of two, with the same results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import Case, channel_parameters, extreme_inputs
from core_program import lowered
from small_models import Layers

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Constant
from tinycomp.ops._weighted import channel_scales
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.passes._reduction import with_original
from tinycomp.passes.raise_weights import raise_weights
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.compare import simulator, verify

INPUTS, CHANNELS = 4, 8


def dense(
    values: Array, factor: float, codebook: Array | None = None, bias: int = 100, readers: int = 1
) -> Graph:
    """Dense layers with these weights (out, in); the first channel has the largest factor."""
    layers = Layers((INPUTS,))
    output = layers.free()
    source = layers.quantization("input").scale
    scales = np.float32(factor * output.scale / source * np.linspace(1, 0.3, len(values)))
    constants = (
        Constant("weights", values.astype(np.int8), channel_parameters(scales, 0)),
        Constant(
            "bias",
            layers.rng.integers(-bias, bias + 1, len(values)).astype(np.int32),
            channel_parameters(np.float32(source) * scales, 0),
        ),
    )
    layers.builder.add(FullyConnected(), ["input"], output, constants)
    graph = layers.graph()
    name = graph.nodes[0].inputs[1]
    constant = replace(graph.constants[name], codebook=codebook)
    graph = replace(graph, constants=graph.constants | {name: constant})
    for _ in range(readers - 1):
        node = replace(graph.nodes[0], name="second", outputs=("second",))
        tensor = replace(graph.tensors[graph.nodes[0].outputs[0]], name="second")
        graph = replace(
            graph,
            nodes=(*graph.nodes, node),
            tensors=graph.tensors | {"second": tensor},
            outputs=(*graph.outputs, "second"),
        )
    return graph


def weights(graph: Graph) -> Constant:
    return graph.constants[graph.nodes[0].inputs[1]]


def signs() -> Array:
    return np.random.default_rng(3).integers(-1, 2, (CHANNELS, INPUTS))


@pytest.mark.parametrize(("factor", "bits"), [(0.5, 1), (0.75, 1), (1.0, 2), (5.3, 4), (20.0, 6)])
@pytest.mark.parametrize("looked_up", [False, True])
def test_factors_fall_below_a_half_with_equal_results(
    factor: float, bits: int, looked_up: bool
) -> None:
    codebook = np.array([[-1, 0, 1]], np.int8) if looked_up else None
    before = dense(signs(), factor, codebook)
    after = raise_weights(with_original(before))
    np.testing.assert_array_equal(weights(after).values, signs() << bits)
    if looked_up:
        np.testing.assert_array_equal(weights(after).codebook, [[-1 << bits, 0, 1 << bits]])
    assert 0.25 <= channel_scales(after.operands(after.nodes[0]), CHANNELS).max() < 0.5
    inputs = extreme_inputs(np.random.default_rng(1), (INPUTS,))
    found = verify(after, write_tflite(before), inputs, [simulator(after)])
    assert found.equal, str(found.differences[0])


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(dense(signs(), 0.49), id="small factor"),
        pytest.param(dense(64 * signs(), 0.5), id="large weights"),
        pytest.param(dense(signs(), 0.7, np.array([[-1, 0, 1, 90]], np.int8)), id="large entry"),
        pytest.param(dense(signs(), 0.5, bias=1 << 24), id="large bias"),
        pytest.param(dense(signs(), 0.7, readers=2), id="shared weights"),
    ],
)
def test_other_layers_stay_as_they_are(graph: Graph) -> None:
    assert raise_weights(graph) is graph


def test_avr_kernels_take_such_layers() -> None:
    graph = dense(signs(), 0.75)
    inputs = extreme_inputs(np.random.default_rng(1), (INPUTS,))
    cases = [Case("dense", each, inputs) for each in (graph, raise_weights(graph))]
    before, after = lowered(cases, "avr")
    assert (before.kernel, after.kernel) == ("fully_connected", "conv_2d_decoded_avr")
