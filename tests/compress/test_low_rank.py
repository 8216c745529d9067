"""Low rank: full rank computes the same on LiteRT, errors equal those of the dropped singular
values, and no layer gets more work.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import difference, float_graph, run
from small_models import Layers
from structured import images

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.techniques._factors import Factored, factorable, replaced
from tinycomp.techniques.low_rank import LowRank, factors, matrix

WINDOWS = (
    Window((1, 1)),
    Window((1, 1), (2, 2)),
    Window.make("same", (9, 10), (3, 3)),
    Window.make("same", (9, 10), (3, 5), (2, 1)),
    Window.make("valid", (9, 10), (3, 2), (1, 1), (2, 3)),
    Window.make("same", (9, 10), (4, 1), (2, 1)),
    Window.make("same", (9, 10), (1, 5), (1, 2)),
)


def convolution(window: Window, channels: int = 7) -> Graph:
    layers = Layers((9, 10, 5), 1)
    layers.conv("input", channels, window, Activation.RELU)
    return float_graph(layers.graph())


def network() -> Graph:
    """Two convolutions, a dense layer, and a layer too small to gain anything."""
    layers = Layers((8, 8, 3), 3)
    same = Window.make("same", (8, 8), (3, 3))
    x = layers.conv("input", 16, same, Activation.RELU)
    x = layers.conv(x, 24, Window((1, 1)), Activation.RELU)
    x = layers.dense(layers.reshape(x, (8 * 8 * 24,)), 32, Activation.RELU)
    layers.softmax(layers.dense(x, 2))
    return float_graph(layers.graph())


def of_rank(layer: Factored, rank: int) -> list[np.ndarray]:
    found = np.linalg.svd(matrix(layer), full_matrices=False)
    return [link.weights for link in factors(layer, found, rank)]


@pytest.mark.parametrize("window", WINDOWS)
def test_full_rank_computes_the_convolution(window: Window) -> None:
    graph = convolution(window)
    (layer,) = factorable(graph)
    found = np.linalg.svd(matrix(layer), full_matrices=False)
    whole = replaced(graph, layer, factors(layer, found, len(found[1])))
    assert [node.op.window for node in whole.nodes if isinstance(node.op, Conv2D)] != [window]
    x = images(3, (9, 10, 5))
    assert difference(run(whole, x), run(graph, x)) < 1e-5


def test_full_rank_computes_the_dense_layer() -> None:
    layers = Layers((3, 12), 0)
    layers.dense("input", 9, Activation.RELU)
    graph = float_graph(layers.graph())
    (layer,) = factorable(graph)
    found = np.linalg.svd(matrix(layer), full_matrices=False)
    x = images(3, (3, 12))
    whole = replaced(graph, layer, factors(layer, found, 9))
    assert len(whole.nodes) == 2
    assert difference(run(whole, x), run(graph, x)) < 1e-5


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_the_error_is_that_of_the_dropped_singular_values(rank: int) -> None:
    graph = convolution(Window.make("same", (9, 10), (3, 3)))
    (layer,) = factorable(graph)
    vertical, horizontal = of_rank(layer, rank)
    product = np.einsum("ryai,oaxr->oyxi", vertical, horizontal)
    columns = graph.constants["weights"].values.transpose(1, 3, 2, 0).reshape(15, 21)
    left_out = np.linalg.svd(columns, compute_uv=False)[rank:]
    error = np.linalg.norm(product - layer.weights)
    assert error == pytest.approx(np.linalg.norm(left_out), rel=1e-5)


def test_energy_keeps_the_fewest_singular_values() -> None:
    graph = network()
    smaller = LowRank(0.6).apply(graph)
    node = next(node for node in graph.nodes if node.name == "fully_connected")
    weights = graph.constants[node.inputs[1]].values
    squares = np.linalg.svd(weights, compute_uv=False) ** 2
    rank = smaller.constants["fully_connected/first/kernel"].shape[0]
    assert squares[:rank].sum() >= 0.6 * squares.sum() > squares[: rank - 1].sum()


def test_multiply_accumulates_are_those_of_the_factors() -> None:
    graph = network()
    smaller = LowRank(rank=2).apply(graph)
    convolutions = 64 * (2 * 9 + 2 * 3 * 16) + 64 * (2 * 16 + 2 * 24)
    dense = 2 * (1536 + 32) + 64
    assert smaller.cost().macs == convolutions + dense
    assert graph.cost().macs == 64 * (27 * 16 + 16 * 24) + 1536 * 32 + 64


def test_layers_that_would_not_gain_are_kept_and_named() -> None:
    graph = network()
    smaller = LowRank(1.0, by_layer={"conv_2d": 2}).apply(graph)
    assert smaller.cost().macs < graph.cost().macs
    assert [node.name for node in smaller.nodes if "vertical" in node.name] == ["conv_2d/vertical"]
    (note,) = smaller.notes
    assert note.startswith(
        "Not factorized, because factors would save nothing: conv_2d_1, fully_conn"
    )


def test_the_work_target_is_reached() -> None:
    graph = network()
    smaller = LowRank(macs=0.4).apply(graph)
    assert 0.3 < smaller.cost().macs / graph.cost().macs <= 0.4


def test_ranks_by_layer() -> None:
    smaller = LowRank(rank=4, by_layer={"*connected": 3, "conv_2d": 2}).apply(network())
    factors = ("conv_2d/vertical", "conv_2d_1/vertical", "fully_connected/first")
    assert [smaller.constants[f"{name}/kernel"].shape[0] for name in factors] == [2, 4, 3]


def test_layers_that_share_weights_share_factors() -> None:
    layers = Layers((6, 6, 16), 4)
    first = layers.conv("input", 16, Window((1, 1)))
    node = layers.builder.builder.nodes[-1]
    second = layers.builder.add(node.op, [first, *node.inputs[1:]], layers.quantization(first))
    layers.add(first, second)
    graph = float_graph(layers.graph())
    smaller = LowRank(rank=3).apply(graph)
    assert len(smaller.nodes) == 5
    assert smaller.cost().parameters == 3 * 32 + 3 + 16
    (layer,) = factorable(graph)
    found = np.linalg.svd(matrix(layer), full_matrices=False)
    x = images(2, (6, 6, 16))
    whole = replaced(graph, layer, factors(layer, found, 16))
    assert difference(run(whole, x), run(graph, x)) < 1e-5


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LowRank(0.0), r"energy = 0 is not a share of the squared weights\. Expected 0 <"),
        (lambda: LowRank(macs=2.0), r"macs = 2 is not a share of multiply-accumulates"),
        (lambda: LowRank(rank=0), r"A rank of 0 with macs = None is not possible"),
        (lambda: LowRank(rank=3, macs=0.5), r"A rank of 3 with macs = 0\.5 is not possible"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], LowRank], text: str) -> None:
    with pytest.raises(TinycompError, match=text):
        make()


def test_options_that_do_not_fit_the_graph_are_refused() -> None:
    graph = network()
    text = r"the rank 17\. Expected 1 to 16, the full rank of its weights \(24, 1, 1, 16\)"
    with pytest.raises(TinycompError, match=rf"Layer 'conv_2d_1' can't have {text}"):
        LowRank(by_layer={"conv_2d_1": 17}).apply(graph)
    with pytest.raises(TinycompError, match=r"Layer 'fully_connected' can't have the rank 33"):
        LowRank(rank=33).apply(graph)
    with pytest.raises(TinycompError, match=r"'conv9' matches no layer that this technique can re"):
        LowRank(by_layer={"conv9": 1}).apply(graph)
    with pytest.raises(TinycompError, match=r"macs = 0\.001 can't be reached: with 100% of the sq"):
        LowRank(macs=0.001).apply(graph)
    layers = Layers((4, 4, 2), 0)
    layers.mean("input")
    with pytest.raises(
        TinycompError, match=r"has no convolution or dense layer that could be factorized"
    ):
        LowRank().apply(float_graph(layers.graph()))
