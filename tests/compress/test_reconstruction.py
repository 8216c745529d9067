"""Reconstructed layers compute what they computed before, as far as their inputs allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from float_graphs import float_graph
from small_models import Layers
from structured import images

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.techniques._layers import with_constants
from tinycomp.techniques._structure import Structure
from tinycomp.techniques._technique import Samples
from tinycomp.techniques.channels import Channels
from tinycomp.techniques.low_rank import LowRank
from tinycomp.techniques.tucker import Tucker
from tinycomp.techniques.width import Width

X, OTHERS = np.split(images(192, (8, 8, 3)), [128])
FIRST, SECOND = "conv_2d", "conv_2d_1"


def network(linear: bool = False) -> Graph:
    layers = Layers((8, 8, 3), 6)
    same = Window.make("same", (8, 8), (3, 3))
    activation = Activation.NONE if linear else Activation.RELU
    x = layers.conv("input", 16, same, activation)
    x = layers.conv(x, 24, same, activation)
    layers.dense(layers.mean(x), 5)
    return float_graph(layers.graph())


def outputs(graph: Graph) -> Array:
    """By LiteRT, of images that no technique has seen."""
    return next(iter(oracle.run_float(write_tflite(graph), OTHERS).values()))


def error(graph: Graph, original: Graph) -> float:
    """The squared error relative to the variance."""
    wanted = outputs(original)
    return float(((outputs(graph) - wanted) ** 2).mean() / wanted.var(axis=0).mean())


@pytest.mark.parametrize("technique", [
    Channels(0.5), Width(0.5), LowRank(rank=4), Tucker(energy=0.5),
])  # fmt: skip
def test_unseen_images_have_outputs_closer_to_the_original(technique: Structure) -> None:
    graph = network()
    found = error(technique.apply(graph, Samples(X)), graph)
    scaled = replace(technique, reconstruct=False).apply(graph, Samples(X))
    assert found < 0.75 * error(scaled, graph)


def test_channels_that_others_can_stand_for_are_not_missed() -> None:
    graph = network(linear=True)
    weights, bias = (graph.constants[name] for name in graph.nodes[0].inputs[1:])
    halved = np.concatenate([weights.values[:8], weights.values[:8] / 2])
    graph = with_constants(graph, [
        replace(weights, values=halved),
        replace(bias, values=np.concatenate([bias.values[:8], bias.values[:8] / 2])),
    ])  # fmt: skip
    pruned = Channels(0.5, by_layer={SECOND: 0}).apply(graph, Samples(X))
    assert pruned.constants[graph.nodes[0].inputs[1]].shape[0] == 8
    assert error(pruned, graph) < 1e-5
    plain = Channels(0.5, by_layer={SECOND: 0}, reconstruct=False).apply(graph, Samples(X))
    assert error(plain, graph) > 1e-3


def test_pruned_weights_stay_zero_and_few_samples_only_recalibrate() -> None:
    graph = network()
    name = graph.nodes[1].inputs[1]
    weights = graph.constants[name]
    zeros = np.random.default_rng(0).random(weights.shape) < 0.5
    sparse = with_constants(graph, [replace(weights, values=np.where(zeros, 0, weights.values))])
    pruned = Channels(0.5, by_layer={SECOND: 0}).apply(sparse, Samples(X))
    assert 0.3 < (pruned.constants[name].values == 0).mean() < 0.7
    few = Samples(X[:31])
    one, other = (Channels(0.5, reconstruct=each).apply(graph, few) for each in (True, False))
    for key, constant in one.constants.items():
        np.testing.assert_array_equal(constant.values, other.constants[key].values)


def test_samples_that_are_all_zero_change_nothing_but_finite_biases() -> None:
    graph = network()
    pruned = Channels(0.5).apply(graph, Samples(np.zeros_like(X)))
    assert all(np.isfinite(each.values).all() for each in pruned.constants.values())
