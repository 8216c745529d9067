"""Handwritten digits, from training to a verified library: python examples/digits/digits.py

scikit-learn's 1,797 images of 8 x 8 pixels, of which every fifth is for the test.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits

import tinycomp


def halves() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Images (samples, 8, 8, 1) from 0 to 1 and digits, to train on and to test on."""
    found = load_digits()
    x = (found.images[..., np.newaxis] / 16).astype(np.float32)
    test = np.arange(len(x)) % 5 == 4
    return (x[~test], found.target[~test]), (x[test], found.target[test])


def network() -> keras.Model:
    """Two convolutions and a classifier."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def main() -> None:
    """Train, build with and without codebooks, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--board", default="host")
    parser.add_argument("-o", "--output", type=Path, default=Path("digits-out"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    train, test = halves()
    model = network()
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    model.fit(*train, epochs=options.epochs, batch_size=64, verbose=0)

    plain = tinycomp.build(model, (train, test), board=options.board)
    small = tinycomp.build(model, (train, test), board=options.board, codebook_bits=4)
    print(f"float: {plain.report.accuracy.float:.1%}")
    for name, build in (("int8", plain), ("codebooks", small)):
        print(f"{name}: {build.report.accuracy.int8:.1%}, {build.report.flash.total} bytes")
    print(f"Wrote {small.save(options.output)}")


if __name__ == "__main__":
    main()
