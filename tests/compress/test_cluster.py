"""Codebooks: number of values, zeros, granularity, and the check in the build."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinycomp.codecs._registry import choose
from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import Weights
from tinycomp.techniques._layers import Layer, weighted_layers
from tinycomp.techniques._registry import techniques
from tinycomp.techniques.cluster import Cluster, Granularity, check_codebooks
from tinycomp.techniques.prune import Prune


def _layers(graph: Graph) -> dict[str, Layer]:
    return {layer.name: layer for layer in weighted_layers(graph)}


@pytest.mark.parametrize("bits", range(1, 8))
@pytest.mark.parametrize("granularity", ["layer", "channel"])
def test_no_more_values_than_codebook_entries(
    graph: Graph, bits: int, granularity: Granularity
) -> None:
    clustered = Cluster(bits, granularity).apply(graph)
    check_codebooks(clustered)
    for name, layer in _layers(clustered).items():
        codebook = layer.weights.codebook
        assert codebook is not None
        assert codebook.dtype == np.int8
        assert codebook.shape[0] == (1 if granularity == "layer" else len(layer.matrix))
        assert codebook.shape[1] <= 2**bits
        rows = layer.matrix.reshape(len(codebook), -1)
        assert max(np.unique(row).size for row in rows) <= 2**bits
        assert layer.weights.shape == _layers(graph)[name].weights.shape


@pytest.mark.parametrize("granularity", ["layer", "channel"])
def test_more_bits_never_make_it_worse(graph: Graph, granularity: Granularity) -> None:
    before = _layers(graph)
    errors = []
    for bits in range(1, 9):
        after = _layers(Cluster(bits, granularity).apply(graph))
        differences = [after[n].matrix.astype(int) - before[n].matrix for n in before]
        errors.append(sum(int((d**2).sum()) for d in differences))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0
    assert errors[0] > 0


def test_eight_bits_change_nothing(graph: Graph) -> None:
    clustered = Cluster(8, shared=[["conv", "dense"]]).apply(graph)
    for name, constant in clustered.constants.items():
        np.testing.assert_array_equal(constant.values, graph.constants[name].values)
        assert constant.codebook is None


@pytest.mark.parametrize("granularity", ["layer", "channel", "auto"])
def test_zeros_stay_zero(graph: Graph, granularity: Granularity) -> None:
    pruned = Prune(0.5).apply(graph)
    clustered = Cluster(2, granularity).apply(pruned)
    for name, layer in _layers(clustered).items():
        assert not layer.matrix[_layers(pruned)[name].matrix == 0].any()
        assert layer.weights.codebook is None or (layer.weights.codebook == 0).any()


def test_zeros_may_change_without_keep_zeros(graph: Graph) -> None:
    assert (_layers(graph)["conv"].matrix == 0).any()
    clustered = Cluster(1, "layer", keep_zeros=False).apply(graph)
    assert _layers(clustered)["conv"].matrix.all()


def test_layers_that_share_a_codebook(graph: Graph) -> None:
    clustered = Cluster(3, shared=[["dense", "conv"]]).apply(graph)
    conv, dense = (_layers(clustered)[name].weights for name in ("conv", "dense"))
    assert conv.codebook is dense.codebook
    assert conv.codebook is not None
    assert conv.codebook.shape == (1, 8)
    check_codebooks(clustered)
    tables = [
        choose(Weights(_layers(clustered)[name].matrix, 4, conv.codebook), {"codebook"})
        for name in ("conv", "dense")
    ]
    np.testing.assert_array_equal(tables[0].array("table"), tables[1].array("table"))


def test_bits_and_granularity_by_layer(graph: Graph) -> None:
    clustered = Cluster(
        4, "layer", bits_by_layer={"conv": 2, "dense": 8}, granularity_by_layer={"conv": "channel"}
    ).apply(graph)
    conv, depthwise, dense = (clustered.constants[f"{n}_weights"] for n in _layers(graph))
    assert conv.codebook is not None
    assert conv.codebook.shape == (16, 4)
    assert depthwise.codebook is not None
    assert depthwise.codebook.shape[0] == 1
    assert dense.codebook is None


def _with_conv(graph: Graph, matrix: np.ndarray) -> Graph:
    layer = _layers(graph)["conv"]
    constant = replace(layer.weights, values=layer.rebuild(matrix))
    return replace(graph, constants={**graph.constants, "conv_weights": constant})


def test_auto_chooses_the_better_granularity(graph: Graph) -> None:
    rng = np.random.default_rng(0)
    far_apart = np.arange(16)[:, None] * 8 - 64 + rng.integers(0, 2, (16, 18))
    found = Cluster(1).apply(_with_conv(graph, far_apart.astype(np.int8)))
    codebook = found.constants["conv_weights"].codebook
    assert codebook is not None
    assert codebook.shape == (16, 2)
    alike = rng.choice([-90, -30, 30, 90], (16, 18))
    found = Cluster(2).apply(_with_conv(graph, alike.astype(np.int8)))
    codebook = found.constants["conv_weights"].codebook
    assert codebook is not None
    assert codebook.tolist() == [[-90, -30, 30, 90]]


def test_auto_keeps_layers_that_would_not_get_smaller(graph: Graph) -> None:
    rng = np.random.default_rng(0)
    matrix = np.stack([rng.permutation(np.arange(-127, 127))[:18] for _ in range(16)])
    wide = _with_conv(graph, matrix.astype(np.int8))  # 216 + 64 + 16 bytes at 6 bits, 288 + 8 now
    assert choose(Weights(_layers(wide)["conv"].matrix, 4)).codec == "dense"
    found = Cluster(6).apply(wide).constants["conv_weights"]
    assert found.codebook is None
    np.testing.assert_array_equal(found.values, wide.constants["conv_weights"].values)


def test_a_value_outside_the_codebook_fails_the_build(graph: Graph) -> None:
    clustered = Cluster(2, "channel").apply(graph)
    weights = clustered.constants["depthwise_weights"]
    assert weights.codebook is not None
    values = weights.values.copy()
    values[0, 0, 0, 5] = next(v for v in range(-127, 127) if v not in weights.codebook[5])
    changed = replace(weights, values=values)
    broken = replace(clustered, constants={**clustered.constants, weights.name: changed})
    with pytest.raises(
        TinycompError, match=r"weights of channel 5 of layer 'depthwise' take 5 values"
    ):
        check_codebooks(broken)


def test_wrong_options_are_refused(graph: Graph) -> None:
    with pytest.raises(TinycompError, match=r"Codebooks of 9 bits are not possible\. Expected 1"):
        Cluster(9)
    with pytest.raises(TinycompError, match="Codebooks of 0 bits"):
        Cluster(4, bits_by_layer={"conv": 0})
    with pytest.raises(TinycompError, match="Layer 'conv' is in more than one group"):
        Cluster(4, shared=[["conv", "dense"], ["conv"]])
    with pytest.raises(
        TinycompError, match=r"no layer 'lost' .* Expected some of the layers with weights: conv, d"
    ):
        Cluster(4, shared=[["conv", "lost"]]).apply(graph)
    with pytest.raises(TinycompError, match=r"conv, dense share a codebook but have \[3, 4\] bits"):
        Cluster(4, shared=[["conv", "dense"]], bits_by_layer={"conv": 3}).apply(graph)
    weights = graph.constants["conv_weights"]
    floats = replace(weights, values=weights.values.astype(np.float32))
    with pytest.raises(TinycompError, match=r"Layer 'conv' has float32 weights\..*Quantize"):
        Cluster(4).apply(replace(graph, constants={**graph.constants, weights.name: floats}))


def test_techniques_are_found_by_module() -> None:
    assert {"cluster": Cluster, "prune": Prune}.items() <= techniques().items()
