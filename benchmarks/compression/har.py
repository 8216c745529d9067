"""A 1-D CNN on UCI HAR's inertial signals, in 2,200 bytes: python -m benchmarks.compression.har

The training half's samples of one person lie together, so the last ones of the file validate: other
people than those that are trained on, as in the test half.
"""

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
validation = 0.05
hold_out = "last"
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 60
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """The arrays of the file, unchanged."""
    with np.load(folder / "har_uci.npz") as archive:
        return {key: archive[key] for key in ("x_train", "y_train", "x_test", "y_test")}


def network(shape: tuple[int, ...]) -> Any:
    """Two convolutions that look at a fifth of a second and a whole one, with batch
    normalization.
    """
    from keras import Input, Sequential, layers

    parts: list[Any] = [Input(shape)]
    for channels, stride in ((24, 4), (32, 4)):
        parts += [
            layers.Conv1D(channels, 9, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.1),
        ]
    return Sequential(
        [
            *parts,
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(6, activation="softmax"),
        ]
    )


CASE = Case(
    "har_uci, 1-D CNN", data, network, 60, TRAINING, STEPS, (2200,),
    augment={"time_shift": 16, "noise": 0.2},
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
