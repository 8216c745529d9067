"""A small VGG with 2.5 times fewer multiply-accumulates and instructions, by removing channels and
training what is left to imitate it: python -m benchmarks.compression.vgg_channels

Six 3 x 3 convolutions of 24, 48 and 96 channels with batch normalization (after K. Simonyan and A.
Zisserman, "Very deep convolutional networks", ICLR 2015), 22 million multiply-accumulates.
"""

from __future__ import annotations

from typing import Any

from benchmarks.compression._case import Case, main
from benchmarks.compression.ic import data

CHANNELS = (24, 48, 96)
TRAINING = """
batch = 64
imitation = 0.9
temperature = 4.0
validation = 0.0625
rate = 0.02
normalize = true
"""
STEPS = """
[[steps]]
technique = "channels"
macs = 0.6
criterion = "taylor"
ranking = "global"
most = 0.4
multiple = 4
reconstruct = false
epochs = 4

[[steps]]
technique = "channels"
macs = 0.645
criterion = "taylor"
ranking = "global"
most = 0.4
multiple = 4
reconstruct = false
epochs = 44
"""


def network(shape: tuple[int, ...]) -> Any:
    """The network, for pixels from 0 to 255."""
    from keras import Input, Model, layers

    x = source = Input(shape)
    x = layers.Rescaling(1 / 64, offset=-2)(x)
    for channels in CHANNELS:
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return Model(source, layers.Dense(10, activation="softmax")(x))


CASE = Case(
    "VGG, fewer channels", data, network, 18, TRAINING, STEPS, (None,),
    augment={"shift": 3, "flip": True, "mixup": 0.3}, rate=0.003, optimize="speed",
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
