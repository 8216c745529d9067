"""Graphs as Keras models: equal outputs, constraints at every step, and conversion back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from float_graphs import difference, float_graph, run
from random_graphs import random_graph
from small_models import Layers
from small_networks import network, task

from tinycomp.common.errors import ModelError, TinycompError
from tinycomp.data.metrics import softmax
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.tensor import Array, QuantizationParameters, dequantize_values
from tinycomp.ops._differentiable import fake_quantize
from tinycomp.ops._window import Window
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.logarithm import Logarithm
from tinycomp.quantization.affine import quantize_inputs, quantize_values
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate
from tinycomp.train.export import export_int8
from tinycomp.train.int8 import Int8
from tinycomp.train.model import finish, trainable
from tinycomp.train.prune import Prune
from tinycomp.train.rate import Rate, entropy, falling


def trained(constraints: list[Any], epochs: int = 6, calibration: Array | None = None) -> Any:
    """A model trained by Keras's own loop."""
    import keras

    keras.utils.set_random_seed(0)
    model = trainable(network(), constraints, calibration)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x, y = task()
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize("seed", range(12))
def test_models_compute_what_their_graphs_compute(seed: int) -> None:
    graph = float_graph(random_graph(seed), total=True)
    shape = graph.tensors[graph.inputs[0]].shape
    x = np.random.default_rng(seed).normal(0, 1, (3, *shape)).astype(np.float32)
    model = trainable(graph)
    assert difference(model.predict_on_batch(x), run(graph, x)) < 1e-4
    assert difference(run(finish(model), x), run(graph, x)) < 1e-5


def test_shared_weights_stay_shared() -> None:
    from dataclasses import replace

    layers = Layers((4, 4, 3))
    window = Window.make("same", (4, 4), (3, 3))
    layers.conv(layers.conv("input", 3, window), 3, window)
    graph = float_graph(layers.graph())
    first, second = graph.nodes
    second = replace(second, inputs=(second.inputs[0], *first.inputs[1:]))
    used = {name: graph.constants[name] for name in first.inputs[1:]}
    graph = replace(graph, nodes=(first, second), constants=used)
    model = trainable(graph, [Rate(2.0)])
    x = np.random.default_rng(0).normal(0, 1, (2, 4, 4, 3)).astype(np.float32)
    model(x)
    assert len(model.trainable_variables) == 3  # kernel, bias, step
    assert len(model.losses) == 1
    assert finish(model).constants.keys() == used.keys()


def test_a_keras_model_is_accepted() -> None:
    import keras

    made = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            keras.layers.Dense(2, "softmax"),
        ]
    )
    x = np.random.default_rng(0).normal(0, 1, (5, 8, 8, 1)).astype(np.float32)
    assert difference(trainable(made).predict_on_batch(x), made.predict_on_batch(x)) < 1e-4
    logits = trainable(made, logits=True).predict_on_batch(x)
    assert difference(softmax(logits), made.predict_on_batch(x)) < 1e-4


def test_an_int8_graph_is_refused() -> None:
    with pytest.raises(ModelError, match="is int8 already"):
        trainable(random_graph(0))


@pytest.mark.parametrize("parameters", [(0.1, 0), (0.0371, -128), (2.5, 127), (1 / 256, 5)])
def test_activations_are_rounded_as_the_library_rounds(parameters: tuple[float, int]) -> None:
    scale, zero_point = parameters
    known = QuantizationParameters((float(np.float32(scale)),), (zero_point,))
    grid = np.arange(-300, 300, dtype=np.float32) / 2 * np.float32(scale)  # exact ties
    free = np.random.default_rng(0).normal(0, 60 * scale, 2000).astype(np.float32)
    x = np.concatenate([grid, np.nextafter(grid, np.float32(0)), free])
    expected = dequantize_values(quantize_values(x, known), known)
    found = fake_quantize(x, known).numpy()
    assert np.abs(found - expected).max() < scale / 1000


@pytest.mark.parametrize("zero_point", [-128, -5, 127])
def test_rounded_activations_pass_gradients_on_where_they_do_not_saturate(zero_point: int) -> None:
    import tensorflow as tf

    scale = 0.05
    known = QuantizationParameters((scale,), (zero_point,))
    ends = scale * (np.array([-128.4, -127.6, 126.6, 127.4]) - zero_point)
    x = tf.constant(ends, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(3.0 * fake_quantize(x, known))
    assert tape.gradient(total, x).numpy().tolist() == [0.0, 3.0, 3.0, 0.0]


def test_pruning_reaches_its_sparsity_gradually_and_keeps_it() -> None:
    constraint = Prune(0.6, every=4)
    shares = [constraint.sparsity_at(share) for share in np.linspace(0, 1, 11)]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[7:] == [0.6] * 4
    graph = finish(trained([constraint]))
    values = [
        graph.constants[node.inputs[1]].values
        for node in graph.nodes
        if node.op.weight_axis is not None
    ]
    zeros = sum(int((each == 0).sum()) for each in values)
    assert zeros == int(0.6 * sum(each.size for each in values))


def test_int8_weights_and_zeros_survive_quantization() -> None:
    x, _ = task()
    model = trained([Prune(0.5, every=4), Int8()], calibration=x[:64])
    graph = finish(model)
    int8 = quantize(graph, calibrate(graph, x, "min-max"), model.tinycomp.rounding)
    for node in graph.nodes:
        if node.op.weight_axis is not None:
            real, stored = (each.constants[node.inputs[1]] for each in (graph, int8))
            assert real.grid == stored.quantization
            np.testing.assert_array_equal(stored.values == 0, real.values == 0)
            again = dequantize_values(stored.values, stored.quantization)
            np.testing.assert_allclose(again, real.values, rtol=1e-5, atol=1e-9)


def test_training_computes_the_same_as_int8() -> None:
    """The float model with rounded activations and LiteRT's int8 kernels predict the same class."""
    x, y = task()
    model = trained([Rate(2.0, every=2)], 24, x[:64])
    graph = finish(model)
    int8 = quantize(graph, calibrate(graph, x, "min-max"), model.tinycomp.rounding)
    emulated = model.predict_on_batch(x).argmax(axis=1)
    inputs = quantize_inputs(int8, x)
    stored = oracle.run_output(write_tflite(int8), inputs)
    assert np.mean(emulated == stored.argmax(axis=1)) >= 0.99
    assert np.array_equal(simulate(int8, inputs[:8])[int8.outputs[0]], stored[:8])
    assert np.mean(emulated == y) > 0.9


def test_rate_holds_its_bits_with_one_scale_a_layer() -> None:
    graph = finish(trained([Rate(1.5, every=2)], 24))
    symbols = []
    for node in graph.nodes:
        if node.op.weight_axis is not None:
            weights = graph.constants[node.inputs[1]]
            assert weights.grid is not None
            steps = weights.values / weights.grid.scale
            np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
            symbols.append(np.rint(steps))
    bits = sum(entropy(each) * each.size for each in symbols) / sum(s.size for s in symbols)
    assert 1.3 < bits < 1.6


def test_the_rate_of_weights_that_are_all_zero() -> None:
    """There are no bits to press: the penalty stays finite, and training goes on."""
    import keras

    model = trainable(network(), [Rate(1.5, every=1)], task()[0][:64])
    for variable in model.trainable_variables:
        variable.assign(keras.ops.zeros_like(variable))
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    history = model.fit(*task(), batch_size=32, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_weights_that_left_their_grid_are_refused() -> None:
    from dataclasses import replace

    x, _ = task()
    graph = finish(trainable(network(), [Int8()]))
    name = graph.nodes[0].inputs[1]
    moved = replace(graph.constants[name], values=graph.constants[name].values * 1.3)
    graph = replace(graph, constants={**graph.constants, name: moved})
    with pytest.raises(ModelError, match="changed after they were trained"):
        quantize(graph, calibrate(graph, x, "min-max"))


@pytest.mark.parametrize("wrong", [{"sparsity": 1.2}, {"sparsity": 0.5, "begin": 0.9, "end": 0.2}])
def test_impossible_pruning_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TinycompError, match="is not possible"):
        Prune(**wrong)


@pytest.mark.parametrize("wrong", [{"bits": 0}, {"bits": 2, "press": 0.9, "freeze": 0.5}])
def test_impossible_rates_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(TinycompError, match="not possible"):
        Rate(**wrong)


def test_target_bits_fall_by_the_same_factor() -> None:
    path = [falling(3.2, 0.1, share) for share in np.linspace(0, 1, 6)]
    assert path == pytest.approx([3.2, 1.6, 0.8, 0.4, 0.2, 0.1])
    assert falling(0.5, 2.0, 0.7) == 0.5  # they never rise
    assert falling(0.0, 1.5, 0.5) == 0.0


def test_a_logarithm_of_values_that_training_made_negative() -> None:
    rng = np.random.default_rng(0)
    builder = GraphBuilder("logarithm")
    inputs = [builder.input("x", (6,))]
    inputs.append(builder.constant("weights", np.eye(6, dtype=np.float32)))
    inputs.append(builder.constant("biases", np.full(6, 0.1, np.float32)))
    sums = builder.add(FullyConnected(), inputs, "sums")
    graph = builder.build([builder.add(Logarithm(), [sums], "y")])
    x = rng.uniform(0, 1, (64, 6)).astype(np.float32)
    model = trainable(graph, (Int8(),), x)
    bias = model.tinycomp.layers[0].raw_bias
    bias.assign(-2 * bias)
    found = parse_tflite(export_int8(model, x), "logarithm")
    output = simulate(found, quantize_inputs(found, x))[found.outputs[0]]
    known = found.tensors[found.outputs[0]].quantization
    assert known is not None
    trained = quantize_values(model.predict(x, verbose=0), known)
    assert (np.abs(output.astype(int) - trained) <= 1).mean() > 0.99
