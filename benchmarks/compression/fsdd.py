"""A 2-D CNN on spoken digits, in 3,000 bytes: python -m benchmarks.compression.fsdd"""

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
epochs = 40
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """The official split: recordings 0 to 4 are the test half; features in units of ten."""
    with np.load(folder / "fsdd.npz") as archive:
        x, y, test = archive["mfcc"] / 10, archive["label"], archive["is_test"]
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions with batch normalization."""
    from keras import Input, Sequential, layers

    parts: list[Any] = [Input(shape)]
    for channels, strides in ((16, (2, 1)), (24, (2, 2)), (40, (2, 2))):
        parts += [
            layers.Conv2D(channels, 3, strides=strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.2),
        ]
    return Sequential(
        [*parts, layers.GlobalAveragePooling2D(), layers.Dense(10, activation="softmax")]
    )


if __name__ == "__main__":
    main(Case("fsdd, 2-D CNN", data, network, 30, STEPS, 3000))
