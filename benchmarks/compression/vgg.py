"""Trains a small VGG on CIFAR-10, as the input of structure.py.

    python -m benchmarks.compression.vgg cifar10.npz vgg.keras [--epochs N] [--seed N]

Six 3 x 3 convolutions of 24, 48 and 96 channels with batch normalization (after K. Simonyan and A.
Zisserman, "Very deep convolutional networks", ICLR 2015), 22 million multiply-accumulates. A tenth
of the training half is held out; the test half is not read. About 30 seconds per epoch on 2 idle
cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.ir.tensor import Array
from tinycomp.train.schedule import split

CHANNELS = (24, 48, 96)


def network() -> Any:
    """The network, for pixels from 0 to 255."""
    from keras import Input, Model, layers

    x = source = Input((32, 32, 3))
    x = layers.Rescaling(1 / 64, offset=-2)(x)
    for channels in CHANNELS:
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return Model(source, layers.Dense(10, activation="softmax")(x))


def augmented(images: Array, rng: np.random.Generator) -> Array:
    """Images mirrored at random and shifted by up to four pixels, repeating the border."""
    count, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), "edge")
    rows, columns = rng.integers(0, 9, (2, count))
    flipped = rng.random(count) < 0.5
    return np.stack([
        padded[n, y : y + height, x : x + width][:, :: -1 if flip else 1]
        for n, (y, x, flip) in enumerate(zip(rows, columns, flipped, strict=True))
    ])  # fmt: skip


def main() -> None:
    """Train, and save after each epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    import keras

    keras.utils.set_random_seed(given.seed)
    with np.load(given.data) as archive:
        x, y = archive["x_train"].astype(np.float32), archive["y_train"].astype(np.int32)
    rows, held = split(len(x), 0.1, given.seed)
    model = network()
    steps = given.epochs * -(-len(rows) // 64)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps), 1e-3),
        "sparse_categorical_crossentropy", metrics=["accuracy"],
    )  # fmt: skip
    rng = np.random.default_rng(given.seed)
    for epoch in range(given.epochs):
        model.fit(augmented(x[rows], rng), y[rows], batch_size=64, verbose=0)
        _, accuracy = model.evaluate(x[held], y[held], batch_size=256, verbose=0)
        print(f"epoch {epoch + 1}: {accuracy:.2%} of the held-out images", flush=True)
        model.save(given.model)


if __name__ == "__main__":
    main()
