"""Error feedback and bias correction reduce the output error of compressed layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_models import Layers

from tinycomp.common.errors import DataError
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.techniques._feedback import factorize
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques._statistics import input_statistics
from tinycomp.techniques.bias_correction import correct_biases
from tinycomp.techniques.cluster import Cluster, check_codebooks
from tinycomp.techniques.error_feedback import feed_back_errors
from tinycomp.techniques.prune import Prune


@pytest.fixture
def activations(graph: Graph) -> dict[str, Array]:
    """Correlated inputs of every layer, with a nonzero mean."""
    rng = np.random.default_rng(5)
    result = {}
    for node in graph.nodes:
        shape = graph.tensors[node.inputs[0]].shape
        mixed = rng.normal(0, 12, (40, *shape)) + rng.normal(20, 20, (40, *shape[:-1], 1))
        result[node.inputs[0]] = np.clip(mixed.round(), -128, 127).astype(np.int8)
    return result


def _errors(graph: Graph, reference: Graph, activations: dict[str, Array]) -> dict[str, float]:
    """Mean squared error of each layer's accumulators, including the bias, in real units."""
    result = {}
    for before, after in zip(weighted_layers(reference), weighted_layers(graph), strict=True):
        statistics = input_statistics(reference, before, activations)
        assert statistics is not None
        node = before.nodes[0]
        source = reference.tensors[node.inputs[0]].quantization
        assert source is not None
        biases = [g.constants[node.inputs[2]].values.astype(float) for g in (graph, reference)]
        d = after.real - before.real
        shift = (biases[0] - biases[1]) * source.scale * before.scales[:, 0]
        covariance = np.broadcast_to(
            statistics.covariance, (len(d), *statistics.covariance.shape[1:])
        )
        spread = np.einsum("ci,cij,cj->c", d, covariance, d)
        means = (d * statistics.mean).sum(axis=1) + shift
        result[before.name] = float((spread + means**2).mean())
    return result


@pytest.mark.parametrize(("sparsity", "bits"), [(0.0, 3), (0.4, 8), (0.4, 3)])
def test_errors_fall(
    graph: Graph, activations: dict[str, Array], sparsity: float, bits: int
) -> None:
    pruned = Prune(sparsity).apply(graph) if sparsity else None
    plain = Cluster(bits, "layer").apply(pruned or graph)
    better = feed_back_errors(plain, graph, activations, pruned)
    check_codebooks(better)
    corrected = correct_biases(better, graph, activations)
    stages = [
        _errors(g, graph, activations)
        for g in (plain, correct_biases(plain, graph, activations), corrected)
    ]
    for layer in stages[0]:
        assert stages[2][layer] < stages[1][layer] < stages[0][layer]
    if pruned:
        for before, after in zip(weighted_layers(pruned), weighted_layers(corrected), strict=True):
            assert not after.matrix[before.matrix == 0].any()


def test_unchanged_layers_stay_unchanged(graph: Graph, activations: dict[str, Array]) -> None:
    assert feed_back_errors(graph, graph, activations).constants == graph.constants
    assert correct_biases(graph, graph, activations).constants == graph.constants


def test_statistics_are_those_of_windows() -> None:
    rng = np.random.default_rng(2)
    window = Window.make("same", (4, 5), (3, 3), (2, 1))
    x = rng.normal(1, 1, (20, 4, 5, 3)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (window.padding[0], window.padding[2]), (1, 1), (0, 0)))
    seen = np.stack(
        [padded[:, y : y + 3, z : z + 3] for y in (0, 2) for z in range(5)], axis=1
    ).reshape(-1, 9, 3)
    builder = GraphBuilder("windows")
    builder.input("x", (4, 5, 3))
    for name, op, shape in (
        ("conv", Conv2D(window), (4, 3, 3, 3)),
        ("depthwise", DepthwiseConv2D(window, 2), (1, 3, 3, 6)),
    ):
        weights = builder.constant(f"{name}_weights", rng.normal(size=shape))
        channels = shape[0] if name == "conv" else shape[3]
        builder.add(op, ["x", weights, builder.constant(f"{name}_bias", np.zeros(channels))], name)
    graph = builder.build(["conv", "depthwise"])
    conv, depthwise = (input_statistics(graph, n, {"x": x}) for n in weighted_layers(graph))
    assert conv is not None
    assert depthwise is not None
    flat = seen.reshape(-1, 27)
    np.testing.assert_allclose(conv.mean[0], flat.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(conv.covariance[0], np.cov(flat.T, bias=True), atol=1e-4)
    assert depthwise.mean.shape == (6, 9)
    for channel in range(6):
        own = seen[:, :, channel // 2]
        np.testing.assert_allclose(depthwise.mean[channel], own.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(
            depthwise.covariance[channel], np.cov(own.T, bias=True), atol=1e-4
        )


def test_a_shared_bias_stays_unchanged(graph: Graph, activations: dict[str, Array]) -> None:
    first, second, third = graph.nodes
    shared = replace(second, inputs=(*second.inputs[:2], first.inputs[2]))
    graph = replace(graph, nodes=(first, shared, third))
    corrected = correct_biases(Cluster(2, "layer").apply(graph), graph, activations)
    changed = [
        name
        for name, constant in corrected.constants.items()
        if name.endswith("bias") and (constant.values != graph.constants[name].values).any()
    ]
    assert changed == ["dense_bias"]


def test_missing_activations_are_named(graph: Graph) -> None:
    with pytest.raises(DataError, match="no activations of tensor 'x'"):
        correct_biases(Cluster(2, "layer").apply(graph), graph, {})


def test_fewer_samples_than_inputs() -> None:
    inputs = np.random.default_rng(0).normal(size=(16, 640))
    factor, _ = factorize((inputs.T @ inputs / 16)[None], 0.01)
    assert np.isfinite(factor).all()
    assert (np.diagonal(factor[0]) > 0).all()


@pytest.mark.parametrize("samples", [1, 2, 9])
def test_inputs_that_hardly_vary(samples: int) -> None:
    """Rounding then gives covariances that proportional damping does not make positive definite."""
    layers = Layers((9, 9, 6))
    layers.conv(layers.conv("input", 8, Window((3, 3))), 4, Window((3, 3)))
    graph, steady = layers.graph(), {}
    for node in graph.nodes:
        values = np.full((samples, *graph.tensors[node.inputs[0]].shape), 127, np.int8)
        values.reshape(-1)[:30] = 126
        steady[node.inputs[0]] = values
    found = [input_statistics(graph, layer, steady) for layer in weighted_layers(graph)]
    assert min(np.linalg.eigvalsh(each.covariance).min() for each in found if each) < -1e-5
    pruned = Prune(0.5).apply(graph)
    changed = feed_back_errors(Cluster(2, "layer").apply(pruned), graph, steady, pruned)
    check_codebooks(changed)


def test_damping_grows_until_the_factorization_succeeds() -> None:
    rng = np.random.default_rng(1)
    turned = np.linalg.qr(rng.normal(size=(3, 6, 6)))[0]
    values = np.array([[5.0, 1, 1, 1, 1, -0.5], [3, 2, 1, 1, 1, 1], [1e9, 0, 0, 0, 0, -1e9]])
    covariance = turned @ (values[:, :, None] * turned.transpose(0, 2, 1))
    factor, order = factorize(covariance, 0.01)
    assert np.isfinite(factor).all()
    assert (np.diagonal(factor, axis1=1, axis2=2) > 0).all()
    alone, its_order = factorize(covariance[1:2], 0.01)
    np.testing.assert_array_equal(factor[1], alone[0])
    np.testing.assert_array_equal(order[1], its_order[0])


def test_a_covariance_that_is_not_finite_propagates_no_error() -> None:
    factor, _ = factorize(np.full((1, 4, 4), np.nan), 0.01)
    np.testing.assert_array_equal(factor[0], np.eye(4))
