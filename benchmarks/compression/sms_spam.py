"""A character CNN on SMS spam, in 4,000 bytes: python -m benchmarks.compression.sms_spam

A message is 160 characters, each one of 45 symbols in one-hot form: the first convolution is an
embedding and a convolution in one, and the trainer compresses it like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789 .!?'/&$"
"""All others, non-ASCII ones too, are one further symbol; capitals are small letters; padding is no
symbol.
"""
TRAINING = """
batch = 32
imitation = 0.5
temperature = 2.0
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 20
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """Messages as one-hot characters (160, 45)."""
    with np.load(folder / "sms_spam.npz") as archive:
        texts = {key: archive[f"chars_{key[2:]}"] for key in ("x_train", "x_test")}
        labels = {key: archive[key] for key in ("y_train", "y_test")}
    return {**{key: one_hot(each) for key, each in texts.items()}, **labels}


def one_hot(texts: Array) -> Array:
    """ASCII codes, padded by 0, as float32 with a last axis of symbols."""
    codes = np.full(256, len(SYMBOLS), np.int64)
    for number, symbol in enumerate(SYMBOLS):
        codes[ord(symbol)] = codes[ord(symbol.upper())] = number
    codes[0] = len(SYMBOLS) + 1
    rows = np.eye(len(SYMBOLS) + 2, len(SYMBOLS) + 1, dtype=np.float32)
    return rows[codes[texts]]


def network(shape: tuple[int, ...]) -> Any:
    """Two convolutions with batch normalization, and the maximum over the message."""
    from keras import Input, Sequential, layers

    parts: list[Any] = [Input(shape)]
    for channels, window, stride in ((24, 7, 2), (32, 5, 2)):
        parts += [
            layers.Conv1D(channels, window, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.2),
        ]
    return Sequential(
        [
            *parts,
            layers.GlobalMaxPooling1D(),
            layers.Dropout(0.4),
            layers.Dense(2, activation="softmax"),
        ]
    )


CASE = Case(
    "sms_spam, character CNN", data, network, 12, TRAINING, STEPS, (4000,),
    augment={"time_shift": 8}, batch=32,
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
