"""Graphs written as Keras models compute the same as LiteRT, and can be read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance import Case, cases_of
from float_graphs import difference, float_graph, float_inputs, run
from random_graphs import random_graph
from small_models import Layers

from tinycomp.common.errors import ModelError
from tinycomp.frontend.keras import read_keras
from tinycomp.frontend.keras_export import keras_model, write_keras
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.ops.pad import Pad

OPERATORS = (
    "add", "average_pool_2d", "concatenation", "conv_2d", "depthwise_conv_2d", "fully_connected",
    "hard_swish", "leaky_relu", "logistic", "max_pool_2d", "mean", "mul", "pad", "reduce_max",
    "relu", "reshape", "softmax", "tanh",
)  # fmt: skip
REASONS = (
    "is no Keras activation", "no standard layer", "neither same nor valid", "is not 1",
    "no depthwise convolution", "Keras has no padding", "numbers of axes",
    "no negative slope", "other axes than",
)  # fmt: skip
CASES = [(name, case) for name in OPERATORS for case in cases_of(name)]


def by_keras(graph: Graph, x: Array) -> Array:
    return np.asarray(keras_model(graph).predict(x, verbose=0))


@pytest.mark.parametrize(
    ("name", "case"), CASES, ids=[f"{name}-{number}" for number, (name, _) in enumerate(CASES)]
)
def test_each_operator(name: str, case: Case) -> None:
    graph = float_graph(case.graph)
    x = float_inputs(case.graph, case.inputs)
    try:
        found = by_keras(graph, x)
    except ModelError as error:
        assert any(reason in str(error) for reason in REASONS)  # noqa: PT017
        return
    assert difference(found, run(graph, x)) < 1e-4


def test_most_cases_have_a_keras_model() -> None:
    written = set()
    for name, case in CASES:
        try:
            keras_model(float_graph(case.graph))
        except ModelError:
            continue
        written.add(name)
    assert written == set(OPERATORS) - {"pad"}  # all of whose cases pad channels


@pytest.mark.parametrize("padding", [((1, 2), (0, 3), (0, 0)), ((2, 1), (0, 0))])
def test_padding_of_images_and_signals(padding: tuple[tuple[int, int], ...]) -> None:
    builder = GraphBuilder("padded")
    x = builder.input("x", (5, 4, 2)[3 - len(padding) :])
    graph = builder.build([builder.add(Pad(padding), [x], "pad")])
    values = np.random.default_rng(0).normal(0, 1, (2, *graph.tensors["x"].shape))
    values = values.astype(np.float32)
    assert np.array_equal(by_keras(graph, values), np.pad(values, ((0, 0), *padding)))


@pytest.mark.parametrize("seed", range(4))
def test_whole_graphs_can_be_written_and_read(seed: int, tmp_path: Path) -> None:
    graph = float_graph(random_graph(seed))
    x = np.random.default_rng(seed).normal(0, 1, (3, *graph.tensors[graph.inputs[0]].shape))
    x = x.astype(np.float32)
    path = tmp_path / "model.keras"
    try:
        write_keras(graph, path)
    except ModelError as error:
        assert any(reason in str(error) for reason in REASONS)  # noqa: PT017
        return
    assert difference(run(read_keras(path), x), run(graph, x)) < 1e-4


def test_a_classifier_is_read_back_unchanged(tmp_path: Path) -> None:
    layers = Layers((8, 8, 3), 0)
    window = Window((3, 3), (2, 2), padding=(1, 1, 1, 1))
    first = layers.conv("input", 8, window)
    layers.softmax(layers.dense(layers.mean(first), 4))
    graph = float_graph(layers.graph())
    write_keras(graph, tmp_path / "model.keras")
    again = read_keras(tmp_path / "model.keras")
    before, after = (
        [c.values for c in g.constants.values() if c.values.ndim > 1] for g in (graph, again)
    )
    for a, b in zip(before, after, strict=True):
        assert np.array_equal(a, b)


def test_all_layers_that_keras_lacks_are_named() -> None:
    layers = Layers((8, 8, 3), 0)
    layers.add_constant(layers.mul_constant("input"))
    with pytest.raises(ModelError) as caught:
        keras_model(float_graph(layers.graph()))
    assert str(caught.value).count("no standard layer") == 2
    assert "Write a .tflite instead" in str(caught.value)
