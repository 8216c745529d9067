"""Tucker-2 compared with tensorly and LiteRT, and the rank of noisy matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from float_graphs import difference, float_graph, run
from small_models import Layers
from structured import images

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.techniques._factors import factorable, replaced
from tinycomp.techniques._vbmf import bayesian_rank
from tinycomp.techniques.tucker import Tucker, bayesian_ranks, chain, decomposed

WINDOWS = (
    Window.make("same", (9, 10), (3, 3)),
    Window.make("same", (9, 10), (3, 5), (2, 1)),
    Window.make("valid", (9, 10), (3, 2), (1, 1), (2, 3)),
)


def low(outputs: int, inputs: int, ranks: tuple[int, int], seed: int = 0) -> Array:
    """Weights (outputs, 3, 3, inputs) of these ranks."""
    rng = np.random.default_rng(seed)
    core = rng.normal(size=(ranks[0], 3, 3, ranks[1]))
    sides = rng.normal(size=(outputs, ranks[0])), rng.normal(size=(inputs, ranks[1]))
    return np.asarray(np.einsum("rhws,or,is->ohwi", core, *sides, optimize=True))


def with_weights(graph: Graph, name: str, values: Array) -> Graph:
    constant = replace(graph.constants[name], values=values.astype(np.float32))
    return replace(graph, constants={**graph.constants, name: constant})


def network() -> Graph:
    layers = Layers((8, 8, 3), 3)
    same = Window.make("same", (8, 8), (3, 3))
    x = layers.conv("input", 16, same, Activation.RELU)
    x = layers.conv(x, 24, same, Activation.RELU)
    x = layers.conv(x, 16, Window((1, 1)), Activation.RELU)
    layers.softmax(layers.dense(layers.mean(x), 4))
    return float_graph(layers.graph())


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("ranks", [(4, 3), (4, 6), (8, 3), (8, 6)])
def test_weights_of_low_rank_are_recovered_exactly(window: Window, ranks: tuple[int, int]) -> None:
    """Ranks (4, 3), on LiteRT; higher ranks change nothing."""
    layers = Layers((9, 10, 6), 1)
    layers.conv("input", 8, window, Activation.RELU)
    graph = float_graph(layers.graph())
    core = np.random.default_rng(2).normal(size=(4, *window.kernel, 3))
    sides = (
        np.random.default_rng(3).normal(size=(8, 4)),
        np.random.default_rng(4).normal(size=(6, 3)),
    )
    values = np.einsum("rhws,or,is->ohwi", core, *sides, optimize=True)
    graph = with_weights(graph, "weights", values)
    (layer,) = factorable(graph, windows=True)
    whole = replaced(graph, layer, chain(layer, decomposed(layer.weights, ranks)))
    assert len(whole.nodes) == 1 + (ranks[0] < 8) + (ranks[1] < 6)
    x = images(3, (9, 10, 6))
    assert difference(run(whole, x), run(graph, x)) < 1e-5


@pytest.mark.parametrize("ranks", [(2, 2), (7, 5), (12, 4), (2, 10), (16, 10)])
def test_the_error_is_not_larger_than_tensorlys(ranks: tuple[int, int]) -> None:
    from tensorly import tucker_to_tensor
    from tensorly.decomposition import partial_tucker

    weights = np.random.default_rng(0).normal(size=(16, 3, 3, 10))
    (core, factors), _ = partial_tucker(weights, ranks, modes=[0, 3], n_iter_max=200, tol=1e-10)
    full = tucker_to_tensor((core, [factors[0], np.eye(3), np.eye(3), factors[1]]))
    expected = np.linalg.norm(full - weights)
    core, output, source = decomposed(weights, ranks)
    found = np.linalg.norm(np.einsum("rhws,or,is->ohwi", core, output, source) - weights)
    assert found <= expected * 1.001 + 1e-9
    np.testing.assert_allclose(output.T @ output, np.eye(ranks[0]), atol=1e-10)
    if ranks == (16, 10):
        assert found < 1e-9


@pytest.mark.parametrize(("shape", "rank", "noise"), [
    ((64, 576), 5, 1.0), ((64, 64), 8, 0.5), ((128, 300), 40, 1.0), ((20, 400), 3, 0.1),
])  # fmt: skip
def test_variational_bayes_finds_the_rank_above_noise(
    shape: tuple[int, int], rank: int, noise: float
) -> None:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    noisy = signal + noise * rng.normal(size=shape)
    assert bayesian_rank(noisy) == bayesian_rank(noisy.T) == bayesian_rank(1e-4 * noisy) == rank


def test_pure_noise_has_rank_one() -> None:
    assert bayesian_rank(np.random.default_rng(0).normal(size=(40, 200))) == 1
    assert bayesian_rank(np.zeros((4, 9))) == 1
    assert bayesian_rank(np.ones((1, 5))) == 1


def test_ranks_by_variational_bayes() -> None:
    graph = network()
    weights = low(24, 16, (5, 3)) + np.random.default_rng(0).normal(0, 0.5, (24, 3, 3, 16))
    assert bayesian_ranks(weights) == (5, 3)
    smaller = Tucker("vbmf").apply(with_weights(graph, "weights_1", weights))
    assert smaller.constants["conv_2d_1/core/kernel"].shape == (5, 3, 3, 3)


def test_energy_keeps_the_fewest_singular_values() -> None:
    graph = network()
    core = Tucker(energy=0.7).apply(graph).constants["conv_2d_1/core/kernel"].shape
    weights = graph.constants["weights_1"].values
    for axis, rank in ((0, core[0]), (3, core[3])):
        matrix = np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)
        squares = np.linalg.svd(matrix, compute_uv=False) ** 2
        assert squares[:rank].sum() >= 0.7 * squares.sum() > squares[: rank - 1].sum()


def test_multiply_accumulates_are_those_of_the_factors() -> None:
    graph = network()
    smaller = Tucker(by_layer={"conv_2d": (4, 3), "conv_2d_1": (6, 5)}).apply(graph)
    first = 64 * (4 * 27 + 16 * 4)
    second = 64 * (5 * 16 + 6 * 9 * 5 + 24 * 6)
    rest = 64 * 24 * 16 + 64
    assert smaller.cost().macs == first + second + rest
    assert graph.cost().macs == 64 * (27 * 16 + 9 * 16 * 24) + rest


def test_the_work_target_is_reached_and_layers_without_gain_are_named() -> None:
    graph = network()
    smaller = Tucker(macs=0.5).apply(graph)
    assert 0.4 < smaller.cost().macs / graph.cost().macs <= 0.5
    same = Tucker(energy=1.0).apply(graph)
    assert same.cost() == graph.cost()
    (note,) = same.notes
    assert note.startswith(
        "Not factorized, because factors would save nothing: conv_2d, conv_2d_1."
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Tucker(energy=1.1), r"energy = 1\.1 is not a share of the squared weights"),
        (lambda: Tucker(macs=0.0), r"macs = 0 is not a share of multiply-accumulates"),
        (lambda: Tucker("most"), r"ranks = 'most' is not known\. Expected energy or vbmf"),
        (lambda: Tucker(by_layer={"a": 3}), r"The ranks 3 of 'a' are not two numbers"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Tucker], text: str) -> None:
    with pytest.raises(TinycompError, match=text):
        make()


def test_options_that_do_not_fit_the_graph_are_refused() -> None:
    graph = network()
    with pytest.raises(
        TinycompError, match=r"Layer 'conv_2d_1' can't have the output rank 25\. Exp"
    ):
        Tucker(by_layer={"conv_2d_1": (25, 3)}).apply(graph)
    with pytest.raises(TinycompError, match=r"Layer 'conv_2d' can't have the input rank 0"):
        Tucker(by_layer={"conv_2d": (3, 0)}).apply(graph)
    with pytest.raises(
        TinycompError, match=r"'fully_connected' matches no layer that this technique"
    ):
        Tucker(by_layer={"fully_connected": (3, 3)}).apply(graph)
    with pytest.raises(TinycompError, match=r"macs = 0\.01 can't be reached"):
        Tucker(macs=0.01).apply(graph)
    layers = Layers((4, 4, 2), 0)
    layers.conv("input", 8, Window((1, 1)))
    with pytest.raises(TinycompError, match=r"has no convolution larger than 1 x 1 that could"):
        Tucker().apply(float_graph(layers.graph()))
