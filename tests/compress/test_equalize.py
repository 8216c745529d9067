"""Equalization does not change the float function, and equalizes ranges of channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from float_graphs import float_graph, run
from small_models import Layers

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques.equalize import Equalize

SHAPE = (6, 6, 2)
X = np.random.default_rng(3).normal(0, 1, (16, *SHAPE)).astype(np.float32)


def uneven(graph: Graph) -> Graph:
    """Output channels scaled by factors of up to a thousand, compensated in the next layers."""
    constants = dict(graph.constants)
    rng = np.random.default_rng(0)
    for layer in weighted_layers(graph):
        factors = 10 ** rng.uniform(-1.5, 1.5, layer.matrix.shape[0])
        values = layer.rebuild(layer.matrix * factors[:, np.newaxis])
        constants[layer.weights.name] = replace(layer.weights, values=values)
    return replace(graph, constants=constants)


def network(activation: Activation = Activation.RELU) -> Graph:
    layers = Layers(SHAPE, 0)
    same = Window.make("same", SHAPE[:2], (3, 3))
    first = layers.conv("input", 8, same, activation)
    second = layers.depthwise(first, same, 1, activation)
    third = layers.conv(second, 6, Window((1, 1)), activation)
    layers.softmax(layers.dense(layers.mean(third), 3))
    return uneven(float_graph(layers.graph()))


def spread(matrix: Array) -> float:
    """The largest range of a channel over the smallest."""
    largest = np.abs(matrix).max(axis=1)
    return float(largest.max() / largest.min())


def test_the_function_is_unchanged_and_ranges_become_equal() -> None:
    graph = network()
    after = Equalize().apply(graph)
    assert np.allclose(run(after, X), run(graph, X), rtol=1e-4, atol=1e-5)
    before_spread, after_spread = (
        [spread(layer.matrix) for layer in weighted_layers(each)] for each in (graph, after)
    )
    for wide, narrow in zip(before_spread[:3], after_spread[:3], strict=True):
        assert narrow < 0.5 * wide
    second, third = weighted_layers(after)[1:3]
    read = np.abs(third.matrix.reshape(6, 8)).max(axis=0)
    assert np.allclose(np.abs(second.matrix).max(axis=1), read, rtol=0.05)


def test_an_activation_with_an_upper_bound_stops_it() -> None:
    graph = network(Activation.RELU6)
    after = Equalize().apply(graph)
    assert after.constants == graph.constants
    assert after.notes[-1].startswith("Nothing was equalized")


def test_a_dense_layer_after_a_flattened_image() -> None:
    layers = Layers(SHAPE, 0)
    same = Window.make("same", SHAPE[:2], (3, 3))
    flat = layers.reshape(layers.conv("input", 8, same, Activation.RELU), (6 * 6 * 8,))
    layers.dense(flat, 5)
    graph = uneven(float_graph(layers.graph()))
    after = Equalize().apply(graph)
    assert np.allclose(run(after, X), run(graph, X), rtol=1e-4, atol=1e-4)
    assert spread(weighted_layers(after)[0].matrix) < 0.5 * spread(weighted_layers(graph)[0].matrix)


def test_channels_with_another_reader_keep_their_scale() -> None:
    layers = Layers(SHAPE, 0)
    same = Window.make("same", SHAPE[:2], (3, 3))
    first = layers.conv("input", 8, same, Activation.RELU)
    second = layers.conv(first, 8, same, Activation.RELU)
    layers.dense(layers.mean(layers.add(first, second)), 3)
    graph = uneven(float_graph(layers.graph()))
    after = Equalize().apply(graph)
    assert np.allclose(run(after, X), run(graph, X), rtol=1e-4, atol=1e-4)
    before = weighted_layers(graph)
    for old, new in zip(before[:2], weighted_layers(after)[:2], strict=True):
        assert np.array_equal(old.matrix, new.matrix)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(TinycompError, match=r"0 sweeps and factors up to 100 .* sweeps >= 1"):
        Equalize(sweeps=0)
    with pytest.raises(TinycompError, match="factors up to 1 is not possible"):
        Equalize(most=1.0)
