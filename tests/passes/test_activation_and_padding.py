"""ReLU and zero padding are fused into neighbouring operators."""

from __future__ import annotations

from typing import Any

import pytest
from small_graphs import Builder, names, operator, rewritten

from tinycomp.ir.operator import Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.passes.fold_padding import fold_padding
from tinycomp.passes.fuse_activation import fuse_activation


@pytest.mark.parametrize(
    ("limits", "activation"),
    [
        ([None], Activation.RELU),
        ([6.0], Activation.RELU6),
        ([None, 6.0], Activation.RELU6),
        ([6.0, None], Activation.RELU6),
    ],
)
def test_fuse(limits: list[float | None], activation: Activation) -> None:
    b = Builder()
    y = b.conv(b.x, "a", out=3)
    for number, limit in enumerate(limits):
        y = b.add(Relu(limit), [y], f"r{number}")
    result = rewritten(b.build([y]), fuse_activation)
    assert names(result) == ["conv_2d"]
    assert operator(result, "a").activation is activation
    assert result.outputs == ("a",)


@pytest.mark.parametrize("merge", [Add(), Mul()])
def test_fuse_into_merges(merge: Operator) -> None:
    b = Builder()
    graph = b.build([b.add(Relu(), [b.add(merge, [b.x, b.x], "m")], "r")])
    assert operator(rewritten(graph, fuse_activation), "m").activation is Activation.RELU


def test_fuse_before_a_concatenation() -> None:
    """Into all of its inputs, or into none."""
    b = Builder()
    joined = b.add(Concatenation(2), [b.conv(b.x, "a"), b.conv(b.x, "b")], "j")
    result = rewritten(b.build([b.add(Relu(), [joined], "r")]), fuse_activation)
    assert names(result) == ["conv_2d", "conv_2d", "concatenation"]
    assert {operator(result, name).activation for name in "ab"} == {Activation.RELU}
    b = Builder()
    parts = [b.conv(b.x, "a"), b.conv(b.x, "b")]
    also = b.add(ReduceMax(), [parts[1]], "also")
    relu = b.add(Relu(), [b.add(Concatenation(2), parts, "j")], "r")
    assert "relu" in names(rewritten(b.build([relu, also]), fuse_activation))


def test_a_relu_with_another_bound_stays() -> None:
    b = Builder()
    graph = b.build([b.add(Relu(1.0), [b.conv(b.x, "a")], "r")])
    assert names(rewritten(graph, fuse_activation)) == ["conv_2d", "relu"]


def test_a_relu_stays_if_others_read_its_input() -> None:
    b = Builder()
    a = b.conv(b.x, "a")
    graph = b.build([b.add(Add(), [a, b.add(Relu(), [a], "r")], "sum")])
    assert "relu" in names(rewritten(graph, fuse_activation))


def test_a_relu_stays_after_operators_without_activation() -> None:
    b = Builder()
    graph = b.build([b.add(Relu(), [b.add(Concatenation(0), [b.x, b.x], "c")], "r")])
    assert "relu" in names(rewritten(graph, fuse_activation))


@pytest.mark.parametrize(
    "between",
    [
        MaxPool2D(Window((2, 2), (2, 2))),
        ReduceMax(),
        Reshape((64,)),
        Pad(((1, 2), (0, 1), (0, 0))),
    ],
)
def test_a_relu_moves_before_selections(between: Operator) -> None:
    b = Builder()
    graph = b.build([b.add(Relu(), [b.add(between, [b.conv(b.x, "a")], "between")], "r")])
    result = rewritten(graph, fuse_activation)
    assert operator(result, "a").activation is Activation.RELU
    assert operator(result, "between") == between


def test_a_relu_does_not_move_before_a_mean() -> None:
    b = Builder()
    pool = AveragePool2D(Window((2, 2), (2, 2)))
    graph = b.build([b.add(Relu(), [b.add(pool, [b.conv(b.x, "a")], "p")], "r")])
    result = rewritten(graph, fuse_activation)
    assert operator(result, "a").activation is Activation.NONE
    assert operator(result, "p").activation is Activation.RELU


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
@pytest.mark.parametrize("padding", [((0, 1), (0, 1)), ((2, 0), (1, 3))])
def test_fold_padding(kind: str, padding: Any) -> None:
    b = Builder()
    pad = b.add(Pad((*padding, (0, 0))), [b.x], "pad")
    result = rewritten(b.build([getattr(b, kind)(pad, "a")]), fold_padding)
    (top, bottom), (left, right) = padding
    assert [node.name for node in result.nodes] == ["a"]
    assert operator(result, "a").window.padding == (top, left, bottom, right)


def test_padding_adds_to_the_window_s_own() -> None:
    b = Builder()
    pad = b.add(Pad(((1, 0), (0, 2), (0, 0))), [b.x], "pad")
    same = Window.make("same", b.tensors[pad].shape[:2], (3, 3))
    result = rewritten(b.build([b.conv(pad, "a", window=same)]), fold_padding)
    assert operator(result, "a").window.padding == (2, 1, 1, 3)


@pytest.mark.parametrize(
    ("padding", "reader"),
    [
        (((1, 1), (1, 1), (0, 1)), Relu()),
        (((1, 1), (1, 1), (0, 0)), AveragePool2D(Window((2, 2)))),
        (((1, 1), (1, 1), (0, 0)), MaxPool2D(Window((2, 2)))),
    ],
)
def test_padding_stays(padding: Any, reader: Operator) -> None:
    b = Builder()
    pad = b.add(Pad(padding), [b.x], "pad")
    graph = b.build([b.add(reader, [pad], "r")])
    assert names(rewritten(graph, fold_padding)) == names(graph)


def test_padding_of_channels_stays() -> None:
    b = Builder()
    graph = b.build([b.conv(b.add(Pad(((0, 0), (0, 0), (1, 0))), [b.x], "pad"), "a")])
    assert names(rewritten(graph, fold_padding)) == ["pad", "conv_2d"]


def test_padding_with_two_readers_stays() -> None:
    b = Builder()
    pad = b.add(Pad(((1, 1), (1, 1), (0, 0))), [b.x], "pad")
    graph = b.build([b.add(Add(), [b.conv(pad, "a"), b.conv(pad, "b")], "sum")])
    assert "pad" in names(rewritten(graph, fold_padding))
