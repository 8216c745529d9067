"""LeNet-300-100 on MNIST, in 7,600 bytes: python -m benchmarks.compression.lenet_300_100"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

TRAINING = """
batch = 256
imitation = 0.5
temperature = 2.0
validation = 0.05
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 20
press = 0.4
"""


def data(folder: Path) -> Mapping[str, Array]:
    """Grey levels of 0 to 1, as images, so that they can be shifted."""
    with np.load(folder / "mnist.npz") as archive:
        x = {key: archive[key][..., np.newaxis] for key in ("x_train", "x_test")}
        y = {key: archive[key] for key in ("y_train", "y_test")}
    return {**{key: (value / 255).astype(np.float32) for key, value in x.items()}, **y}


def network(shape: tuple[int, ...]) -> Any:
    """Y. LeCun's, with ReLU as S. Han et al. have it, and dropout."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            layers.Flatten(),
            layers.Dense(300, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(100, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(10, activation="softmax"),
        ]
    )


CASE = Case(
    "LeNet-300-100, MNIST", data, network, 20, TRAINING, STEPS, (7600,), augment={"shift": 1},
    batch=128,
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
