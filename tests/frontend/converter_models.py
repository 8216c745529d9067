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
"""Of tensorflow and the input, with the batch axis."""


def _halves(tf: Any, x: Any) -> Any:
    first, second = tf.split(x, 2, axis=-1)
    return tf.concat([second, first], axis=1)


def _uneven(tf: Any, x: Any) -> Any:
    first, second, third = tf.split(x, [1, 2, 3], axis=2)
    return tf.concat([third, second, first], axis=2)


MODELS: dict[str, tuple[tuple[int, ...], Function]] = {
    "last_row": (SIGNAL, lambda tf, x: tf.nn.relu(x[:, -1])),
    "last_channel": (IMAGE, lambda tf, x: x[..., 2]),
    "strides": (IMAGE, lambda tf, x: x[:, 1::2, ::3, 1:]),
    "new_axis": (SIGNAL, lambda tf, x: x[:, 2:4, tf.newaxis, :3]),
    "slice": (IMAGE, lambda tf, x: tf.slice(x, [0, 1, 2, 0], [1, 3, -1, 4])),
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
}  # fmt: skip
"""By name: the input's shape, and what is computed of it."""


def convert(name: str) -> bytes:
    """The model's int8 file, with int8 ends, calibrated on random inputs."""
    import tensorflow as tf

    shape, function = MODELS[name]
    concrete = tf.function(lambda x: function(tf, x)).get_concrete_function(
        tf.TensorSpec((1, *shape), tf.float32)
    )
    rng = np.random.default_rng(5)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [rng.normal(0, 2, (1, *shape)).astype(np.float32)] for _ in range(30)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def main(folder: Path, *names: str) -> None:
    for name in names or MODELS:
        (folder / f"{name}.tflite").write_bytes(convert(name))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
