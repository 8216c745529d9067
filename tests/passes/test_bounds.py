"""Bounds hold for all inputs, and are tight in simple cases."""

from __future__ import annotations

import numpy as np
import pytest
from conformance import extreme_inputs, parameters
from planted import planted_graph, with_dead
from small_models import Layers, every_operator

from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.relu import Relu
from tinycomp.passes._bounds import bounds
from tinycomp.reference.simulate import simulate

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(256, 1, 1, 1)


def test_every_value_lies_within_its_bounds() -> None:
    narrow = 0
    for seed in range(80):
        graph = planted_graph(seed)
        inputs = extreme_inputs(np.random.default_rng(seed), graph.tensors["input"].shape, 8)
        known = bounds(graph)
        for name, values in simulate(graph, inputs).items():
            low, high = known[name]
            assert (low <= values).all(), f"{name} of seed {seed}"
            assert (values <= high).all(), f"{name} of seed {seed}"
            narrow += int(np.sum(high.astype(int) - low < 255))
    assert narrow > 10_000


def test_every_operator_has_bounds_that_hold() -> None:
    graph = every_operator()
    inputs = extreme_inputs(np.random.default_rng(0), graph.tensors["input"].shape, 8)
    known = bounds(graph)
    for name, values in simulate(graph, inputs).items():
        assert (known[name].low <= values).all(), name
        assert (values <= known[name].high).all(), name


@pytest.mark.parametrize("op", [Relu(), LeakyRelu(0.3), LeakyRelu(-0.5), HardSwish(), "conv"])
def test_bounds_of_unary_functions_are_tight(op: object) -> None:
    layers = Layers((1, 1, 1))
    if isinstance(op, str):
        layers.conv("input", 5, Window((1, 1)), Activation.RELU6)
    else:
        layers.apply(op, "input", parameters(0.02, -17))
    graph = layers.graph()
    (output,) = graph.outputs
    values = simulate(graph, EVERY)[output]
    low, high = bounds(graph)[output]
    assert np.array_equal(low, values.min(axis=0))
    assert np.array_equal(high, values.max(axis=0))


def test_bounds_detect_constants() -> None:
    layers = Layers((4, 4, 2))
    same = Window.make("same", (4, 4), (3, 3))
    layers.depthwise(layers.conv("input", 3, same), same)
    graph = with_dead(layers.graph(), "conv_2d", [1], bias=900)
    known = bounds(graph)
    assert known["conv_2d"].constant[..., 1].all()
    assert not known["conv_2d"].constant[..., [0, 2]].any()
    values = known["depthwise_conv_2d"].low[..., 1]
    assert known["depthwise_conv_2d"].constant[..., 1].all()
    assert len(np.unique(values)) > 1, "the border differs"
