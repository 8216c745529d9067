"""A small float network and a task that it learns in seconds."""

from __future__ import annotations

import numpy as np
from float_graphs import float_graph
from small_models import Layers

from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window

SHAPE = (6, 6, 2)


def network(seed: int = 0) -> Graph:
    """A float classifier of images of 6 x 6 x 2."""
    layers = Layers(SHAPE, seed)
    same = Window.make("same", SHAPE[:2], (3, 3))
    first = layers.conv("input", 8, same, Activation.RELU)
    second = layers.depthwise(first, same, 1, Activation.RELU)
    layers.softmax(layers.dense(layers.mean(second), 3))
    return float_graph(layers.graph())


def task(samples: int = 256) -> tuple[Array, Array]:
    """Noisy images with horizontal stripes, vertical ones, or a checkerboard."""
    rng = np.random.default_rng(1)
    rows, columns = np.indices(SHAPE[:2]) % 2 * 2 - 1
    patterns = np.stack([rows, columns, rows * columns])[..., np.newaxis]
    y = rng.integers(0, 3, samples)
    return (patterns[y] + rng.normal(0, 1, (samples, *SHAPE))).astype(np.float32), y
