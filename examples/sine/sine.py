"""The sine of an angle, from a network of 97 weights: python examples/sine/sine.py

The smallest program from training to C: a regression with one input and one output.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

import tinycomp


def samples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Angles from 0 to 2 pi, (count, 1), and their sines."""
    x = np.random.default_rng(seed).uniform(0, 2 * np.pi, (count, 1)).astype(np.float32)
    return x, np.sin(x)


def network() -> keras.Model:
    """Two small hidden layers."""
    return keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(1),
        ],
        name="sine",
    )


def main() -> None:
    """Train, build, and compare with the sine itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--board", default="host")
    parser.add_argument("-o", "--output", type=Path, default=Path("sine-out"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    train, test = samples(1000, seed=0), samples(200, seed=1)

    model = network()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(*train, epochs=options.epochs, batch_size=64, verbose=0)

    build = tinycomp.build(model, (train, test), board=options.board)
    x, y = test
    print(f"float error: {np.abs(model.predict(x, verbose=0) - y).mean():.4f}")
    print(f"int8 error: {np.abs(build.simulate(x) - y).mean():.4f}")
    print(f"arena: {build.report.ram.arena} bytes")
    print(f"Wrote {build.save(options.output)}")


if __name__ == "__main__":
    main()
