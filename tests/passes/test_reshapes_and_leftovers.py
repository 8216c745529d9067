"""Reshapes cancel; identities and dead nodes are removed; no graph is modified in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from small_graphs import IMAGE, Builder, Pass, names, rewritten

from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.fold_padding import fold_padding
from tinycomp.passes.fuse_activation import fuse_activation
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.passes.remove_dead_nodes import remove_dead_nodes
from tinycomp.passes.remove_identity import remove_identity
from tinycomp.passes.remove_reshapes import remove_reshapes


def squeeze(b: Builder, x: str, name: str) -> str:
    height, _, channels = b.tensors[x].shape
    return b.add(Reshape((height, channels)), [x], name)


def expand(b: Builder, x: str, name: str) -> str:
    length, channels = b.tensors[x].shape
    return b.add(Reshape((length, 1, channels)), [x], name)


def test_reshapes_that_cancel() -> None:
    b = Builder((6, 1, 4))
    y = expand(b, squeeze(b, b.conv(b.x, "a", window=Window((2, 1))), "s"), "e")
    graph = b.build([b.conv(y, "b", window=Window((2, 1)))])
    assert names(rewritten(graph, remove_reshapes)) == ["conv_2d", "conv_2d"]


def test_two_reshapes_become_one() -> None:
    b = Builder()
    graph = b.build([b.add(Reshape((12, 10)), [b.add(Reshape((120,)), [b.x], "a")], "b")])
    result = rewritten(graph, remove_reshapes)
    assert [(node.name, node.inputs) for node in result.nodes] == [("b", ("x",))]


@pytest.mark.parametrize(
    "between",
    [
        lambda b, y: b.add(Logistic(), [y], "m"),
        lambda b, y: b.norm(y, "m"),
        lambda b, y: b.add(Softmax(), [y], "m"),
        lambda b, y: b.dense(y, "m"),
        lambda b, y: b.add(Add(), [y, y], "m"),
        lambda b, y: b.add(Concatenation(1), [y, b.add(Relu(), [y], "r")], "m"),
        lambda b, y: b.add(Concatenation(0), [y, b.add(Logistic(), [y], "l")], "m"),
    ],
)
def test_reshapes_cancel_across_operators(between: Callable[[Builder, str], str]) -> None:
    b = Builder((6, 1, 4))
    y = between(b, squeeze(b, b.x, "s"))
    graph = b.build([b.conv(expand(b, y, "e"), "c", window=Window((2, 1)))])
    assert "reshape" not in names(rewritten(graph, remove_reshapes))


def test_broadcast_across_reshapes() -> None:
    b = Builder((6, 1, 4))
    gate = b.add(Reshape((1, 4)), [b.add(Mean(keep_dims=True), [b.x], "g")], "gate")
    y = b.add(Mul(), [squeeze(b, b.x, "s"), gate], "m")
    result = rewritten(b.build([expand(b, y, "e")]), remove_reshapes)
    assert names(result) == ["mean", "mul"]


def test_a_reshape_moves_to_let_a_normalization_fold() -> None:
    b = Builder((6, 1, 4))
    y = b.norm(squeeze(b, b.conv(b.x, "a", window=Window((2, 1))), "s"), "n")
    result = remove_reshapes(b.build([y]))
    assert names(rewritten(result, fold_batch_normalization)) == ["conv_2d", "reshape"]


def test_a_reshape_that_mixes_channels_stays() -> None:
    b = Builder((6, 2, 4))
    y = b.norm(b.add(Reshape((6, 8)), [b.x], "r"), "n")
    graph = b.build([y])
    assert names(rewritten(graph, remove_reshapes)) == ["reshape", "batch_normalization"]


def test_a_reshape_stays_if_moving_it_gains_nothing() -> None:
    b = Builder((1, 1, 8))
    y = b.add(Softmax(), [b.dense(b.add(Reshape((8,)), [b.x], "flat"), "d")], "s")
    graph = b.build([y])
    assert [n.name for n in rewritten(graph, remove_reshapes).nodes] == ["flat", "d", "s"]


def test_concatenation_of_other_reshapes_stays() -> None:
    b = Builder((6, 2, 4))
    flat = b.add(Reshape((48,)), [b.x], "flat")
    graph = b.build([b.add(Reshape((96, 1)), [b.add(Concatenation(0), [flat, flat], "c")], "r")])
    assert names(rewritten(graph, remove_reshapes)) == ["reshape", "concatenation", "reshape"]


def test_remove_identity() -> None:
    b = Builder()
    y = b.add(Reshape(IMAGE), [b.x], "reshape")
    y = b.add(Pad(((0, 0),) * 3), [y], "pad")
    y = b.add(MaxPool2D(Window((1, 1))), [y], "max")
    y = b.add(AveragePool2D(Window((1, 1))), [y], "average")
    y = b.add(Concatenation(2), [y], "concatenation")
    y = b.conv(y, "a")
    result = rewritten(b.build([b.add(Reshape(b.tensors[y].shape), [y], "end")]), remove_identity)
    assert names(result) == ["conv_2d"]
    assert result.outputs == ("a",)


def test_near_identities_stay() -> None:
    b = Builder()
    y = b.add(MaxPool2D(Window((1, 1), (2, 2))), [b.x], "strided")
    y = b.add(AveragePool2D(Window((1, 1)), Activation.RELU), [y], "clamped")
    graph = b.build([b.add(Pad(((0, 0), (0, 0), (0, 1))), [y], "pad")])
    assert names(rewritten(graph, remove_identity)) == names(graph)


def test_remove_dead_nodes() -> None:
    b = Builder()
    kept = b.conv(b.x, "kept")
    b.add(Relu(), [b.conv(kept, "dead", window=Window((1, 1)))], "dead_too")
    result = rewritten(b.build([kept]), remove_dead_nodes)
    assert [node.name for node in result.nodes] == ["kept"]
    assert set(result.constants) == {"kept/kernel", "kept/bias"}


@pytest.mark.parametrize(
    "rewrite",
    [
        fold_batch_normalization,
        fold_padding,
        fuse_activation,
        lower_batch_normalization,
        remove_dead_nodes,
        remove_identity,
        remove_reshapes,
    ],
)
def test_a_graph_without_anything_to_do_is_returned_and_never_modified(rewrite: Pass) -> None:
    b = Builder()
    graph = b.build([b.conv(b.add(Logistic(), [b.x], "l"), "a")])
    before = (graph.nodes, dict(graph.tensors), dict(graph.constants))
    result = rewrite(graph)
    assert (result.nodes, dict(result.tensors), dict(result.constants)) == before
    assert (graph.nodes, dict(graph.tensors), dict(graph.constants)) == before


def test_an_output_is_named_like_its_node_unless_a_constant_is() -> None:
    b = Builder()
    graph = b.build([b.add(Reshape((64,)), [b.conv(b.x, "a")], "y")])
    (conv, last), rest = graph.nodes, graph.constants["a/bias"]
    kernel, tensor = graph.constants["a/kernel"], graph.tensors["a"]
    taken = replace(
        graph,
        nodes=(
            replace(conv, inputs=("x", "a", "a/bias"), outputs=("a;add",)),
            replace(last, inputs=("a;add",)),
        ),
        tensors={"x": graph.tensors["x"], "y": graph.tensors["y"],
                 "a;add": replace(tensor, name="a;add")},
        constants={"a": replace(kernel, name="a"), "a/bias": rest},
    )  # fmt: skip
    result = rewritten(taken, remove_reshapes)
    assert [(node.inputs[0], node.outputs) for node in result.nodes] == [
        ("x", ("a_1",)), ("a_1", ("y",)),
    ]  # fmt: skip
