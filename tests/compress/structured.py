"""Float graphs with every way of coupling channels, also as a Keras model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.frontend.keras import read_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.passes._channels import mixes
from tinycomp.techniques._channel_groups import Axis, ChannelGroups

SHAPE = (8, 8, 3)


def keras_model(seed: int = 0) -> Any:
    """Residual sum, depthwise layers with a multiplier, PReLU, concatenation, squeeze and excite,
    pooling, flatten, dense layers; with random weights and statistics.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    x = entry = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, padding="same", name="stem")(x)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = stem = layers.ReLU()(x)
    x = layers.Conv2D(12, 1, name="wide")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="bent")(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="depthwise")(x)
    x = layers.Conv2D(8, 1, name="narrow")(x)
    x = layers.BatchNormalization(name="narrow_norm")(x)
    x = layers.Add()([x, stem])
    side = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="side")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Concatenate()([x, side])
    x = layers.ZeroPadding2D(1)(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(10, activation="tanh", name="hidden")(x)
    x = layers.Dense(4, activation="softmax", name="classes")(x)
    model = keras.Model(entry, x)
    rng = np.random.default_rng(seed)
    model.set_weights([
        rng.uniform(0.5, 1.5, each.shape) if each.ndim == 1 else rng.normal(0, 0.3, each.shape)
        for each in model.get_weights()
    ])  # fmt: skip
    return model


def as_graph(model: Any, folder: Path) -> Graph:
    """The Keras model, read by the frontend."""
    model.save(folder / "model.keras")
    return read_keras(folder / "model.keras")


def images(samples: int, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(0, 1, (samples, *shape)).astype(np.float32)


def deaf(found: ChannelGroups, kept: Array) -> Graph:
    """The whole graph, with layers that ignore the inputs from removed bundles."""
    constants = dict(found.graph.constants)
    for node in found.graph.nodes:
        if mixes(node.op):
            weights = constants[node.inputs[1]]
            heard = kept[found.numbers[Axis(node.inputs[0], -1)]]
            constants[weights.name] = replace(weights, values=weights.values * heard)
    return replace(found.graph, constants=constants)
