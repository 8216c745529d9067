"""Magnitude pruning: sparsity, order, and what stays unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques.prune import Prune, Ranking, Score, lamp


def _zeros(graph: Graph) -> dict[str, float]:
    return {layer.name: float((layer.matrix == 0).mean()) for layer in weighted_layers(graph)}


def _share(graph: Graph) -> float:
    matrices = [layer.matrix for layer in weighted_layers(graph)]
    return sum(int((m == 0).sum()) for m in matrices) / sum(m.size for m in matrices)


@pytest.mark.parametrize("score", ["lamp", "magnitude"])
@pytest.mark.parametrize("ranking", ["global", "layer"])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.77])
def test_the_sparsity_is_reached(
    graph: Graph, sparsity: float, ranking: Ranking, score: Score
) -> None:
    pruned = Prune(sparsity, ranking, score).apply(graph)
    assert _share(pruned) == pytest.approx(max(sparsity, _share(graph)), abs=0.01)
    if ranking == "layer" and sparsity:
        assert all(z == pytest.approx(sparsity, abs=0.02) for z in _zeros(pruned).values())


def test_only_small_weights_of_a_layer_are_pruned(graph: Graph) -> None:
    pruned = Prune(0.5).apply(graph)
    for before, after in zip(weighted_layers(graph), weighted_layers(pruned), strict=True):
        gone = (after.matrix == 0) & (before.matrix != 0)
        assert np.abs(before.real)[gone].max() <= np.abs(before.real)[after.matrix != 0].min()
        np.testing.assert_array_equal(
            after.matrix[after.matrix != 0], before.matrix[~(after.matrix == 0)]
        )


def test_a_global_magnitude_ranking_has_one_threshold(graph: Graph) -> None:
    pruned = Prune(0.4, "global", "magnitude").apply(graph)
    pairs = zip(weighted_layers(graph), weighted_layers(pruned), strict=True)
    real = [(np.abs(before.real).ravel(), after.matrix.ravel() == 0) for before, after in pairs]
    size = np.concatenate([r for r, _ in real])
    gone = np.concatenate([z for _, z in real])
    assert size[gone].max() <= size[~gone].min()


def test_lamp_does_not_empty_a_layer_of_small_weights(graph: Graph) -> None:
    weights = graph.constants["conv_weights"]
    assert weights.quantization is not None
    small = tuple(scale / 1000 for scale in weights.quantization.scales)
    changed = replace(weights, quantization=replace(weights.quantization, scales=small))
    graph = replace(graph, constants={**graph.constants, "conv_weights": changed})
    assert _zeros(Prune(0.3, score="magnitude").apply(graph))["conv"] > 0.5
    assert _zeros(Prune(0.3).apply(graph))["conv"] < 0.5


def test_lamp_scores() -> None:
    scores = lamp(np.array([[9.0, 1.0], [4.0, 0.0]]))
    np.testing.assert_allclose(scores, [[1.0, 1 / 14], [4 / 13, 0.0]])
    assert not lamp(np.zeros((2, 2))).any()


def test_floats_and_biases(graph: Graph) -> None:
    constants = {
        name: replace(c, values=c.values.astype(np.float32), quantization=None)
        for name, c in graph.constants.items()
    }
    pruned = Prune(0.3).apply(replace(graph, constants=constants))
    assert _share(pruned) == pytest.approx(0.3, abs=0.01)
    assert pruned.constants["conv_weights"].values.dtype == np.float32
    for name in ("conv_bias", "depthwise_bias", "dense_bias"):
        np.testing.assert_array_equal(pruned.constants[name].values, constants[name].values)


def test_sparsity_by_layer(graph: Graph) -> None:
    zeros = _zeros(Prune(0.5, by_layer={"dense": 0.1, "conv": 0.9}).apply(graph))
    assert zeros["dense"] == pytest.approx(0.1, abs=0.01)
    assert zeros["conv"] == pytest.approx(0.9, abs=0.01)
    assert zeros["depthwise"] == pytest.approx(0.5, abs=0.01)


@given(st.floats(0, 0.9999))
def test_ties_are_broken_by_position(sparsity: float) -> None:
    layer = np.ones((4, 25))
    kept = [s.tolist() for s in (lamp(layer), lamp(layer.copy()))]
    assert kept[0] == kept[1]
    assert (np.diff(np.array(kept[0]).ravel()) >= 0).all()


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 2.0])
def test_impossible_sparsities_are_refused(sparsity: float) -> None:
    with pytest.raises(TinycompError, match=r"is not possible\. Expected 0 <= sparsity < 1\."):
        Prune(sparsity)
    with pytest.raises(TinycompError, match="is not possible"):
        Prune(0.1, by_layer={"dense": sparsity})
