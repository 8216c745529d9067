"""A 1-D CNN on UCI HAR's inertial signals, in 2,200 bytes: python -m benchmarks.compression.har"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

STEPS = """
[training]
batch = 32
imitation = 0.5
temperature = 2.0

[[steps]]
technique = "rate"
epochs = 60
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """As the file has them."""
    with np.load(folder / "har_uci.npz") as archive:
        return {key: archive[key] for key in ("x_train", "y_train", "x_test", "y_test")}


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions, each half as long as the one before."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            layers.Conv1D(24, 5, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.1),
            layers.Conv1D(32, 5, strides=2, padding="same", activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1D(48, 5, strides=2, padding="same", activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(6, activation="softmax"),
        ]
    )


if __name__ == "__main__":
    main(Case("har_uci, 1-D CNN", data, network, 40, STEPS, 2200))
