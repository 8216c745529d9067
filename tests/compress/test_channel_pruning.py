"""Channel pruning: coupled channels are removed together, others do not change, scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_graphs import difference, float_graph, run
from host import run_on_host
from random_graphs import random_graph
from small_models import Layers
from structured import as_graph, deaf, images, keras_model

from tinycomp.common.errors import TinycompError
from tinycomp.device import firmware_build
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.passes._channels import mixes
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import observe
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.reading import clean_up
from tinycomp.reference import oracle
from tinycomp.techniques._channel_groups import Axis, channel_groups
from tinycomp.techniques._channel_scores import deviations, norms, work
from tinycomp.techniques._taylor import taylor
from tinycomp.techniques._technique import Samples
from tinycomp.techniques.channels import Channels

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SEEDS = tuple(range(56))


@pytest.fixture(scope="module")
def model() -> Any:
    return keras_model()


@pytest.fixture(scope="module")
def graph(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return as_graph(model, tmp_path_factory.mktemp("structured"))


def prunable(seed: int) -> Graph | None:
    """A random float graph, if any of its channels can be removed."""
    graph = float_graph(random_graph(seed), total=True)
    return graph if channel_groups(graph).groups else None


def inputs_of(graph: Graph, samples: int = 4) -> Array:
    return images(samples, graph.tensors[graph.inputs[0]].shape)


def test_groups_are_found_through_every_coupling(graph: Graph) -> None:
    groups = {group.name: len(group.bundles) for group in channel_groups(graph).groups}
    assert groups == {
        "stem, narrow": 8,
        "wide, depthwise": 12,
        "side": 6,
        "hidden": 10,
    }


def zero_in_keras(model: Any, original: Graph, pruned: Graph) -> Any:
    """The Keras model with the weights of removed channels set to zero; channels are identified by
    their random biases and scales.
    """
    import keras

    masked = keras.models.clone_model(model)
    masked.set_weights(model.get_weights())
    for layer in masked.layers:
        names = {name for name in original.constants if name.startswith(f"{layer.name}/")}
        vector = next((n for n in names if n.endswith(("/bias", "/scale", "/slopes"))), None)
        if vector is None:
            continue
        left = pruned.constants[vector].values.ravel()
        gone = ~np.isin(original.constants[vector].values.ravel(), left)
        values = layer.get_weights()
        for value in values:
            if value.ndim == 4 and "depthwise" in layer.name:
                value.reshape(*value.shape[:2], -1)[..., gone] = 0
            else:
                value[..., gone] = 0
        layer.set_weights(values)
    return masked


@pytest.mark.parametrize("ranking", ["layer", "global"])
def test_keras_with_these_channels_at_zero_computes_the_same(
    model: Any, graph: Graph, ranking: Any
) -> None:
    pruned = Channels(0.4, ranking=ranking).apply(graph)
    masked = zero_in_keras(model, graph, pruned)
    x = images(16)
    expected = masked.predict(x, verbose=0)
    assert difference(run(clean_up(pruned), x), expected) < 1e-4
    assert difference(model.predict(x, verbose=0), expected) > 1e-2
    assert pruned.cost().macs < 0.7 * graph.cost().macs


@pytest.mark.parametrize("seed", SEEDS)
def test_channels_that_no_layer_uses_can_be_removed(seed: int) -> None:
    graph = prunable(seed)
    if graph is None:
        return
    found = channel_groups(graph)
    kept = np.random.default_rng(seed).random(found.size) < 0.6
    for group in found.groups:
        kept[group.bundles[:1]] = True
    movable = np.concatenate([group.bundles for group in found.groups])
    kept |= ~np.isin(np.arange(found.size), movable)
    x = inputs_of(graph)
    assert difference(run(found.narrow(kept), x), run(deaf(found, kept), x)) < 1e-4


def test_many_random_graphs_can_be_pruned() -> None:
    """Many others end in operators that move values, whose channels are fixed."""
    assert sum(prunable(seed) is not None for seed in SEEDS) >= 13


@pytest.mark.skipif(not firmware_build.host_available(), reason="gcc is not installed")
@pytest.mark.slow
def test_pruned_graphs_build_and_verify(tmp_path: Path) -> None:
    done = 0
    for seed in SEEDS:
        graph = prunable(seed)
        if graph is None or done == 6:
            continue
        done += 1
        pruned = clean_up(Channels(0.5, ranking="global").apply(graph))
        x = inputs_of(pruned, 32)
        int8 = quantize(pruned, observe(pruned, x).ranges("mse"))
        values = quantize_inputs(int8, x[:4])
        expected = oracle.run(write_tflite(int8), values)
        found = run_on_host(int8, values, tmp_path / str(seed))
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name], f"seed {seed}: {name}")
    assert done == 6


def test_remaining_channels_keep_their_weights(graph: Graph) -> None:
    found = channel_groups(graph)
    pruned = Channels(0.5, criterion="l2").apply(graph)
    scores = norms(found, 2)
    for name, axis in (("stem", 0), ("wide", 0), ("side", 0), ("hidden", 0)):
        node = next(node for node in graph.nodes if node.name == name)
        bundles = found.numbers[Axis(node.outputs[0], -1)]
        best = np.sort(np.argsort(-scores[bundles], kind="stable")[: len(bundles) // 2])
        bias = graph.constants[node.inputs[2]].values
        np.testing.assert_array_equal(pruned.constants[node.inputs[2]].values, bias[best])
        assert pruned.constants[node.inputs[1]].shape[axis] == len(best)


def test_input_and_output_keep_their_channels(graph: Graph) -> None:
    pruned = Channels(0.89).apply(graph)
    for name in (*graph.inputs, *graph.outputs):
        assert pruned.tensors[name].shape == graph.tensors[name].shape


def test_norms_are_those_of_the_folded_filters(graph: Graph) -> None:
    found = channel_groups(graph)
    folded = clean_up(graph)
    (group,) = (group for group in found.groups if group.name == "side")
    node = next(node for node in folded.nodes if node.name == "side")
    sums = np.abs(folded.constants[node.inputs[1]].values).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(norms(found, 1)[group.bundles], sums / sums.mean(), rtol=1e-5)


def hearing(graph: Graph, bundle: int, factor: float) -> Graph:
    """The graph with the inputs from a bundle multiplied by a factor."""
    found = channel_groups(graph)
    constants = dict(graph.constants)
    for node in graph.nodes:
        if mixes(node.op):
            weights = constants[node.inputs[1]]
            here = found.numbers[Axis(node.inputs[0], -1)] == bundle
            values = np.where(here, weights.values * factor, weights.values)
            constants[weights.name] = replace(weights, values=values.astype(np.float32))
    return clean_up(replace(graph, constants=constants))


def test_taylor_equals_the_slope_measured_with_litert(graph: Graph) -> None:
    x, y = images(16), np.arange(16) % 4
    found = channel_groups(graph)
    scores = taylor(found, Samples(x, y))

    def loss(factor: float, bundle: int) -> float:
        shares = run(hearing(graph, bundle, factor), x).astype(np.float64)
        return float(-np.log(shares[np.arange(16), y]).mean())

    step = 0.004  # few values cross a kink
    for group in found.groups:
        for bundle in group.bundles[:2].tolist():
            slope = (loss(1 + step, bundle) - loss(1 - step, bundle)) / (2 * step)
            assert np.sqrt(scores[bundle]) == pytest.approx(abs(slope), rel=0.05, abs=3e-4)


def test_taylor_without_labels_uses_predictions(graph: Graph) -> None:
    x = images(16)
    said = run(clean_up(graph), x).argmax(axis=-1)
    found = channel_groups(graph)
    np.testing.assert_allclose(
        taylor(found, Samples(x)), taylor(found, Samples(x, said)), rtol=1e-5
    )


def test_batch_norm_measures_gamma(tmp_path: Path) -> None:
    """If the statistics are those of the data, the standard deviation is gamma."""
    import keras
    from keras import layers

    x = images(64)
    entry = keras.Input(x.shape[1:])
    y = layers.Conv2D(6, 3, name="conv")(entry)
    y = layers.BatchNormalization(momentum=0.0, epsilon=1e-6, name="norm")(y)
    y = layers.Dense(3)(layers.Flatten()(y))
    model = keras.Model(entry, y)
    gamma = np.array([0.3, 2.0, 1.0, 0.1, 0.7, 1.5], np.float32)
    norm = model.get_layer("norm")
    norm.set_weights([gamma, *norm.get_weights()[1:]])
    model(x, training=True)
    graph = as_graph(model, tmp_path)
    found = channel_groups(graph)
    bundles = found.numbers[Axis("norm", -1)]
    np.testing.assert_allclose(deviations(found, Samples(x))[bundles], gamma, rtol=1e-3)
    pruned = Channels(0.5, criterion="batch_norm").apply(graph, Samples(x))
    scale = graph.constants["norm/scale"].values
    np.testing.assert_array_equal(pruned.constants["norm/scale"].values, scale[[1, 2, 5]])


def test_channels_without_batch_norm_are_kept_and_named(graph: Graph) -> None:
    pruned = Channels(0.5, criterion="batch_norm").apply(graph, Samples(images(32)))
    (note,) = pruned.notes[len(graph.notes) :]
    assert note.startswith("Channels of wide, depthwise; side; hidden are kept, because ")
    assert pruned.tensors["side"].shape[-1] == 6
    assert pruned.tensors["stem"].shape[-1] == 4


def test_the_work_target_is_reached_with_few_channels(graph: Graph) -> None:
    before = graph.cost().macs
    for share, options in ((0.7, {}), (0.5, {"ranking": "global"}), (0.3, {"by_layer": {}})):
        pruned = Channels(macs=share, **options).apply(graph)
        assert 0.6 * share * before < pruned.cost().macs <= share * before


def test_the_most_that_a_group_loses_does_not_limit_all_of_them(graph: Graph) -> None:
    pruned = Channels(macs=0.5, ranking="global", most=0.5).apply(graph)
    assert pruned.cost().macs <= 0.5 * graph.cost().macs
    before, after = channel_groups(graph).groups, channel_groups(pruned).groups
    left = [len(small.bundles) / len(big.bundles) for small, big in zip(after, before, strict=True)]
    assert min(left) >= 0.5
    with pytest.raises(TinycompError, match=r"with 20% of the channels removed"):
        Channels(macs=0.5, ranking="global", most=0.2).apply(graph)


def test_multiples_and_shares_by_layer(graph: Graph) -> None:
    pruned = Channels(0.3, multiple=4, by_layer={"wi*": 0.75, "hidden": 0.0}).apply(graph)
    channels = {name: pruned.tensors[name].shape[-1] for name in ("stem", "wide", "side", "hidden")}
    assert channels == {"stem": 8, "wide": 4, "side": 4, "hidden": 10}


def test_shared_layers_stay_shared() -> None:
    layers = Layers((6, 6, 3), 4)
    x = layers.conv("input", 6, Window((1, 1)), Activation.RELU)
    first = layers.conv(x, 6, Window.make("same", (6, 6), (3, 3)))
    node = layers.builder.builder.nodes[-1]
    second = layers.builder.add(node.op, [first, *node.inputs[1:]], layers.quantization(first))
    layers.softmax(layers.dense(layers.mean(layers.add(first, second)), 3))
    graph = float_graph(layers.graph())
    pruned = Channels(0.5).apply(graph)
    reading = [n for n in pruned.nodes if node.inputs[1] in n.inputs]
    assert len(reading) == 2
    assert pruned.constants[node.inputs[1]].shape == (3, 3, 3, 3)
    x_values = inputs_of(graph)
    found = channel_groups(graph)
    kept = np.ones(found.size, bool)
    kept[found.groups[0].bundles[1::2]] = False
    assert difference(run(found.narrow(kept), x_values), run(deaf(found, kept), x_values)) < 1e-4


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Channels(1.0), r"fraction = 1\.0 is not a share of channels that can be removed"),
        (lambda: Channels(by_layer={"a": 1.5}), r"a = 1\.5 is not a share of channels that"),
        (lambda: Channels(macs=0.0), r"macs = 0 is not a share of multiply-accumulates\."),
        (lambda: Channels(criterion="random"), r"criterion = 'random' with multiple = 1 is not"),
        (lambda: Channels(multiple=0), r"multiple = 0 is not possible\. Expected one of l1"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Channels], text: str) -> None:
    with pytest.raises(TinycompError, match=text):
        make()


def test_options_that_do_not_fit_the_graph_are_refused(graph: Graph) -> None:
    with pytest.raises(
        TinycompError, match=r"'conv9' matches no layer whose channels can be removed"
    ):
        Channels(by_layer={"conv9": 0.5}).apply(graph)
    with pytest.raises(TinycompError, match=r"macs = 0\.01 can't be reached: with 90% of the chan"):
        Channels(macs=0.01).apply(graph)
    with pytest.raises(TinycompError, match=r"The criterion 'taylor' needs samples of real data"):
        Channels(criterion="taylor").apply(graph)
    with pytest.raises(TinycompError, match=r"needs batch normalization, and this model has none"):
        Channels(criterion="batch_norm").apply(clean_up(graph), Samples(images(4)))
    layers = Layers((4, 4, 2), 0)
    layers.softmax(layers.dense(layers.mean("input"), 3))
    with pytest.raises(TinycompError, match=r"No channels of '.*' can be removed: all are coupled"):
        Channels().apply(float_graph(layers.graph()))


def test_a_work_target_ranks_by_cost_per_channel() -> None:
    """Two layers with channels of equal importance, one of which does four times the work."""
    layers = Layers((8, 8, 4), 0)
    same = Window.make("same", (8, 8), (3, 3))
    x = layers.conv("input", 16, same, Activation.RELU)
    x = layers.conv(layers.average_pool(x, Window((2, 2), (2, 2))), 16, Window((1, 1)))
    layers.softmax(layers.dense(layers.mean(x), 4))
    graph = float_graph(layers.graph())
    pruned = Channels(macs=0.5, ranking="global").apply(graph)
    first, second = (pruned.tensors[name].shape[-1] for name in ("conv_2d", "conv_2d_1"))
    assert first < 9
    assert second == 16
    found = channel_groups(graph)
    costs = [work(found)[group.bundles].tolist() for group in found.groups]
    assert costs == [[64 * 36 + 16 * 16] * 16, [16 * 16 + 4] * 16]
