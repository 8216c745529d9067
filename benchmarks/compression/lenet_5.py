"""LeNet-5 as Caffe has it, on MNIST, in 6,900 bytes: python -m benchmarks.compression.lenet_5"""

from __future__ import annotations

from typing import Any

from benchmarks.compression._case import Case, main
from benchmarks.compression.lenet_300_100 import data

TRAINING = """
batch = 128
imitation = 0.5
temperature = 2.0
validation = 0.05
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 14
press = 0.4
"""


def network(shape: tuple[int, ...]) -> Any:
    """Caffe's LeNet-5: 431,080 parameters; ReLU only after the first dense layer."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            layers.Conv2D(20, 5),
            layers.MaxPooling2D(2),
            layers.Conv2D(50, 5),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(500, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


CASE = Case(
    "LeNet-5 (Caffe), MNIST", data, network, 5, TRAINING, STEPS, (6900, 4300), augment={"shift": 1},
    batch=128,
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
