"""A 1-D CNN on MIT-BIH's beats, with separate patients for training and test, in 2,000 bytes:
python -m benchmarks.compression.mitbih
"""

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
hold_out = "last"
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 8
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """Samples in millivolts."""
    with np.load(folder / "mitbih.npz") as archive:
        found = {key: archive[key] for key in ("y_train", "y_test")}
        for key in ("x_train", "x_test"):
            found[key] = (archive[key][..., np.newaxis] / 200).astype(np.float32)
    return found


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions with batch normalization."""
    from keras import Input, Sequential, layers

    parts: list[Any] = [Input(shape)]
    for channels in (12, 20, 32):
        parts += [
            layers.Conv1D(channels, 9, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    return Sequential(
        [
            *parts,
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(5, activation="softmax"),
        ]
    )


CASE = Case(
    "mitbih, 1-D CNN", data, network, 8, TRAINING, STEPS, (2000,),
    augment={"time_shift": 4, "noise": 0.05}, batch=128,
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
