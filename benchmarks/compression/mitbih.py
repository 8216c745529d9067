"""A 1-D CNN on MIT-BIH's beats, patients apart, in 2,000 bytes:
python -m benchmarks.compression.mitbih
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

STEPS = """
[training]
batch = 128
imitation = 0.5
temperature = 2.0

[[steps]]
technique = "rate"
epochs = 12
press = 0.7
"""


def data(folder: Path) -> Mapping[str, Array]:
    """Millivolts."""
    with np.load(folder / "mitbih.npz") as archive:
        found = {key: archive[key] for key in ("y_train", "y_test")}
        for key in ("x_train", "x_test"):
            found[key] = (archive[key][..., np.newaxis] / 200).astype(np.float32)
    return found


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            layers.Conv1D(16, 7, strides=2, padding="same", activation="relu"),
            layers.Conv1D(24, 7, strides=2, padding="same", activation="relu"),
            layers.Conv1D(32, 7, strides=2, padding="same", activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(5, activation="softmax"),
        ]
    )


if __name__ == "__main__":
    main(Case("mitbih, 1-D CNN", data, network, 6, STEPS, 2000))
