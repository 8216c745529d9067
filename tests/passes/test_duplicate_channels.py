"""Which equal channels are found and merged, without changing values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import extreme_inputs
from planted import node_of, planted_graph, with_small_weights, with_twin
from small_models import Layers

from tinycomp.ir.graph import Graph
from tinycomp.ir.reduction import UNREAD
from tinycomp.ops._window import Window
from tinycomp.ops.concatenation import Concatenation
from tinycomp.passes._bounds import bounds
from tinycomp.passes._equal_channels import equal_channels
from tinycomp.passes._reduction import with_original
from tinycomp.passes.merge_duplicate_channels import LARGEST, merge_duplicate_channels
from tinycomp.passes.remove_dead_channels import remove_dead_channels
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.compare import simulator, verify
from tinycomp.reference.simulate import simulate

IMAGE = (5, 4, 3)
POINT = Window((1, 1))
SAME = Window.make("same", IMAGE[:2], (3, 3))


def merged(graph: Graph) -> Graph:
    """The graph without duplicates; checks its record of what became of each tensor."""
    smaller = remove_dead_channels(merge_duplicate_channels(with_original(graph)))
    inputs = extreme_inputs(np.random.default_rng(1), graph.tensors["input"].shape)
    found = verify(smaller, write_tflite(graph), inputs, [simulator(smaller)])
    assert found.equal, str(found.differences[0])
    return smaller


def twins() -> Graph:
    """Channels 1 and 4 of two layers are equal; a padded layer reads them."""
    layers = Layers(IMAGE)
    x = layers.depthwise(layers.conv("input", 6, POINT), SAME)
    layers.conv(x, 4, SAME)
    graph = with_small_weights(layers.graph(), "conv_2d_1", 2)
    return with_twin(with_twin(graph, "conv_2d", 4, 1), "depthwise_conv_2d", 4, 1)


def test_equal_numbers_mean_equal_values() -> None:
    alike = 0
    for seed in range(60):
        graph = planted_graph(seed)
        inputs = extreme_inputs(np.random.default_rng(seed), graph.tensors["input"].shape)
        values = simulate(graph, inputs)
        for name, numbers in equal_channels(graph, bounds(graph)).items():
            by_channel = values[name].reshape(-1, len(numbers)).T
            for number in np.unique(numbers):
                same = by_channel[numbers == number]
                alike += len(same) > 1
                assert (same == same[0]).all(), f"{name} of seed {seed}"
    assert alike > 200


def test_a_duplicate_is_removed_and_recorded() -> None:
    smaller = merged(twins())
    assert smaller.tensors["conv_2d"].shape == smaller.tensors["depthwise_conv_2d"].shape
    assert smaller.tensors["conv_2d"].shape == (5, 4, 5)
    assert smaller.reduction is not None
    for name in ("conv_2d", "depthwise_conv_2d"):
        source = smaller.reduction.tensors[name].source
        assert np.array_equal(source[..., 4], source[..., 1])
        assert not np.any(source == UNREAD)


def test_the_reader_gets_the_sum_of_the_weights() -> None:
    graph, smaller = twins(), merged(twins())
    before, after = (g.constants["weights_2"].values.astype(int) for g in (graph, smaller))
    assert np.array_equal(after[..., 1], before[..., 1] + before[..., 4])
    assert np.array_equal(after[..., 2:], before[..., [2, 3, 5]])


@pytest.mark.parametrize(("weight", "left"), [(LARGEST - 60, 5), (LARGEST - 59, 6)])
def test_a_sum_outside_of_int8_is_not_merged(weight: int, left: int) -> None:
    graph = twins()
    values = graph.constants["weights_2"].values.copy()
    values[2, 0, 1, 1], values[2, 0, 1, 4] = 60, weight
    constants = {**graph.constants}
    constants["weights_2"] = replace(constants["weights_2"], values=values)
    assert merged(replace(graph, constants=constants)).tensors["conv_2d"].shape[-1] == left


@pytest.mark.parametrize(("entries", "left"), [((0, 1, 2), 5), ((0, 1, 3), 6)])
def test_a_sum_outside_the_codebook_is_not_merged(entries: tuple[int, ...], left: int) -> None:
    graph = twins()
    constants = {**graph.constants}
    weights = constants["weights_2"]
    constants["weights_2"] = replace(
        weights, values=np.ones_like(weights.values), codebook=np.array([entries], np.int8)
    )
    assert merged(replace(graph, constants=constants)).tensors["conv_2d"].shape[-1] == left


@pytest.mark.parametrize("what", ["bias", "weights"])
def test_channels_that_differ_only_in_bias_or_scale_are_not_duplicates(what: str) -> None:
    graph = twins()
    _, weights, bias = node_of(graph, "conv_2d").inputs
    constants = {**graph.constants}
    if what == "bias":
        constants[bias] = replace(
            constants[bias], values=constants[bias].values + np.arange(6, dtype=np.int32)
        )
    else:
        known = constants[weights].quantization
        assert known is not None
        scales = tuple(scale * (1 + 0.3 * (c == 4)) for c, scale in enumerate(known.scales))
        constants[weights] = replace(constants[weights], quantization=replace(known, scales=scales))
    graph = replace(graph, constants=constants)
    assert merge_duplicate_channels(graph) is graph


def test_duplicates_with_different_paths_stay() -> None:
    layers = Layers(IMAGE)
    x = layers.conv("input", 6, POINT)
    layers.conv(layers.depthwise(x, SAME), 4, POINT)
    graph = with_twin(with_small_weights(layers.graph(), "conv_2d_1"), "conv_2d", 4, 1)
    assert merge_duplicate_channels(graph) is graph


def test_a_duplicate_that_the_model_returns_stays() -> None:
    layers = Layers(IMAGE)
    layers.conv("input", 6, POINT)
    graph = with_twin(layers.graph(), "conv_2d", 4, 1)
    assert merge_duplicate_channels(graph) is graph


def test_a_tensor_concatenated_with_itself_is_a_duplicate() -> None:
    layers = Layers(IMAGE)
    x = layers.conv("input", 3, POINT)
    y = layers.conv("input", 3, POINT)
    layers.builder.quantization[y] = tied = layers.quantization(x)
    layers.conv(layers.builder.add(Concatenation(-1), [x, y, x], tied), 4, SAME)
    graph = layers.graph()
    numbers = equal_channels(graph, bounds(graph))["concatenation"]
    assert np.array_equal(numbers[:3], numbers[6:])
    assert len(set(numbers.tolist())) == 6
