"""Small int8 models as TensorFlow converts them: python converter_models.py FOLDER [NAME]."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

IMAGE, SIGNAL = (6, 8, 4), (8, 6)
Function = Callable[[Any, Any], Any]
"""A function of tensorflow and the input, which includes the batch axis."""


def _halves(tf: Any, x: Any) -> Any:
    first, second = tf.split(x, 2, axis=-1)
    return tf.concat([second, first], axis=1)


def _uneven(tf: Any, x: Any) -> Any:
    first, second, third = tf.split(x, [1, 2, 3], axis=2)
    return tf.concat([third, second, first], axis=2)


def _prelu(tf: Any, x: Any) -> Any:
    slopes = tf.constant(_numbers((1, 1, 4)))
    return tf.nn.relu(x) + -slopes * tf.nn.relu(-x)


def _transposed(
    kernel: tuple[int, int], strides: tuple[int, int], size: tuple[int, int], padding: str
) -> Function:
    def run(tf: Any, x: Any) -> Any:
        weights = _numbers((*kernel, 3, 4))
        return tf.nn.conv2d_transpose(x, weights, (1, *size, 3), strides, padding)

    return run


def _attention(tf: Any, x: Any) -> Any:
    """Two heads, as keras.layers.MultiHeadAttention computes them."""
    query, key, value = (
        tf.einsum("btd,dhe->bhte", x, tf.constant(_numbers((6, 2, 5)) * scale))
        for scale in (1, 2, 3)
    )
    scores = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / 20)
    mixed = tf.matmul(scores, value)
    return tf.einsum("bhte,hed->btd", mixed, tf.constant(_numbers((2, 5, 6))))


def _normalized(tf: Any, x: Any) -> Any:
    mean = tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=-1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-3) * _numbers((6,)) + _numbers((6,))


def _numbers(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(2).normal(0, 1, shape).astype(np.float32)


MODELS: dict[str, tuple[tuple[int, ...], Function]] = {
    "last_row": (SIGNAL, lambda tf, x: tf.nn.relu(x[:, -1])),
    "last_channel": (IMAGE, lambda tf, x: x[..., 2]),
    "strides": (IMAGE, lambda tf, x: x[:, 1::2, ::3, 1:]),
    "new_axis": (SIGNAL, lambda tf, x: x[:, 2:4, tf.newaxis, :3]),
    "slice": (IMAGE, lambda tf, x: tf.slice(x, [0, 1, 2, 0], [1, 3, -1, 4])),
    "reverse": (SIGNAL, lambda tf, x: tf.nn.relu(tf.reverse(x, [1, -1]))),
    "split": (IMAGE, _halves),
    "split_v": (SIGNAL, _uneven),
    "pack_last": (SIGNAL, lambda tf, x: tf.stack([x, tf.nn.relu(x)], axis=-1)),
    "transpose": (IMAGE, lambda tf, x: tf.transpose(x, [0, 3, 1, 2])),
    "batch_transpose": (SIGNAL, lambda tf, x: tf.nn.relu(tf.transpose(x, [1, 0, 2]))[2:5]),
    "tile": (SIGNAL, lambda tf, x: tf.tile(x, [1, 2, 3])),
    "repeat": ((5,), lambda tf, x: tf.tile(x[:, tf.newaxis], [1, 4, 1])),
    "gather": (IMAGE, lambda tf, x: tf.gather(x, [3, 0, 0, 2], axis=2)),
    "gather_square": (SIGNAL, lambda tf, x: tf.gather(x, [[3, 0], [1, 2]], axis=1)),
    "up_sampling": (IMAGE, lambda tf, x: tf.keras.layers.UpSampling2D((2, 3))(x)),
    "nearest": (IMAGE, lambda tf, x: tf.compat.v1.image.resize_nearest_neighbor(x, (9, 5))),
    "corners": (
        IMAGE,
        lambda tf, x: tf.compat.v1.image.resize_nearest_neighbor(x, (9, 5), align_corners=True),
    ),
    "space_to_depth": (IMAGE, lambda tf, x: tf.nn.space_to_depth(x, 2)),
    "depth_to_space": (IMAGE, lambda tf, x: tf.nn.depth_to_space(x, 2)),
    "add_column": (IMAGE, lambda tf, x: x + tf.nn.relu(x[:, :, :1])),
    "scale_places": (IMAGE, lambda tf, x: x * tf.nn.sigmoid(x[..., :1])),
    "outer": (SIGNAL, lambda tf, x: x[:, :, :1] * x[:, 2:3]),
    "subtract": (SIGNAL, lambda tf, x: tf.nn.relu(x) - x[:, 1:2]),
    "subtract_from": (SIGNAL, lambda tf, x: x[:, 1:2] - tf.nn.relu(x)),
    "constant_column": (SIGNAL, lambda tf, x: x + _numbers((8, 1))),
    "constant_rows": (SIGNAL, lambda tf, x: x[:, 3:4] * _numbers((8, 6))),
    "constant_minus": (SIGNAL, lambda tf, x: _numbers((6,)) - x),
    "maximum": (SIGNAL, lambda tf, x: tf.maximum(x, x[:, :1])),
    "squared_difference": (SIGNAL, lambda tf, x: tf.math.squared_difference(x, x[:, :1] / 3)),
    "abs": (SIGNAL, lambda tf, x: tf.abs(x) / 2),
    "sqrt": (SIGNAL, lambda tf, x: tf.sqrt(tf.nn.relu(x))),
    "rsqrt": (SIGNAL, lambda tf, x: tf.math.rsqrt(tf.nn.sigmoid(x))),
    "log": (SIGNAL, lambda tf, x: tf.math.log(tf.nn.sigmoid(x))),
    "negative": (SIGNAL, lambda tf, x: -x * tf.nn.sigmoid(x)),
    "square": (SIGNAL, lambda tf, x: tf.square(x) - tf.square(tf.nn.relu(x) / 3)),
    "divided": (SIGNAL, lambda tf, x: x / (_numbers((6,)) + 3)),
    "prelu": (IMAGE, _prelu),
    "bilinear": (IMAGE, lambda tf, x: tf.image.resize(x, (12, 8))),
    "bilinear_smaller": (IMAGE, lambda tf, x: tf.image.resize(x, (4, 5))),
    "bilinear_corners": (
        IMAGE,
        lambda tf, x: tf.compat.v1.image.resize_bilinear(x, (11, 15), align_corners=True),
    ),
    "grouped": (IMAGE, lambda tf, x: tf.nn.conv2d(x, _numbers((3, 2, 2, 6)), 1, "SAME")),
    "grouped_by_one": (IMAGE, lambda tf, x: tf.nn.conv2d(x, _numbers((3, 2, 1, 8)), 2, "VALID")),
    "transposed": (IMAGE, _transposed((3, 3), (2, 2), (12, 16), "SAME")),
    "transposed_packed": (IMAGE, _transposed((2, 2), (2, 2), (12, 16), "VALID")),
    "transposed_valid": (IMAGE, _transposed((4, 3), (2, 2), (14, 17), "VALID")),
    "transposed_uneven": (IMAGE, _transposed((5, 2), (1, 3), (6, 24), "SAME")),
    "matmul": (SIGNAL, lambda tf, x: tf.matmul(x, tf.nn.relu(x), transpose_b=True)),
    "matmul_first": (IMAGE, lambda tf, x: tf.matmul(x, tf.nn.relu(x), transpose_a=True)),
    "attention": (SIGNAL, _attention),
    "layer_normalization": (SIGNAL, _normalized),
    "mean_channels": (IMAGE, lambda tf, x: tf.reduce_mean(x, axis=-1)),
    "mean_width": (IMAGE, lambda tf, x: tf.reduce_mean(x, axis=2, keepdims=True)),
    "mean_apart": (IMAGE, lambda tf, x: tf.reduce_mean(x, axis=[1, 3])),
    "mean_apart_kept": (IMAGE, lambda tf, x: tf.reduce_mean(x, axis=[1, 3], keepdims=True)),
    "mean_all": (IMAGE, lambda tf, x: tf.reduce_mean(x, axis=[0, 1, 2, 3], keepdims=True)),
    "max_rows": (SIGNAL, lambda tf, x: tf.reduce_max(x, axis=1)),
    "max_all": (SIGNAL, lambda tf, x: tf.reduce_max(x, axis=[1, 2])),
    "min_channels": (IMAGE, lambda tf, x: tf.reduce_min(x, axis=-1)),
    "min_image": (IMAGE, lambda tf, x: tf.reduce_min(x, axis=[1, 2], keepdims=True)),
}  # fmt: skip
"""Input shape and function by name."""


def convert(name: str, floating: bool) -> bytes:
    """The model's float file, or its int8 file with int8 ends, calibrated on random inputs."""
    import tensorflow as tf

    shape, function = MODELS[name]
    concrete = tf.function(lambda x: function(tf, x)).get_concrete_function(
        tf.TensorSpec((1, *shape), tf.float32)
    )
    rng = np.random.default_rng(5)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    if floating:
        return bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [rng.normal(0, 2, (1, *shape)).astype(np.float32)] for _ in range(30)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main(folder: Path, *names: str) -> None:
    for name in names or MODELS:
        (folder / f"{name}.tflite").write_bytes(convert(name, False))
        (folder / f"{name}.float.tflite").write_bytes(convert(name, True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
