"""Image classification (ic.keras of MLPerf Tiny, a ResNet) on CIFAR-10 with 16,000 training images,
in 25,300 bytes: python -m benchmarks.compression.ic

ic.keras was trained on all 50,000 images, so its accuracy on held-out ones of the 16,000 is too
high; they only serve to choose options.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

TRAINING = """
batch = 64
imitation = 0.9
temperature = 4.0
validation = 0.0625
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 32
press = 0.4
"""


def data(folder: Path) -> Mapping[str, Array]:
    """Pixels from 0 to 255."""
    with np.load(folder / "cifar10.npz") as archive:
        x = {key: archive[key].astype(np.float32) for key in ("x_train", "x_test")}
        return {**x, **{key: archive[key] for key in ("y_train", "y_test")}}


CASE = Case(
    "ic.keras, CIFAR-10", data, "ic.keras", 0, TRAINING, STEPS, (25300,),
    augment={"shift": 3, "flip": True, "mixup": 0.3},
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
