"""Only depthwise convolutions over one channel become convolutions."""

from __future__ import annotations

import numpy as np
import pytest
from conformance import Case, extreme_inputs, weighted_case

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.passes._reduction import with_original
from tinycomp.passes.lower_depthwise import lower_depthwise
from tinycomp.quantization.export import write_tflite
from tinycomp.reducing import reduce
from tinycomp.reference.compare import simulator, verify

SIZE = (9, 7)
WINDOWS = [
    Window.make("same", SIZE, (5, 4), (2, 2)),
    Window.make("valid", SIZE, (3, 3), (1, 1), (2, 2)),
    Window((2, 3), (1, 2), (1, 1), (1, 0, 0, 2)),
]


def case(window: Window, channels: int, multiplier: int, per_channel: bool = True) -> Case:
    op = DepthwiseConv2D(window, multiplier, Activation.RELU6)
    weights = (1, *window.kernel, channels * multiplier)
    return weighted_case(
        "depthwise", op, (*SIZE, channels), weights, seed=3, zero_points=(-7, 12), spread=40.0,
        per_channel=per_channel, extreme=False,
    )  # fmt: skip


def same(before: Graph, after: Graph) -> None:
    """Check that the second graph computes the same as the first on LiteRT."""
    inputs = extreme_inputs(np.random.default_rng(1), before.tensors["input"].shape)
    found = verify(after, write_tflite(before), inputs, [simulator(after)])
    assert found.equal, str(found.differences[0])


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("multiplier", [1, 8])
@pytest.mark.parametrize("per_channel", [True, False])
def test_one_channel_is_a_convolution(window: Window, multiplier: int, per_channel: bool) -> None:
    graph = case(window, 1, multiplier, per_channel).graph
    after = lower_depthwise(with_original(graph))
    assert [type(node.op) for node in after.nodes] == [Conv2D]
    assert after.nodes[0].name == graph.nodes[0].name
    same(graph, after)


def test_several_channels_stay() -> None:
    graph = with_original(case(WINDOWS[0], 2, 4).graph)
    assert lower_depthwise(graph) is graph


def test_weights_are_stored_by_channel() -> None:
    graph = case(WINDOWS[0], 1, 4).graph
    weights = graph.constants[graph.nodes[0].inputs[1]]
    after = lower_depthwise(graph).constants[graph.nodes[0].inputs[1]]
    np.testing.assert_array_equal(after.values[..., 0], weights.values[0].transpose(2, 0, 1))


def test_a_model_that_does_not_shrink_is_rewritten_too() -> None:
    graph = case(WINDOWS[0], 1, 8).graph
    after = reduce(graph, Silent())
    assert [type(node.op) for node in after.nodes] == [Conv2D]
    same(graph, after)
