"""Additional Keras networks, with random weights that keep activations from vanishing, and random
data for quantization.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 24

Model = Any
"""A keras.Model; Keras takes seconds to import, so functions import it."""


def mobilenet_v2() -> Model:
    """About 150 layers and 3.5 million parameters. No softmax: LiteRT's reference does not support
    1000 values.
    """
    import keras

    return keras.applications.MobileNetV2(
        (96, 96, 3), weights=None, classifier_activation=None, alpha=1.0
    )


def mobilenet_v1() -> Model:
    """A quarter of the original width, for ten classes."""
    import keras

    return keras.applications.MobileNet((96, 96, 3), alpha=0.25, weights=None, classes=10)


def resnet() -> Model:
    """Three residual blocks, two of them strided."""
    from keras import Input, Model, layers

    x = source = Input((32, 32, 3))
    x = _normalized(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)(x)
        y = layers.Conv2D(channels, 3, padding="same", use_bias=False)(_normalized(y))
        if stride > 1:
            x = layers.Conv2D(channels, 1, stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, layers.BatchNormalization()(y)]))
    x = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return Model(source, x)


def ds_cnn() -> Model:
    """A depthwise separable network for spectrograms of keywords."""
    from keras import Input, Model, layers

    x = source = Input((49, 10, 1))
    x = layers.Dropout(0.2)(_normalized(layers.Conv2D(64, (10, 4), 2, padding="same")(x)))
    for _ in range(4):
        x = _normalized(layers.DepthwiseConv2D(3, padding="same")(x))
        x = _normalized(layers.Conv2D(64, 1)(x))
    x = layers.Flatten()(layers.AveragePooling2D((25, 5))(layers.Dropout(0.4)(x)))
    return Model(source, layers.Dense(12, activation="softmax")(x))


def densenet_100() -> Model:
    """DenseNet-BC of 100 layers for images of 32 x 32: 152 nodes, most of them read by many."""
    from keras import Input, Model, layers

    growth, channels = 12, 24
    x = source = Input((32, 32, 3))
    x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
    for block in range(3):
        if block:
            channels //= 2
            x = layers.Conv2D(channels, 1, activation="relu")(x)
            x = layers.AveragePooling2D(2)(x)
        for _ in range(16):
            y = layers.Conv2D(4 * growth, 1, activation="relu")(x)
            y = layers.Conv2D(growth, 3, padding="same", activation="relu")(y)
            x = layers.Concatenate()([x, y])
            channels += growth
    x = layers.GlobalAveragePooling2D()(x)
    return Model(source, layers.Dense(10, activation="softmax")(x))


def _normalized(x: Any) -> Any:
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization()(x))


NETWORKS: dict[str, Callable[[], Model]] = {
    make.__name__: make for make in (mobilenet_v2, mobilenet_v1, resnet, ds_cnn, densenet_100)
}


def save(name: str, folder: Path) -> tuple[Path, Path]:
    """Write <name>.keras and <name>.npz; returns their paths."""
    rng = np.random.default_rng(0)
    paths = folder / f"{name}.keras", folder / f"{name}.npz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras and TensorFlow use deprecated parts of NumPy
        model = NETWORKS[name]()
        for layer in model.layers:
            _draw_weights(layer, rng)
        model.save(paths[0])
    x = rng.random((SAMPLES, *model.input_shape[1:]), np.float32)
    np.savez(paths[1], x=x, y=rng.integers(0, model.output_shape[-1], SAMPLES))
    return paths


def _draw_weights(layer: Any, rng: np.random.Generator) -> None:
    """Normally distributed weights with the variance of He et al. 2015: Keras's initial weights of
    depthwise layers are so small that a deep network's activations vanish.
    """
    weights = layer.get_weights()
    if weights and weights[0].ndim >= 2:
        depthwise = type(layer).__name__ == "DepthwiseConv2D"
        reads = weights[0].size // weights[0].shape[-2 if depthwise else -1]
        weights[0] = rng.standard_normal(weights[0].shape) * np.sqrt(2 / reads)
        layer.set_weights(weights)
