"""What a person does, from an accelerometer: python examples/activity/activity.py

Two seconds of three axes at 25 Hz. The motion is made here: gravity from a random side, and steps
whose rate and strength depend on the activity.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

import tinycomp

ROWS, AXES, RATE = 50, 3, 25.0
ACTIVITIES = ("rest", "walk", "run")
STEPS = ((0.0, 0.0), (1.8, 0.35), (2.8, 1.2))
"""Steps a second and their strength in g."""


def windows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Accelerations in g, (count, 50, 3), and activities."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(ACTIVITIES), count)
    side = rng.normal(0, 1, (count, 1, AXES))
    side /= np.linalg.norm(side, axis=2, keepdims=True)
    rate, strength = np.array(STEPS)[y].T[..., np.newaxis] * rng.uniform(0.8, 1.2, (2, count, 1))
    phase = 2 * np.pi * (rate * np.arange(ROWS) / RATE + rng.uniform(0, 1, (count, 1)))
    bounce = strength * (np.sin(phase) + 0.4 * np.sin(2 * phase))
    x = side * (1 + bounce[..., np.newaxis]) + rng.normal(0, 0.08, (count, ROWS, AXES))
    return x.astype(np.float32), y


def network() -> keras.Model:
    """Convolutions over time."""
    return keras.Sequential(
        [
            keras.Input((ROWS, AXES)),
            keras.layers.Conv1D(12, 5, strides=2, activation="relu"),
            keras.layers.Conv1D(16, 5, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(len(ACTIVITIES), activation="softmax"),
        ],
        name="activity",
    )


def main() -> None:
    """Train, build, and test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--board", default="host")
    parser.add_argument("-o", "--output", type=Path, default=Path("activity-out"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = windows(2000, seed=0), windows(500, seed=1)
    model = network()
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=options.epochs, batch_size=64, verbose=0)

    data = {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
    build = tinycomp.build(model, {**data, "class_names": list(ACTIVITIES)}, board=options.board)
    print(f"float: {build.report.accuracy.float:.1%}")
    print(f"int8: {build.report.accuracy.int8:.1%}")
    print(f"arena: {build.report.ram.arena} bytes")
    print(f"Wrote {build.save(options.output)}")


if __name__ == "__main__":
    main()
