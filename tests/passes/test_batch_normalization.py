"""Batch normalization is folded if that is exact, and lowered otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import IMAGE, VALID, Builder, names, outputs, rewritten

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reshape import Reshape
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_fold_into_the_layer_before(kind: str) -> None:
    b = Builder()
    graph = b.build([b.norm(getattr(b, kind)(b.x, "a"), "n")])
    result = rewritten(graph, fold_batch_normalization)
    assert [node.name for node in result.nodes] == ["a"]
    assert {c.values.dtype.name for c in result.constants.values()} == {"float32"}


def test_fold_into_a_dense_layer_before() -> None:
    b = Builder((7,))
    graph = b.build([b.norm(b.dense(b.x, "a"), "n")])
    assert names(rewritten(graph, fold_batch_normalization)) == ["fully_connected"]


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_fold_into_the_layer_after(kind: str) -> None:
    b = Builder()
    graph = b.build([getattr(b, kind)(b.norm(b.x, "n"), "a")])
    assert len(rewritten(graph, fold_batch_normalization).nodes) == 1


def test_fold_into_a_dense_layer_after_a_flatten() -> None:
    b = Builder()
    flat = b.add(Reshape((120,)), [b.norm(b.x, "n")], "flat")
    result = rewritten(b.build([b.dense(flat, "a")]), fold_batch_normalization)
    assert names(result) == ["reshape", "fully_connected"]


@pytest.mark.parametrize(("shapes", "folded"), [(((30, 1, 4),), True), (((120,), (6, 5, 4)), True),
                                                (((6, 10, 2),), False)])  # fmt: skip
def test_fold_into_a_convolution_after_reshapes(shapes: list[Shape], folded: bool) -> None:
    b = Builder()
    here = b.norm(b.x, "n")
    for place, shape in enumerate(shapes):
        here = b.add(Reshape(shape), [here], f"r{place}")
    window = Window((3, 1))
    result = rewritten(b.build([b.conv(here, "a", window=window)]), fold_batch_normalization)
    assert ("batch_normalization" not in names(result)) == folded


def test_not_into_the_layer_after_if_it_pads_with_zeros() -> None:
    b = Builder()
    same = Window.make("same", IMAGE[:2], (3, 3))
    graph = b.build([b.conv(b.norm(b.x, "n"), "a", window=same)])
    assert names(rewritten(graph, fold_batch_normalization)) == ["batch_normalization", "conv_2d"]


def test_into_the_layer_after_zero_padding_without_offset() -> None:
    b = Builder()
    same = Window.make("same", IMAGE[:2], (3, 3))
    graph = b.build([b.conv(b.norm(b.x, "n", shift=False), "a", window=same)])
    assert names(rewritten(graph, fold_batch_normalization)) == ["conv_2d"]


def test_chain_of_normalizations_and_layers() -> None:
    b = Builder()
    y = b.norm(b.conv(b.norm(b.x, "n"), "a"), "m")
    y = b.norm(b.norm(b.conv(y, "c"), "o"), "p")
    assert names(rewritten(b.build([y]), fold_batch_normalization)) == ["conv_2d", "conv_2d"]


def test_two_in_a_row_become_one() -> None:
    b = Builder()
    y = b.norm(b.norm(b.norm(b.add(Logistic(), [b.x], "a"), "n"), "m"), "o")
    graph = b.build([b.add(Logistic(), [y], "b")])
    result = rewritten(graph, fold_batch_normalization)
    assert names(result) == ["logistic", "batch_normalization", "logistic"]


def test_not_into_a_layer_that_others_read() -> None:
    b = Builder()
    a = b.conv(b.x, "a")
    graph = b.build([b.add(Add(), [a, b.norm(a, "n")], "sum")])
    assert "batch_normalization" in names(rewritten(graph, fold_batch_normalization))


def test_not_into_a_layer_that_the_model_returns() -> None:
    b = Builder()
    a = b.conv(b.x, "a")
    graph = b.build([a, b.norm(a, "n")])
    assert "batch_normalization" in names(rewritten(graph, fold_batch_normalization))


def test_not_through_an_activation() -> None:
    b = Builder()
    weights = [b.random("w", (4, 3, 2, 4)), b.random("b", (4,))]
    a = b.add(Conv2D(VALID, Activation.RELU), [b.x, *weights], "a")
    graph = b.build([b.norm(a, "n")])
    assert "batch_normalization" in names(rewritten(graph, fold_batch_normalization))


def test_shared_weights_under_two_normalizations_are_copied() -> None:
    b = Builder((6, 6, 4))
    same = Window.make("same", (6, 6), (3, 3))
    first = b.conv(b.x, "a", window=same)
    constants = b.nodes[0].inputs[1:]
    second = b.add(Conv2D(same), [b.norm(first, "n"), *constants], "b")
    result = rewritten(b.build([b.norm(second, "m")]), fold_batch_normalization)
    assert names(result) == ["conv_2d", "conv_2d"]
    assert len(result.constants) == 4


def test_shared_weights_under_one_normalization_stay_shared() -> None:
    b = Builder((6, 6, 4))
    same = Window.make("same", (6, 6), (3, 3))
    first = b.norm(b.conv(b.x, "a", window=same), "n")
    constants, norm = b.nodes[0].inputs[1:], b.nodes[1].inputs[1:]
    second = b.add(Conv2D(same), [first, *constants], "b")
    graph = b.build([b.add(BatchNormalization(), [second, *norm], "m")])
    result = rewritten(graph, fold_batch_normalization)
    assert names(result) == ["conv_2d", "conv_2d"]
    assert len(result.constants) == 2


@pytest.mark.parametrize(
    ("pool", "low", "folded"),
    [
        (AveragePool2D(Window.make("same", (4, 4), (2, 2), (2, 2))), -1, True),
        (Mean(), -1, True),
        (Mean(keep_dims=True), -1, True),
        (MaxPool2D(Window((2, 2), (2, 2))), 0.1, True),
        (MaxPool2D(Window((2, 2), (2, 2))), -1, False),
        (ReduceMax(), 0.1, True),
        (ReduceMax(), -1, False),
        (AveragePool2D(Window((2, 2)), Activation.RELU), 0.1, False),
        (Logistic(), 0.1, False),
    ],
)
def test_fold_through_a_pooling(pool: Operator, low: float, folded: bool) -> None:
    b = Builder()
    graph = b.build([b.norm(b.add(pool, [b.conv(b.x, "a")], "p"), "n", low=low)])
    result = rewritten(graph, fold_batch_normalization)
    assert ("batch_normalization" not in names(result)) == folded


@pytest.mark.parametrize("shape", [(5,), (7, 5), (3, 4, 5)])
def test_lower(shape: tuple[int, ...]) -> None:
    b = Builder(shape)
    graph = lower_batch_normalization(b.build([b.norm(b.x, "n")]))
    scale, offset = (b.constants[name].values for name in ("n/scale", "n/offset"))
    x = np.random.default_rng(2).uniform(-2, 2, (3, *shape)).astype(np.float32)
    np.testing.assert_allclose(outputs(graph)[0], x * scale + offset, rtol=1e-5, atol=1e-6)
    assert names(graph).count("depthwise_conv_2d") == 1
    assert len(graph.nodes) == (1 if len(shape) == 3 else 3)


def test_lower_shares_constants() -> None:
    b = Builder()
    first = b.norm(b.x, "n")
    graph = b.build([b.add(BatchNormalization(), [first, *b.nodes[0].inputs[1:]], "m")])
    assert len(rewritten(graph, lower_batch_normalization).constants) == 2
