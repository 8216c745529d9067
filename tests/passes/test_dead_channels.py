"""Which channels are removed or kept, by operator; values never change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from conformance import extreme_inputs, parameters
from planted import FAR, node_of, with_dead, with_unread
from small_models import Layers

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Constant
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.passes._reduction import with_original
from tinycomp.passes.remove_dead_channels import remove_dead_channels
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.compare import simulator, verify

IMAGE = (5, 4, 3)
POINT = Window((1, 1))
SAME = Window.make("same", IMAGE[:2], (3, 3))
VALID = Window((3, 3))
Layer = Callable[[Layers, str], str]


def without_dead(graph: Graph) -> Graph:
    """The graph without dead channels; checks its record of what became of each tensor."""
    smaller = remove_dead_channels(with_original(graph))
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = extreme_inputs(np.random.default_rng(1), shape)
    found = verify(smaller, write_tflite(graph), inputs, [simulator(smaller)])
    assert found.equal, str(found.differences[0])
    return smaller


def width(graph: Graph, tensor: str) -> int:
    """Number of channels; 0 if the tensor was removed."""
    return graph.tensors[tensor].shape[-1] if tensor in graph.tensors else 0


def chain(*between: Layer, reader: Layer) -> Graph:
    """A convolution with 6 channels, some layers, and a convolution or dense layer."""
    layers = Layers(IMAGE)
    x = layers.conv("input", 6, POINT)
    for layer in between:
        x = layer(layers, x)
    reader(layers, x)
    return layers.graph()


@pytest.mark.parametrize(("blocks", "left"), [(True, 16), (False, 12)])
def test_channels_stay_where_others_would_scatter_blocks_of_zeros(blocks: bool, left: int) -> None:
    """A dead channel in each word of four; or random zeros, as many."""
    layers = Layers(IMAGE, seed=4)
    first = layers.conv("input", 16, POINT)
    reader = layers.conv(first, 24, POINT)
    graph = layers.graph()
    name = node_of(graph, reader).inputs[1]
    kept = layers.rng.random((24, 1, 1, 4 if blocks else 16)) < 0.2
    kept = np.resize(kept.repeat(4, axis=3) if blocks else kept, (24, 1, 1, 16))
    values = np.where(kept, 9, 0).astype(np.int8)
    graph = replace(
        graph, constants={**graph.constants, name: replace(graph.constants[name], values=values)}
    )
    graph = with_dead(graph, first, [1, 6, 8, 15])
    assert width(without_dead(graph), first) == left


def conv(window: Window) -> Layer:
    return lambda layers, x: layers.conv(x, 4, window)


def dense(layers: Layers, x: str) -> str:
    return layers.dense(x, 4)


def flat_dense(layers: Layers, x: str) -> str:
    return layers.dense(layers.reshape(x, (int(np.prod(layers.shape(x))),)), 4)


def relu(layers: Layers, x: str) -> str:
    return layers.apply(Relu(), x, parameters(0.1, -20))


def depthwise(layers: Layers, x: str) -> str:
    return layers.depthwise(x, Window.make("same", layers.shape(x)[:2], (3, 3)), 2)


@pytest.mark.parametrize("bias", [0, 700, FAR, -FAR])
@pytest.mark.parametrize("reader", [conv(POINT), conv(VALID), dense, flat_dense])
def test_constants_are_folded_into_the_bias_of_a_reader_without_padding(
    bias: int, reader: Layer
) -> None:
    graph = with_dead(chain(reader=reader), "conv_2d", [0, 4], bias)
    assert width(without_dead(graph), "conv_2d") == 4


@pytest.mark.parametrize(("bias", "left"), [(0, 4), (700, 6), (-FAR, 6)])
def test_before_padding_only_zero_point_channels_are_removed(bias: int, left: int) -> None:
    graph = with_dead(chain(reader=conv(SAME)), "conv_2d", [0, 4], bias)
    assert width(without_dead(graph), "conv_2d") == left


def test_padding_matters_only_where_the_constant_is_read() -> None:
    graph = with_dead(chain(reader=conv(SAME)), "conv_2d", [0, 4], FAR)
    assert width(without_dead(with_unread(graph, "conv_2d_1", [4])), "conv_2d") == 5


@pytest.mark.parametrize(("bias", "left"), [(0, 4), (900, 6)])
def test_after_a_padded_depthwise_layer_the_border_is_not_constant(bias: int, left: int) -> None:
    graph = chain(depthwise, reader=conv(POINT))
    smaller = without_dead(with_dead(graph, "conv_2d", [0, 4], bias))
    assert (width(smaller, "conv_2d"), width(smaller, "depthwise_conv_2d")) == (left, 2 * left)


def test_a_border_with_the_same_value_is_constant() -> None:
    layers = Layers(IMAGE)
    x = layers.conv("input", 6, POINT)
    layers.conv(layers.depthwise(x, SAME, 1, Activation.RELU), 4, POINT)
    graph = with_dead(layers.graph(), "conv_2d", [2], bias=900)
    constants = dict(graph.constants)
    bias = node_of(graph, "depthwise_conv_2d").inputs[2]
    amounts = constants[bias].values.copy()
    amounts[2] = -FAR
    constants[bias] = replace(constants[bias], values=amounts)
    smaller = without_dead(replace(graph, constants=constants))
    assert width(smaller, "conv_2d") == width(smaller, "depthwise_conv_2d") == 5


def test_a_depthwise_layer_loses_all_or_none_of_an_input_s_channels() -> None:
    graph = with_dead(chain(depthwise, reader=conv(POINT)), "depthwise_conv_2d", [2, 6, 7])
    smaller = without_dead(graph)
    assert (width(smaller, "conv_2d"), width(smaller, "depthwise_conv_2d")) == (5, 10)


@pytest.mark.parametrize(
    "between",
    [
        relu,
        lambda layers, x: layers.average_pool(x, Window((2, 2), (2, 2))),
        lambda layers, x: layers.tied(MaxPool2D(Window((3, 3), padding=(1, 1, 1, 1))), x),
        lambda layers, x: layers.mean(x, keep_dims=True),
        lambda layers, x: layers.tied(ReduceMax(keep_dims=True), x),
        lambda layers, x: layers.mul_constant(x),
        lambda layers, x: layers.mul(x, layers.mean(x, keep_dims=True)),
        lambda layers, x: layers.add(x, layers.depthwise(x, SAME)),
        lambda layers, x: layers.tied(Pad(((0, 0), (0, 0), (1, 0))), x),
        lambda layers, x: layers.reshape(x, (10, 2, layers.shape(x)[-1])),
        lambda layers, x: layers.reshape(x, (5, 2, 12)),
    ],
)  # fmt: skip
def test_dead_channels_go_through(between: Layer) -> None:
    graph = with_dead(chain(between, reader=conv(POINT)), "conv_2d", [1, 4])
    smaller = without_dead(graph)
    assert width(smaller, "conv_2d") == 4
    assert smaller.cost().macs < graph.cost().macs


@pytest.mark.parametrize(
    "between",
    [
        lambda layers, x: layers.softmax(x),
        lambda layers, x: layers.reshape(x, (6, 4, 5)),
    ],
)
def test_layers_that_mix_channels_keep_all(between: Layer) -> None:
    graph = with_dead(chain(between, reader=conv(POINT)), "conv_2d", [1, 4])
    assert without_dead(graph).cost() == graph.cost()


def test_unused_padded_channels_are_removed() -> None:
    pad = Pad(((0, 0), (0, 0), (2, 1)))
    smaller = without_dead(chain(lambda layers, x: layers.tied(pad, x), reader=conv(POINT)))
    assert node_of(smaller, "pad").op == Pad(((0, 0), (0, 0), (0, 0)))
    assert smaller.constants["weights_1"].shape == (4, 1, 1, 6)


def residual() -> Graph:
    layers = Layers(IMAGE)
    first = layers.conv("input", 6, POINT)
    second = layers.conv(first, 6, SAME)
    layers.conv(layers.add(first, second, Activation.RELU), 4, POINT)
    return layers.graph()


def test_a_residual_sum_keeps_a_channel_that_is_dead_in_one_branch() -> None:
    smaller = without_dead(with_dead(residual(), "conv_2d_1", [0, 3]))
    assert width(smaller, "add") == 6


def test_a_residual_sum_of_two_dead_channels_is_removed() -> None:
    graph = with_dead(with_dead(residual(), "conv_2d", [0, 3]), "conv_2d_1", [3, 5])
    smaller = without_dead(graph)
    assert [width(smaller, name) for name in ("conv_2d", "conv_2d_1", "add")] == [5, 5, 5]


def test_a_residual_sum_of_constants_is_removed_if_all_readers_are_unpadded() -> None:
    layers = Layers(IMAGE)
    first, second = layers.conv("input", 6, POINT), layers.conv("input", 6, POINT)
    layers.conv(layers.add(first, second), 4, POINT)
    graph = with_dead(with_dead(layers.graph(), "conv_2d", [0, 3], 900), "conv_2d_1", [3, 5], FAR)
    smaller = without_dead(graph)
    assert [width(smaller, name) for name in ("conv_2d", "conv_2d_1", "add")] == [5, 5, 5]


def joined(axis: int) -> Graph:
    layers = Layers(IMAGE)
    parts = [layers.conv("input", 6, POINT), layers.depthwise("input", POINT, 2)]
    tied = layers.quantization(parts[0])
    layers.builder.quantization[parts[1]] = tied
    layers.conv(layers.builder.add(Concatenation(axis), parts, tied), 4, POINT)
    return layers.graph()


def test_along_channels_each_part_of_a_concatenation_loses_its_own() -> None:
    smaller = without_dead(with_dead(joined(axis=-1), "conv_2d", [0, 3], bias=500))
    assert (width(smaller, "conv_2d"), width(smaller, "concatenation")) == (4, 10)


def test_a_part_of_a_concatenation_can_be_removed_entirely() -> None:
    smaller = without_dead(with_dead(joined(axis=-1), "conv_2d", range(6), bias=500))
    assert node_of(smaller, "concatenation").inputs == ("depthwise_conv_2d",)
    assert width(smaller, "conv_2d") == 0


def test_along_other_axes_all_parts_of_a_concatenation_must_agree() -> None:
    smaller = without_dead(with_dead(joined(axis=1), "conv_2d", [0, 3]))
    assert width(smaller, "concatenation") == 6


def test_unread_channels_are_removed_with_their_inputs() -> None:
    graph = chain(depthwise, conv(POINT), reader=conv(SAME))
    smaller = without_dead(with_unread(graph, "conv_2d_2", [0, 1, 2]))
    assert width(smaller, "conv_2d_1") == 1
    rows = graph.constants["weights_2"].values
    only = np.flatnonzero(rows[3].reshape(-1, 12).any(axis=0))
    assert width(smaller, "depthwise_conv_2d") >= len(only)


@pytest.mark.parametrize("constant", [Layers.mul_constant, Layers.add_constant])
def test_constants_of_unread_channels_are_removed(constant: Layer) -> None:
    layers = Layers(IMAGE)
    x = constant(layers, layers.conv("input", 7, POINT))
    layers.dense(layers.mean(x), 4)
    graph = layers.graph()
    weights = graph.constants["weights_1"]
    values = weights.values.copy()
    values[:, [1, 2, 5]] = 0
    constants = {**graph.constants, "weights_1": replace(weights, values=values)}
    smaller = without_dead(replace(graph, constants=constants))
    assert width(smaller, "conv_2d") == 4


def test_every_reader_must_allow_it() -> None:
    layers = Layers(IMAGE)
    x = layers.conv("input", 6, POINT)
    layers.add(layers.conv(x, 4, POINT), layers.conv(x, 4, SAME))
    graph = with_dead(layers.graph(), "conv_2d", [2], bias=900)
    assert width(without_dead(graph), "conv_2d") == 6
    assert width(without_dead(with_unread(graph, "conv_2d_2", [2])), "conv_2d") == 5


def test_inputs_and_outputs_of_the_model_stay() -> None:
    layers = Layers(IMAGE)
    layers.conv("input", 6, POINT)
    graph = with_dead(with_unread(layers.graph(), "conv_2d", [1]), "conv_2d", [0, 2])
    assert remove_dead_channels(graph) is graph


def test_a_layer_with_only_dead_channels_keeps_one() -> None:
    layers = Layers(IMAGE)
    layers.conv(layers.conv("input", 6, POINT), 4, POINT)
    smaller = without_dead(with_dead(layers.graph(), "conv_2d", range(6), bias=900))
    assert width(smaller, "conv_2d") == 1
    assert width(smaller, "conv_2d_1") == 4


def test_a_constant_branch_is_removed() -> None:
    layers = Layers(IMAGE)
    dead = layers.mean(layers.conv("input", 6, POINT))
    layers.builder.quantization[dead] = tied = parameters(0.1, 7)
    alive = layers.apply(ReduceMax(), "input", layers.quantization("input"))
    layers.builder.quantization[alive] = layers.builder.quantization["input"] = tied
    layers.dense(layers.builder.add(Concatenation(0), [dead, alive], tied), 4)
    smaller = without_dead(with_dead(layers.graph(), "conv_2d", range(6), bias=900))
    assert [node.name for node in smaller.nodes] == [
        "reduce_max", "concatenation", "fully_connected",
    ]  # fmt: skip


def test_a_shared_constant_is_copied() -> None:
    layers = Layers(IMAGE)
    layers.conv(layers.conv(layers.conv("input", 3, POINT), 3, POINT), 4, POINT)
    graph = layers.graph()
    first, second = node_of(graph, "conv_2d"), node_of(graph, "conv_2d_1")
    shared = replace(second, inputs=(second.inputs[0], *first.inputs[1:]))
    nodes = tuple(shared if node == second else node for node in graph.nodes)
    graph = replace(graph, nodes=nodes)
    graph = replace(graph, constants={
        name: value for name, value in graph.constants.items()
        if any(name in node.inputs for node in nodes)
    })  # fmt: skip
    smaller = without_dead(with_unread(graph, "conv_2d_2", [1]))
    shapes = [smaller.constants[node.inputs[1]].shape[0] for node in smaller.nodes]
    assert shapes == [3, 2, 4]


def test_codebooks_lose_the_groups_of_dead_channels() -> None:
    graph = with_dead(chain(reader=conv(POINT)), "conv_2d", [0, 4])
    books = np.sort(np.random.default_rng(0).integers(-9, 9, (6, 4)).astype(np.int8))
    constants = dict(graph.constants)
    constants["weights"] = replace(constants["weights"], codebook=books)
    constants["weights_1"] = replace(constants["weights_1"], codebook=books[:1])
    smaller = remove_dead_channels(replace(graph, constants=constants))
    assert np.array_equal(_codebook(smaller.constants["weights"]), books[[1, 2, 3, 5]])
    assert np.array_equal(_codebook(smaller.constants["weights_1"]), books[:1])


def _codebook(constant: Constant) -> np.ndarray:
    assert constant.codebook is not None
    return constant.codebook


def test_a_single_scale_stays_single() -> None:
    graph = with_dead(chain(reader=conv(POINT)), "conv_2d", [0, 4])
    constants = dict(graph.constants)
    constants["weights"] = replace(constants["weights"], quantization=parameters(0.01))
    smaller = without_dead(replace(graph, constants=constants))
    assert smaller.constants["weights"].quantization == parameters(0.01)
