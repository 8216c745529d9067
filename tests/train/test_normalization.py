"""Batch normalization in a training, and folded after it."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import difference, float_graph, run
from random_graphs import random_graph
from small_networks import network, task

from tinycomp.common.errors import TinycompError
from tinycomp.data.metrics import softmax
from tinycomp.train.int8 import Int8
from tinycomp.train.model import finish, trainable


@pytest.mark.parametrize("seed", range(6))
def test_it_changes_nothing_at_first(seed: int) -> None:
    graph = float_graph(random_graph(seed), total=True)
    shape = graph.tensors[graph.inputs[0]].shape
    x = np.random.default_rng(seed).normal(0, 1, (20, *shape)).astype(np.float32)
    model = trainable(graph, normalization=x)
    assert difference(model.predict_on_batch(x), run(graph, x)) < 1e-4
    assert difference(run(finish(model), x), run(graph, x)) < 1e-4


def test_training_uses_the_statistics_of_the_batch_and_the_graph_the_running_ones() -> None:
    import keras

    keras.utils.set_random_seed(0)
    x, y = task()
    model = trainable(network(), logits=True, normalization=x)
    other = 5 * x
    assert difference(np.asarray(model(other)), np.asarray(model(other, training=True))) > 0.1
    wanted = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), wanted)
    model.fit(other, y, batch_size=32, epochs=12, verbose=0)
    graph = finish(model)
    assert difference(run(graph, other), softmax(model.predict_on_batch(other))) < 1e-4
    assert np.mean(run(graph, other).argmax(-1) == y) > 0.9


def test_only_layers_of_their_own_weights_before_the_last_are_normalized() -> None:
    x, _ = task(64)
    model = trainable(network(), logits=True, normalization=x)
    held = [layer.normalization is not None for layer in model.tinycomp.layers]
    assert held == [True, True, False]


@pytest.mark.parametrize("rounded", [False, True])
def test_not_with_grids(rounded: bool) -> None:
    x, _ = task(64)
    with pytest.raises(TinycompError, match="off their grid"):
        trainable(network(), () if rounded else [Int8()], x if rounded else None, normalization=x)
