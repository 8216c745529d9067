"""Small float graphs with random weights, and a check that passes do not change results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle

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
    """The graph after the pass; checks that it computes the same."""
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


def operator(graph: Graph, name: str) -> Any:
    """The operator of a node, by the node's name."""
    return next(node.op for node in graph.nodes if node.name == name)
