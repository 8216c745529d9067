"""Recurrent layers are pruned and clustered like others, and compute the same bytes as LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops.gru import Gru
from tinycomp.ops.lstm import Lstm
from tinycomp.ops.simple_rnn import SimpleRnn
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate
from tinycomp.techniques.bias_correction import correct_biases
from tinycomp.techniques.cluster import Cluster, check_codebooks
from tinycomp.techniques.error_feedback import feed_back_errors
from tinycomp.techniques.prune import Prune
from tinycomp.techniques.short_biases import shorten_biases

SHAPE, UNITS = (6, 5), 8


@pytest.fixture(params=[Gru(), Gru(reset_after=False), Lstm(), SimpleRnn()], ids=str)
def op(request: pytest.FixtureRequest) -> Recurrent:
    found: Recurrent = request.param
    return found


@pytest.fixture
def inputs() -> Array:
    """With a mean far from zero, so that the zero point matters."""
    return np.random.default_rng(1).normal(1, 1, (30, *SHAPE)).astype(np.float32)


@pytest.fixture
def graph(op: Recurrent, inputs: Array) -> Graph:
    """Int8, with one bias that takes more than two bytes."""
    rng = np.random.default_rng(0)
    biases = rng.normal(0, 0.1, op.biases(UNITS))
    biases[0] = 8
    builder = GraphBuilder("layer")
    x = builder.input("x", SHAPE)
    weights = rng.normal(0, 0.3, (op.gates * UNITS, SHAPE[1] + UNITS)).astype(np.float32)
    constants = [
        builder.constant("weights", weights),
        builder.constant("biases", biases.astype(np.float32)),
    ]
    graph = builder.build([builder.add(op, [x, *constants], "y")])
    return quantize(graph, observe(graph, inputs).ranges("min-max"))


def test_a_compressed_layer_equals_litert(graph: Graph, inputs: Array) -> None:
    x = quantize_inputs(graph, inputs)
    activations = simulate(graph, x)
    pruned = Prune(0.3).apply(graph)
    small = Cluster(4).apply(pruned)
    small = feed_back_errors(small, graph, activations, pruned)
    small = shorten_biases(correct_biases(small, graph, activations))
    check_codebooks(small)
    zeros = pruned.constants["weights"].values == 0
    assert zeros.mean() > 0.29
    assert not small.constants["weights"].values[zeros].any()
    expected, found = oracle.run(write_tflite(small), x), simulate(small, x)
    for name, values in found.items():
        assert np.array_equal(values, expected[name].reshape(values.shape)), name


def test_biases_are_not_shortened(graph: Graph) -> None:
    """Their sums are over the state too, whose zero point and scale are others."""
    bias = graph.constants["biases"]
    assert np.abs(bias.values).max() > 1 << 15
    assert shorten_biases(graph).constants["biases"] is bias
