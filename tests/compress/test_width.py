"""Width scaling: every layer is narrower, with kept or new weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import float_graph, run
from small_models import Layers
from structured import images

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.techniques.channels import Channels
from tinycomp.techniques.width import Width


@pytest.fixture(scope="module")
def graph() -> Graph:
    layers = Layers((8, 8, 3), 2)
    same = Window.make("same", (8, 8), (3, 3))
    x = layers.conv("input", 16, same, Activation.RELU)
    y = layers.conv(x, 24, same, Activation.RELU)
    z = layers.conv(y, 16, same)
    x = layers.depthwise(layers.add(x, z), same, 1, Activation.RELU)
    layers.softmax(layers.dense(layers.mean(x), 5))
    return float_graph(layers.graph())


def widths(graph: Graph) -> list[int]:
    return [graph.tensors[node.outputs[0]].shape[-1] for node in graph.nodes
            if node.op.weight_axis is not None]  # fmt: skip


def test_every_layer_but_the_output_keeps_its_share(graph: Graph) -> None:
    assert widths(graph) == [16, 24, 16, 16, 5]
    assert widths(Width(0.5).apply(graph)) == [8, 12, 8, 8, 5]
    assert widths(Width(0.3, multiple=1).apply(graph)) == [5, 7, 5, 5, 5]
    assert widths(Width(0.01).apply(graph)) == [4, 4, 4, 4, 5]
    assert widths(Width(1.0).apply(graph)) == widths(graph)
    assert widths(Width(0.5, by_layer={"conv_2d_1": 1.0}).apply(graph)) == [8, 24, 8, 8, 5]


def test_kept_weights_are_those_of_channel_pruning(graph: Graph) -> None:
    narrow, pruned = Width(0.5).apply(graph), Channels(0.5, criterion="l2").apply(graph)
    for name, constant in pruned.constants.items():
        np.testing.assert_array_equal(narrow.constants[name].values, constant.values)


def test_new_weights_keep_the_scale_of_activations(graph: Graph) -> None:
    first = Width(0.5, weights="new").apply(graph)
    again = Width(0.5, weights="new").apply(graph)
    other = Width(0.5, weights="new", seed=1).apply(graph)
    assert widths(first) == [8, 12, 8, 8, 5]
    name = "weights"
    assert np.array_equal(first.constants[name].values, again.constants[name].values)
    assert not np.array_equal(first.constants[name].values, other.constants[name].values)
    assert not np.array_equal(first.constants[name].values,
                              Width(0.5).apply(graph).constants[name].values)  # fmt: skip
    shares = run(first, images(64))
    assert shares.shape == (64, 5)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    assert shares.std(axis=0).min() > 0
    assert shares.max() < 1


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Width(0.0), r"factor = 0 is not a width factor\. Expected 0 < factor <= 1"),
        (lambda: Width(by_layer={"a": 1.5}), r"a = 1\.5 is not a width factor"),
        (lambda: Width(multiple=0), r"multiple = 0 with weights = 'kept' is not possible"),
        (lambda: Width(weights="old"), r"with weights = 'old' is not possible"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Width], text: str) -> None:
    with pytest.raises(TinycompError, match=text):
        make()


def test_options_that_do_not_fit_the_graph_are_refused(graph: Graph) -> None:
    with pytest.raises(TinycompError, match=r"'c9' matches no layer whose channels can be removed"):
        Width(by_layer={"c9": 0.5}).apply(graph)
    layers = Layers((4, 4, 2), 0)
    layers.softmax(layers.dense(layers.mean("input"), 3))
    with pytest.raises(TinycompError, match=r"No layer of '.*' can be narrowed"):
        Width().apply(float_graph(layers.graph()))
