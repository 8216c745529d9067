"""A machine that sounds different from usual: python examples/anomaly/anomaly.py

An autoencoder learns the spectra of a healthy machine, and reconstructs others badly. The spectra
are made here: a fan's tone with its harmonics, whose speed varies; a damaged bearing adds a tone
between them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np

import tinycomp

BANDS = 32


def spectra(count: int, damaged: bool, seed: int) -> np.ndarray:
    """Levels of 32 bands, (count, 32), around 0 to 1."""
    rng = np.random.default_rng(seed)
    bands = np.arange(BANDS)
    speed = rng.uniform(3.5, 4.5, (count, 1))
    levels = sum(np.exp(-((bands - k * speed) ** 2)) / k for k in range(1, 5))
    if damaged:
        place = rng.uniform(2.4, 2.7, (count, 1)) * speed
        levels = levels + rng.uniform(0.4, 0.8, (count, 1)) * np.exp(-((bands - place) ** 2))
    return (levels + rng.normal(0, 0.03, (count, BANDS))).astype(np.float32)


def network() -> keras.Model:
    """32 levels through a waist of 4 values."""
    layers = [
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(4, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(BANDS),
    ]
    return keras.Sequential([keras.Input((BANDS,)), *layers], name="anomaly")


def area_under_curve(healthy: np.ndarray, damaged: np.ndarray) -> float:
    """How often a damaged machine has the larger error of two, which needs no threshold."""
    return float((damaged[:, np.newaxis] > healthy).mean())


def main() -> None:
    """Train on healthy machines, build, and tell both kinds apart by the library's outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--board", default="host")
    parser.add_argument("-o", "--output", type=Path, default=Path("anomaly-out"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    x, healthy, damaged = spectra(2000, False, 0), spectra(300, False, 1), spectra(300, True, 2)
    model = network()
    model.compile(keras.optimizers.Adam(0.003), "mse")
    model.fit(x, x, epochs=options.epochs, batch_size=64, verbose=0)

    build = tinycomp.build(model, {"x_train": x, "x_test": healthy}, board=options.board)

    def errors(levels: np.ndarray) -> np.ndarray:
        return ((build.simulate(levels) - levels) ** 2).mean(axis=1)

    threshold = np.quantile(errors(x[:500]), 0.99)
    print(f"area under curve: {area_under_curve(errors(healthy), errors(damaged)):.1%}")
    print(f"false alarms: {(errors(healthy) > threshold).mean():.1%}")
    print(f"found: {(errors(damaged) > threshold).mean():.1%}")
    print(f"Wrote {build.save(options.output)}")


if __name__ == "__main__":
    main()
