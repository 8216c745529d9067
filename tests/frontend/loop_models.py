"""Recurrent Keras models as TensorFlow converts them, with loops: python loop_models.py FOLDER.

NAME.tflite has TFLite's own operators alone, NAME.lists.tflite TensorFlow's lists of rows too, and
NAME.half.tflite weights in float16. The models of ONE_STEP have one row.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

STEPS, FEATURES = 7, 3
MODELS: dict[str, Callable[[Any], list[Any]]] = {
    "gru": lambda k: [k.GRU(6), k.Dense(2)],
    "gru_before": lambda k: [k.GRU(6, reset_after=False, return_sequences=True), k.Dense(2)],
    "simple_rnn": lambda k: [k.SimpleRNN(5, return_sequences=True), k.SimpleRNN(4)],
    "lstm": lambda k: [k.LSTM(6, return_sequences=True), k.LSTM(4, use_bias=False)],
    "bidirectional_gru": lambda k: [k.Bidirectional(k.GRU(5, return_sequences=True)), k.GRU(3)],
    "bidirectional_lstm": lambda k: [k.Conv1D(4, 2), k.Bidirectional(k.LSTM(4))],
    "relu": lambda k: [
        k.SimpleRNN(5, activation="relu", return_sequences=True),
        k.LSTM(4, activation="relu", return_sequences=True),
        k.GRU(3, activation="sigmoid", recurrent_activation="relu6"),
    ],
    "linear": lambda k: [k.GRU(5, return_sequences=True), k.GRU(3, activation="linear")],
    "elu": lambda k: [k.SimpleRNN(5, activation="elu")],
}
"""Layers by name; the last one is none that tinycomp has."""
ONE_STEP: dict[str, Callable[[Any], list[Any]]] = {
    "one_step": lambda k: [
        k.LSTM(6), k.RepeatVector(1), k.LSTM(4, return_sequences=True),
        k.TimeDistributed(k.Dense(3)),
    ],
}  # fmt: skip
"""Where there is one row, converters leave out what swaps time and the batch."""


def main(folder: Path) -> None:
    import keras
    import tensorflow as tf

    for name, layers in {**MODELS, **ONE_STEP}.items():
        steps = STEPS if name in MODELS else 1
        source = keras.Input((steps, FEATURES), batch_size=1)
        model = keras.Sequential([source, *layers(keras.layers)])
        rng = np.random.default_rng(1)
        for weight in model.weights:
            weight.assign(rng.normal(0, 0.5, weight.shape))
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        (folder / f"{name}.tflite").write_bytes(converter.convert())
        if name in ("lstm", *ONE_STEP):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
            (folder / f"{name}.half.tflite").write_bytes(converter.convert())
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS,
        ]  # fmt: skip
        converter._experimental_lower_tensor_list_ops = False
        (folder / f"{name}.lists.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
