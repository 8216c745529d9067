"""Each pass: what it takes out, what it leaves, and that the outputs stay the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tinycomp import oracle
from tinycomp.ir import Array, Graph, GraphBuilder, Operator
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
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
from tinycomp.quantize.export import write_tflite

Pass = Callable[[Graph], Graph]
IMAGE = (6, 5, 4)
VALID = Window((3, 2))


class Builder(GraphBuilder):
    """A graph under construction, with random weights."""

    def __init__(self, shape: Sequence[int] = IMAGE) -> None:
        super().__init__("test")
        self.rng = np.random.default_rng(5)
        self.x = self.input("x", tuple(shape))

    def random(self, name: str, shape: Sequence[int], low: float = -1) -> str:
        return self.constant(name, self.rng.uniform(low, 1, shape).astype(np.float32))

    def conv(self, x: str, name: str, out: int = 4, window: Window = VALID) -> str:
        channels = self.tensors[x].shape[-1]
        weights = self.random(f"{name}/kernel", (out, *window.kernel, channels))
        return self.add(Conv2D(window), [x, weights, self.random(f"{name}/bias", (out,))], name)

    def depthwise(self, x: str, name: str, multiplier: int = 2) -> str:
        channels = self.tensors[x].shape[-1] * multiplier
        weights = self.random(f"{name}/kernel", (1, *VALID.kernel, channels))
        bias = self.random(f"{name}/bias", (channels,))
        return self.add(DepthwiseConv2D(VALID, multiplier), [x, weights, bias], name)

    def dense(self, x: str, name: str, out: int = 3) -> str:
        weights = self.random(f"{name}/kernel", (out, self.tensors[x].shape[-1]))
        bias = self.random(f"{name}/bias", (out,))
        return self.add(FullyConnected(), [x, weights, bias], name)

    def norm(self, x: str, name: str, low: float = -1, shift: bool = True) -> str:
        channels = self.tensors[x].shape[-1]
        scale = self.rng.uniform(low, 1, channels)
        offset = self.rng.uniform(-1, 1, channels) * shift
        constants = [self.constant(f"{name}/scale", scale), self.constant(f"{name}/offset", offset)]
        return self.add(BatchNormalization(), [x, *constants], name)


def outputs(graph: Graph) -> list[Array]:
    rng = np.random.default_rng(2)
    shape = graph.tensors[graph.inputs[0]].shape
    x = rng.uniform(-2, 2, (3, *shape)).astype(np.float32)
    return list(oracle.run_float(write_tflite(graph), x).values())


def rewritten(graph: Graph, rewrite: Pass) -> Graph:
    """The graph behind the pass, which computes the same."""
    result = rewrite(graph)
    normal = lower_batch_normalization
    for before, after in zip(outputs(normal(graph)), outputs(normal(result)), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    used = {name for node in result.nodes for name in (*node.inputs, *node.outputs)}
    assert set(result.tensors) | set(result.constants) == used | set(result.inputs)
    assert all(result.tensors[name].name == name for name in result.tensors)
    return result


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def op(graph: Graph, name: str) -> Any:
    """The operator of a node, by the node's name."""
    return next(node.op for node in graph.nodes if node.name == name)


# Batch normalization ------------------------------------------------------------------------------


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
def test_fold_into_the_layer_behind(kind: str) -> None:
    b = Builder()
    graph = b.build([getattr(b, kind)(b.norm(b.x, "n"), "a")])
    assert len(rewritten(graph, fold_batch_normalization).nodes) == 1


def test_fold_into_a_dense_layer_behind_a_flatten() -> None:
    b = Builder()
    flat = b.add(Reshape((120,)), [b.norm(b.x, "n")], "flat")
    result = rewritten(b.build([b.dense(flat, "a")]), fold_batch_normalization)
    assert names(result) == ["reshape", "fully_connected"]


def test_not_behind_where_zeros_come_between() -> None:
    b = Builder()
    same = Window.make("same", IMAGE[:2], (3, 3))
    graph = b.build([b.conv(b.norm(b.x, "n"), "a", window=same)])
    assert names(rewritten(graph, fold_batch_normalization)) == ["batch_normalization", "conv_2d"]


def test_behind_zeros_where_nothing_is_added() -> None:
    b = Builder()
    same = Window.make("same", IMAGE[:2], (3, 3))
    graph = b.build([b.conv(b.norm(b.x, "n", shift=False), "a", window=same)])
    assert names(rewritten(graph, fold_batch_normalization)) == ["conv_2d"]


def test_chain_of_normalizations_and_layers() -> None:
    b = Builder()
    y = b.norm(b.conv(b.norm(b.x, "n"), "a"), "m")
    y = b.norm(b.norm(b.conv(y, "c"), "o"), "p")
    assert names(rewritten(b.build([y]), fold_batch_normalization)) == ["conv_2d", "conv_2d"]


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


# Activations --------------------------------------------------------------------------------------


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
    assert op(result, "a").activation is activation
    assert result.outputs == ("a",)


@pytest.mark.parametrize("merge", [Add(), Mul()])
def test_fuse_into_merges(merge: Operator) -> None:
    b = Builder()
    graph = b.build([b.add(Relu(), [b.add(merge, [b.x, b.x], "m")], "r")])
    assert op(rewritten(graph, fuse_activation), "m").activation is Activation.RELU


def test_a_relu_with_another_bound_stays() -> None:
    b = Builder()
    graph = b.build([b.add(Relu(1.0), [b.conv(b.x, "a")], "r")])
    assert names(rewritten(graph, fuse_activation)) == ["conv_2d", "relu"]


def test_a_relu_stays_where_others_read_its_input() -> None:
    b = Builder()
    a = b.conv(b.x, "a")
    graph = b.build([b.add(Add(), [a, b.add(Relu(), [a], "r")], "sum")])
    assert "relu" in names(rewritten(graph, fuse_activation))


def test_a_relu_stays_behind_what_carries_none() -> None:
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
def test_a_relu_goes_before_selections(between: Operator) -> None:
    b = Builder()
    graph = b.build([b.add(Relu(), [b.add(between, [b.conv(b.x, "a")], "between")], "r")])
    result = rewritten(graph, fuse_activation)
    assert op(result, "a").activation is Activation.RELU
    assert op(result, "between") == between


def test_a_relu_does_not_go_before_a_mean() -> None:
    b = Builder()
    pool = AveragePool2D(Window((2, 2), (2, 2)))
    graph = b.build([b.add(Relu(), [b.add(pool, [b.conv(b.x, "a")], "p")], "r")])
    result = rewritten(graph, fuse_activation)
    assert op(result, "a").activation is Activation.NONE
    assert op(result, "p").activation is Activation.RELU


# Padding ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
@pytest.mark.parametrize("padding", [((0, 1), (0, 1)), ((2, 0), (1, 3))])
def test_fold_padding(kind: str, padding: Any) -> None:
    b = Builder()
    pad = b.add(Pad((*padding, (0, 0))), [b.x], "pad")
    result = rewritten(b.build([getattr(b, kind)(pad, "a")]), fold_padding)
    (top, bottom), (left, right) = padding
    assert [node.name for node in result.nodes] == ["a"]
    assert op(result, "a").window.padding == (top, left, bottom, right)


def test_padding_adds_to_the_window_s_own() -> None:
    b = Builder()
    pad = b.add(Pad(((1, 0), (0, 2), (0, 0))), [b.x], "pad")
    same = Window.make("same", b.tensors[pad].shape[:2], (3, 3))
    result = rewritten(b.build([b.conv(pad, "a", window=same)]), fold_padding)
    assert op(result, "a").window.padding == (2, 1, 1, 3)


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


def test_padding_that_two_read_stays() -> None:
    b = Builder()
    pad = b.add(Pad(((1, 1), (1, 1), (0, 0))), [b.x], "pad")
    graph = b.build([b.add(Add(), [b.conv(pad, "a"), b.conv(pad, "b")], "sum")])
    assert "pad" in names(rewritten(graph, fold_padding))


# Reshapes, identities, dead nodes -----------------------------------------------------------------


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


def test_a_reshape_stays_where_moving_it_gains_nothing() -> None:
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


def test_what_looks_like_an_identity_stays() -> None:
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
def test_a_graph_without_anything_to_do_stays_and_nothing_changes_in_place(rewrite: Pass) -> None:
    b = Builder()
    graph = b.build([b.conv(b.add(Logistic(), [b.x], "l"), "a")])
    before = (graph.nodes, dict(graph.tensors), dict(graph.constants))
    result = rewrite(graph)
    assert (result.nodes, dict(result.tensors), dict(result.constants)) == before
    assert (graph.nodes, dict(graph.tensors), dict(graph.constants)) == before
