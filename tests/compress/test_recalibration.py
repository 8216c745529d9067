"""Recalibrated channels have the statistics of the original graph, measured by LiteRT."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from float_graphs import float_graph
from small_models import Layers
from structured import images

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.techniques import _prefix
from tinycomp.techniques._technique import Samples
from tinycomp.techniques.channels import Channels
from tinycomp.techniques.cp import Cp
from tinycomp.techniques.low_rank import LowRank
from tinycomp.techniques.tucker import Tucker
from tinycomp.techniques.width import Width

X = images(96, (8, 8, 3))
LAYERS = ("conv_2d", "conv_2d_1", "depthwise_conv_2d", "fully_connected")


@pytest.fixture(scope="module")
def graph() -> Graph:
    layers = Layers((8, 8, 3), 6)
    same = Window.make("same", (8, 8), (3, 3))
    x = layers.conv("input", 16, same, Activation.RELU)
    x = layers.conv(x, 24, same, Activation.RELU)
    x = layers.depthwise(x, same, 1, Activation.RELU)
    layers.softmax(layers.dense(layers.mean(x), 5))
    return float_graph(layers.graph())


def before_activation(graph: Graph) -> dict[str, Array]:
    """Outputs of the weighted layers before their activation."""
    found = {}
    for name in LAYERS:
        (index,) = [n for n, node in enumerate(graph.nodes) if node.name == name]
        node = graph.nodes[index]
        plain: Any = node.op
        nodes = (*graph.nodes[:index], replace(node, op=replace(plain, activation=Activation.NONE)))
        names = {n for each in nodes for n in (*each.inputs, *each.outputs)} | set(graph.inputs)
        front = replace(
            graph,
            nodes=nodes,
            outputs=node.outputs,
            tensors={key: each for key, each in graph.tensors.items() if key in names},
            constants={key: each for key, each in graph.constants.items() if key in names},
        )
        found[name] = oracle.run_float(write_tflite(front), X)[node.outputs[0]]
    return found


def moments(values: Array) -> list[Array]:
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return [flat.mean(axis=0), flat.std(axis=0)]


@pytest.mark.parametrize("technique", [
    LowRank(rank=4, reconstruct=False), Tucker(energy=0.5, reconstruct=False),
    Cp(by_layer={"conv_2d*": 4}, reconstruct=False),
])  # fmt: skip
def test_factorization_keeps_mean_and_deviation_of_each_channel(
    graph: Graph, technique: Any
) -> None:
    wanted = before_activation(graph)
    plain = before_activation(technique.apply(graph))
    found = before_activation(technique.apply(graph, Samples(X)))
    for name in LAYERS:
        for one, other in zip(moments(found[name]), moments(wanted[name]), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3 * np.abs(other).max())
    assert not np.allclose(moments(plain["conv_2d_1"])[1], moments(wanted["conv_2d_1"])[1], 0.02)


@pytest.mark.parametrize("technique", [
    Channels(0.5, reconstruct=False), Width(0.5, reconstruct=False),
])  # fmt: skip
def test_remaining_channels_keep_mean_and_deviation(graph: Graph, technique: Any) -> None:
    smaller = technique.apply(graph, Samples(X))
    untouched = replace(technique, recalibrate=False).apply(graph, Samples(X))
    for name, constant in technique.apply(graph).constants.items():
        np.testing.assert_array_equal(untouched.constants[name].values, constant.values)
    found, wanted = moments_of(smaller), moments_of(graph)
    for name in LAYERS[:3]:
        distances = np.abs(found[name][:, None] - wanted[name][None]).max(axis=-1)
        assert (distances.min(axis=1) < 2e-3 * np.abs(wanted[name]).max()).all()
    np.testing.assert_allclose(found[LAYERS[3]], wanted[LAYERS[3]], rtol=2e-3, atol=2e-3)


def moments_of(graph: Graph) -> dict[str, Array]:
    """Mean and standard deviation, (channels, 2), by layer."""
    return {name: np.stack(moments(each), axis=1)
            for name, each in before_activation(graph).items()}  # fmt: skip


@pytest.mark.parametrize("reconstruct", [False, True])
def test_each_node_is_run_once_and_alone_for_its_moments(
    graph: Graph, reconstruct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is proportional to the number of layers."""
    runs: Counter[str] = Counter()

    def counted(part: Graph, *others: Any) -> bytes:
        runs.update(node.name for node in part.nodes)
        return write_tflite(part, *others)

    monkeypatch.setattr(_prefix, "write_tflite", counted)
    LowRank(rank=4, reconstruct=reconstruct).apply(graph, Samples(X))
    assert set(runs) >= {*LAYERS[:3], "mean"}
    assert max(runs.values()) <= 6  # of each of two graphs: once, and alone before and after
