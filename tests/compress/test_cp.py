"""CP: weights of known rank are recovered, and the chain computes the same on LiteRT."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import difference, float_graph, run
from small_models import Layers
from structured import images
from test_tucker import network, with_weights

from tinycomp.common.errors import TinycompError, ToolError
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.techniques._factors import factorable, replaced
from tinycomp.techniques.cp import Cp, chain, decomposed, energy_held, worthwhile_rank


def of_rank(shape: tuple[int, int, int, int], rank: int) -> Array:
    """Weights (outputs, height, width, inputs) of a rank."""
    rng = np.random.default_rng(5)
    outputs, height, width, inputs = shape
    sides = (rng.normal(size=(n, rank)) for n in (outputs, height * width, inputs))
    return np.asarray(np.einsum("or,wr,ir->owi", *sides)).reshape(shape)


@pytest.mark.parametrize("window", [
    Window.make("same", (9, 10), (3, 3)),
    Window.make("same", (9, 10), (3, 3), (2, 2)),
    Window.make("valid", (9, 10), (3, 2), (1, 1), (2, 3)),
])  # fmt: skip
def test_weights_of_low_rank_are_recovered(window: Window) -> None:
    layers = Layers((9, 10, 6), 1)
    layers.conv("input", 8, window, Activation.RELU)
    graph = float_graph(layers.graph())
    graph = with_weights(graph, "weights", of_rank((8, *window.kernel, 6), 3))
    (layer,) = factorable(graph, windows=True)
    whole = replaced(graph, layer, chain(layer, decomposed(layer.weights, 3, 0)))
    assert [node.op.name for node in whole.nodes] == ["conv_2d", "depthwise_conv_2d", "conv_2d"]
    x = images(3, (9, 10, 6))
    assert difference(run(whole, x), run(graph, x)) < 2e-2
    assert energy_held(layer.weights, decomposed(layer.weights, 3, 0)) > 0.9999


def test_the_chain_computes_the_sum_of_products_on_litert() -> None:
    layers = Layers((9, 10, 6), 1)
    window = Window.make("same", (9, 10), (3, 3))
    layers.conv("input", 8, window, Activation.RELU)
    graph = float_graph(layers.graph())
    (layer,) = factorable(graph, windows=True)
    factors = decomposed(layer.weights, 5, 0)
    product = np.einsum("or,wr,ir->owi", *factors).reshape(8, 3, 3, 6)
    x = images(3, (9, 10, 6))
    expected = run(with_weights(graph, "weights", product), x)
    assert difference(run(replaced(graph, layer, chain(layer, factors)), x), expected) < 1e-5
    error = np.sum((product - layer.weights) ** 2) / np.sum(layer.weights**2)
    assert energy_held(layer.weights, factors) == pytest.approx(1 - error)


def test_energy_chooses_the_smallest_rank_in_sixteenths() -> None:
    graph = with_weights(network(), "weights_1", of_rank((24, 3, 3, 16), 6))
    smaller = Cp(0.999).apply(graph)
    rank = smaller.constants["conv_2d_1/mix/kernel"].shape[0]
    assert rank == -(-worthwhile_rank(graph.constants["weights_1"].values) * 2 // 16)
    (layer,) = (each for each in factorable(graph, windows=True) if each.name == "conv_2d_1")
    assert energy_held(layer.weights, decomposed(layer.weights, rank, 0)) >= 0.999
    assert smaller.cost().macs < graph.cost().macs


def test_multiply_accumulates_are_those_of_the_factors() -> None:
    graph = network()
    smaller = Cp(by_layer={"conv_2d": 5, "conv_2d_1": 10}).apply(graph)
    convolutions = 64 * 5 * (3 + 9 + 16) + 64 * 10 * (16 + 9 + 24)
    assert smaller.cost().macs == convolutions + 64 * 24 * 16 + 64


def test_the_work_target_is_reached() -> None:
    graph = network()
    smaller = Cp(macs=0.4).apply(graph)
    assert 0.3 < smaller.cost().macs / graph.cost().macs <= 0.4


def test_layers_that_miss_the_energy_are_kept_and_named() -> None:
    graph = network()
    same = Cp(1.0).apply(graph)
    assert same.cost() == graph.cost()
    assert same.notes[-1].startswith("Not factorized, because factors would save nothing: conv_2d,")


def test_without_tensorly_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorly", None)
    with pytest.raises(ToolError, match=r"needs tensorly, which is not installed\. Install it: pip "
                       r'install "tinycomp\[cp\]"'):  # fmt: skip
        Cp().apply(network())


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Cp(0.0), r"energy = 0 is not a share of the squared weights"),
        (lambda: Cp(macs=-1.0), r"macs = -1 is not a share of multiply-accumulates"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Cp], text: str) -> None:
    with pytest.raises(TinycompError, match=text):
        make()


def test_options_that_do_not_fit_the_graph_are_refused() -> None:
    graph = network()
    with pytest.raises(
        TinycompError, match=r"Layer 'conv_2d' can't have the rank 28\. Expected 1 to"
    ):
        Cp(by_layer={"conv_2d": 28}).apply(graph)
    with pytest.raises(TinycompError, match=r"'conv_2d_2' matches no layer that this technique"):
        Cp(by_layer={"conv_2d_2": 3}).apply(graph)
    with pytest.raises(TinycompError, match=r"macs = 0\.01 can't be reached"):
        Cp(macs=0.01).apply(graph)
