"""A 1-D CNN on spoken digits (FSDD), in 3,000 bytes: python -m benchmarks.compression.fsdd"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

TRAINING = """
batch = 32
imitation = 0.5
temperature = 2.0
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 40
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """The official split: recordings 0 to 4 are the test half. Coefficients are standardized by the
    training half: the deviation of the first is a hundred times that of the last.
    """
    with np.load(folder / "fsdd.npz") as archive:
        x, y, test = archive["mfcc"][..., 0], archive["label"], archive["is_test"]
    mean, deviation = x[~test].mean(axis=(0, 1)), x[~test].std(axis=(0, 1))
    x = ((x - mean) / deviation).astype(np.float32)
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions along time, the coefficients as channels, with batch normalization."""
    from keras import Input, Sequential, layers

    parts: list[Any] = [Input(shape)]
    for channels, stride in ((24, 2), (32, 2), (32, 1)):
        parts += [
            layers.Conv1D(channels, 5, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.1),
        ]
    return Sequential(
        [
            *parts,
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )


CASE = Case(
    "fsdd, 1-D CNN", data, network, 40, TRAINING, STEPS, (3000,),
    augment={"time_shift": 4, "noise": 0.1}, rate=0.003, batch=32,
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
