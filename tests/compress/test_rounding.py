"""Rounding to few bits: errors, bits by layer, and zeros."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from float_graphs import float_graph, run
from small_models import Layers

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph, GraphBuilder, Node
from tinycomp.ir.tensor import Constant
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.lstm import Lstm
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.post_training import quantize
from tinycomp.reading import clean_up, read_model
from tinycomp.techniques._adaround import adaptive_rounding
from tinycomp.techniques._grids import Method, Scales
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques._sensitivity import Choice, mixed
from tinycomp.techniques._technique import Samples
from tinycomp.techniques.rounding import Rounding

SHAPE = (8, 8, 3)
_RNG = np.random.default_rng(3)
X = (_RNG.normal(0, 1, (96, *SHAPE)) + _RNG.normal(1, 2, (96, 1, 1, 3))).astype(np.float32)
SAMPLES = Samples(X)


@pytest.fixture(scope="module")
def graph() -> Graph:
    layers = Layers(SHAPE, 0)
    same = Window.make("same", SHAPE[:2], (3, 3))
    first = layers.conv("input", 16, same, Activation.RELU)
    second = layers.depthwise(first, same, 1, Activation.RELU)
    layers.dense(layers.mean(layers.conv(second, 12, same, Activation.RELU)), 5)
    return float_graph(layers.graph())


def error(before: Graph, after: Graph) -> float:
    return float(np.mean((run(after, X) - run(before, X)) ** 2))


@pytest.mark.parametrize("bits", [3, 4])
def test_each_method_is_better_than_the_nearest_step(graph: Graph, bits: int) -> None:
    methods: tuple[Method, ...] = ("nearest", "feedback", "adaround")
    found = {
        method: error(graph, Rounding(bits, method=method).apply(graph, SAMPLES))
        for method in methods
    }
    assert found["feedback"] < 0.8 * found["nearest"]
    assert found["adaround"] < 0.8 * found["nearest"]


def test_adaptive_rounding_is_close_to_the_best_of_all_choices() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(0, 1, (200, 8)) + rng.normal(0, 1.5, (200, 1))
    covariance = np.cov(inputs.T)[np.newaxis]
    target = rng.uniform(-3, 3, (6, 8))
    found = adaptive_rounding(target, 7, np.zeros(target.shape, bool), covariance)
    assert (np.abs(found - target) < 1).all()
    choices = np.indices((2,) * 8).reshape(8, -1).T
    for row, given in zip(found, target, strict=True):
        errors = np.floor(given) + choices - given
        all_costs = np.einsum("ki,ij,kj->k", errors, covariance[0], errors)
        d = row - given
        plain = np.rint(given) - given
        assert d @ covariance[0] @ d <= plain @ covariance[0] @ plain
        assert d @ covariance[0] @ d <= np.quantile(all_costs, 0.05)


@pytest.mark.parametrize("scales", ["channel", "layer"])
def test_quantization_keeps_the_grid(graph: Graph, scales: str) -> None:
    rounding = Rounding(3, scales=scales)  # type: ignore[arg-type]
    small = rounding.apply(graph, SAMPLES)
    int8 = quantize(small, observe(small, X).ranges("mse"))
    for real, whole in zip(weighted_layers(small), weighted_layers(int8), strict=True):
        assert np.abs(whole.matrix).max() <= 3
        assert np.allclose(whole.real, real.real, rtol=1e-5, atol=1e-7)
        assert len(np.unique(whole.scales)) == (1 if scales == "layer" else len(whole.matrix))


def test_zeros_stay_zero(graph: Graph) -> None:
    constants = dict(graph.constants)
    for layer in weighted_layers(graph):
        keep = np.random.default_rng(0).random(layer.weights.shape) < 0.5
        values = (layer.weights.values * keep).astype(np.float32)
        constants[layer.weights.name] = replace(layer.weights, values=values)
    pruned = replace(graph, constants=constants)
    for method in ("nearest", "feedback", "adaround"):
        small = Rounding(4, method=method).apply(pruned, SAMPLES)
        for before, after in zip(weighted_layers(pruned), weighted_layers(small), strict=True):
            assert not after.matrix[before.matrix == 0].any()


@pytest.mark.parametrize("seed", range(3))
def test_mixed_precision_is_better_than_uniform_bits(seed: int) -> None:
    parts = Layers(SHAPE, seed)
    window = Window.make("same", SHAPE[:2], (3, 3))
    first = parts.conv("input", 8, window, Activation.RELU)
    second = parts.conv(first, 24, window, Activation.RELU)
    parts.dense(parts.mean(parts.conv(second, 24, window, Activation.RELU)), 5)
    graph = float_graph(parts.graph())
    same = Rounding(4).apply(graph, SAMPLES)
    best = Rounding(average=4.0).apply(graph, SAMPLES)
    assert error(graph, best) < error(graph, same)
    assert "Bits by layer: " in best.notes[-1]
    layers = weighted_layers(best)
    listed = best.notes[-1].removeprefix("Bits by layer: ").rstrip(".").split(", ")
    bits = {name: int(width) for name, width in (each.rsplit(" ", 1) for each in listed)}
    sizes = {layer.name: layer.weights.values.size for layer in layers}
    assert sum(bits[n] * sizes[n] for n in sizes) <= 4.0 * sum(sizes.values())
    given = Rounding(average=4.0, by_layer={layers[0].name: 2}).apply(graph, SAMPLES)
    assert f"{layers[0].name} 2" in given.notes[-1]


def test_bits_go_where_they_cost_least() -> None:
    costly = Choice(100, (2, 4, 8), (9.0, 4.0, 0.1))
    cheap = Choice(100, (2, 4, 8), (0.3, 0.2, 0.1))
    assert mixed([costly, cheap], 8) == [8, 8]
    assert mixed([costly, cheap], 6) == [8, 4]
    assert mixed([costly, cheap], 5) == [8, 2]
    assert mixed([costly, cheap], 2) == [2, 2]


def test_batch_normalization_after_one_dimensional_convolutions_is_folded_first(
    tmp_path: Path,
) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            layers.Input((32, 3)),
            layers.Conv1D(8, 5, padding="same", use_bias=False),
            layers.BatchNormalization(moving_variance_initializer=keras.initializers.Constant(4)),
            layers.ReLU(),
            layers.GlobalAveragePooling1D(),
            layers.Dense(4),
        ]
    )
    with warnings.catch_warnings():  # of Keras about NumPy 2
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(tmp_path / "model.keras")
    graph = read_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(0, 1, (64, 32, 3)).astype(np.float32)
    found = Rounding(8).apply(graph, Samples(x))
    assert not any(isinstance(node.op, BatchNormalization) for node in found.nodes)
    expected = model.predict(x, verbose=0)
    assert np.abs(run(clean_up(found), x) - expected).max() < 0.02 * np.abs(expected).max()


def test_without_samples_weights_are_rounded_to_the_nearest(graph: Graph) -> None:
    found = Rounding(4).apply(graph)
    assert "Without samples" in found.notes[-1]
    nearest = Rounding(4, method="nearest").apply(graph)
    for a, b in zip(weighted_layers(found), weighted_layers(nearest), strict=True):
        assert np.array_equal(a.matrix, b.matrix)
    with pytest.raises(TinycompError, match=r"Mixed precision needs samples"):
        Rounding(average=4.0).apply(graph)


def test_impossible_options_are_refused(graph: Graph) -> None:
    with pytest.raises(TinycompError, match=r"bits = 9 is not possible.*2 to 8"):
        Rounding(9)
    with pytest.raises(TinycompError, match="conv = 1 is not possible"):
        Rounding(4, by_layer={"conv": 1})
    with pytest.raises(TinycompError, match=r"average = 1.5 .*2 to 8"):
        Rounding(average=1.5)
    with pytest.raises(TinycompError, match="'nothing' matches no layer with weights"):
        Rounding(4, by_layer={"nothing": 4}).apply(graph)


def test_batch_normalization_that_can_not_be_folded_stays_a_layer() -> None:
    """Its offset reaches the border, which the padding of the next layer does not have."""
    layers = Layers(SHAPE, 0)
    same = Window.make("same", SHAPE[:2], (3, 3))
    layers.dense(layers.mean(layers.conv("input", 8, same, Activation.RELU)), 3)
    graph = float_graph(layers.graph())
    scale, offset = (np.array(each, np.float32) for each in ((1.5, 0.5, -1), (3, -2, 1)))
    own = {name: Constant(name, each) for name, each in (("scale", scale), ("offset", offset))}
    first, *others = graph.nodes
    normal = Node("normal", BatchNormalization(), ("input", "scale", "offset"), ("normal",))
    tensors = {**graph.tensors, "normal": replace(graph.tensors["input"], name="normal")}
    first = replace(first, inputs=("normal", *first.inputs[1:]))
    graph = replace(
        graph, nodes=(normal, first, *others), tensors=tensors,
        constants={**graph.constants, **own},
    )  # fmt: skip
    rounded = Rounding(8, method="nearest").apply(graph, SAMPLES)
    expected = run(clean_up(graph), X)
    np.testing.assert_allclose(run(rounded, X), expected, atol=0.05 * np.abs(expected).max())
    assert len(weighted_layers(Rounding(average=4.0).apply(graph, SAMPLES))) == 3


@pytest.mark.parametrize("scales", ["channel", "layer"])
def test_gates_of_an_lstm_have_one_scale_each(scales: Scales) -> None:
    rng, builder = np.random.default_rng(0), GraphBuilder("lstm")
    sizes = {"weights": (12, 7), "bias": (12,)}
    made = [builder.constant(n, rng.normal(size=s).astype(np.float32)) for n, s in sizes.items()]
    graph = builder.build([builder.add(Lstm(), [builder.input("x", (5, 4)), *made], "y")])
    x = rng.normal(size=(32, 5, 4)).astype(np.float32)
    found = Rounding(4, scales=scales).apply(graph, Samples(x))
    int8 = quantize(found, observe(found, x).ranges("min-max"))
    grid = found.constants["weights"].grid
    assert grid is not None
    assert len({*grid.scales}) == (4 if scales == "channel" else 1)
    (kept,) = (each for each in int8.constants.values() if each.name == "weights")
    assert np.abs(kept.values).max() <= 7
