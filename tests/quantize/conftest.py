"""A small float model with most kinds of operators, and its data."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax


@pytest.fixture(scope="session")
def inputs() -> Array:
    """(200, 8, 6, 2) float32."""
    return np.random.default_rng(1).standard_normal((200, 8, 6, 2)).astype(np.float32)


@pytest.fixture(scope="session")
def graph() -> Graph:
    """Convolution, depthwise (padded by hand), residual sum, pooling, dense, softmax."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("small")

    def weight(name: str, *shape: int) -> str:
        return builder.constant(name, 0.5 * rng.standard_normal(shape).astype(np.float32))

    same = Window.make("same", (8, 6), (3, 3))
    x = builder.input("x", (8, 6, 2))
    conv = builder.add(
        Conv2D(same, Activation.RELU6), [x, weight("cw", 4, 3, 3, 2), weight("cb", 4)], "conv"
    )
    odd = Window((3, 3), padding=(2, 0, 0, 2))
    deep = builder.add(
        DepthwiseConv2D(odd), [conv, weight("dw", 1, 3, 3, 4), weight("db", 4)], "deep"
    )
    total = builder.add(Add(Activation.RELU), [conv, deep], "sum")
    pool = builder.add(MaxPool2D(Window((2, 2), (2, 2))), [total], "pool")
    flat = builder.add(Reshape((48,)), [pool], "flat")
    dense = builder.add(FullyConnected(), [flat, weight("fw", 5, 48), weight("fb", 5)], "dense")
    return builder.build([builder.add(Softmax(), [dense], "softmax")])
