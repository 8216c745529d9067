"""What 16-bit activations give back: R2 of a regression in float, on int8 and on 16x8.

A network takes the flow in a pipe from two pressures of 0 to 200 kPa, whose difference is 2 kPa at
most: the flow grows with the difference, more slowly the larger it is. One of 256 steps of a
pressure is 0.8 kPa. `python -m benchmarks.sixteen_bits` takes seconds and prints a table.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tempfile
from pathlib import Path

import numpy as np

from tinycomp.common.progress import Silent
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.oracle import run_float, run_output

SAMPLES = 4096
RANGE, LARGEST = 200.0, 2.0
"""Of a pressure, and of a difference, in kPa."""
KNOTS = 0.5
"""Differences at which the flow begins to grow more slowly, in kPa."""


def readings(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Two pressures (count, 2), and the flow."""
    difference = rng.uniform(-LARGEST, LARGEST, count)
    first = rng.uniform(LARGEST, RANGE - LARGEST, count)
    size = np.abs(difference)
    flow = np.sign(difference) * (size - 0.5 * np.maximum(size - KNOTS, 0))
    x = np.stack([first, first - difference], axis=1)
    return x.astype(np.float32), flow.astype(np.float32)[:, None]


def made(folder: Path) -> tuple[Path, Path, Array, Array]:
    """Paths of the model and the data; test readings and targets."""
    import keras

    rng = np.random.default_rng(1)
    x, y = readings(rng, SAMPLES)
    test, targets = readings(rng, 1024)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    kernel = np.array([[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]])
    bends = np.array([[1.0], [-1.0], [-0.5], [0.5]])
    model.set_weights([kernel, np.array([0.0, 0.0, -KNOTS, -KNOTS]), bends, np.zeros(1)])
    path, data = folder / "flow.keras", folder / "flow.npz"
    model.save(path)
    np.savez(data, x_train=x, y_train=y, x_test=test, y_test=targets)
    return path, data, test, targets


def r2(found: Array, wanted: Array) -> float:
    """The coefficient of determination."""
    return float(1 - ((found - wanted) ** 2).sum() / ((wanted - wanted.mean()) ** 2).sum())


def main() -> None:
    """Print R2 of each."""
    with tempfile.TemporaryDirectory() as folder:
        path, data, x, y = made(Path(folder))
        rows: list[tuple[str, Array]] = []
        for bits in (8, 16):
            ready = prepare(Preparation(path, data, activations=bits), Silent())
            output = ready.graph.tensors[ready.graph.outputs[0]]
            assert ready.float_tflite is not None
            assert output.quantization is not None
            if not rows:
                (real,) = run_float(ready.float_tflite, x).values()
                rows.append(("float", real))
            stored = run_output(ready.tflite, quantize_inputs(ready.graph, x))
            rows.append((output.dtype, dequantize_values(stored, output.quantization)))
    print("| activations | R2 |")
    print("| --- | --- |")
    for name, found in rows:
        print(f"| {name} | {r2(found, y):.4f} |")


if __name__ == "__main__":
    main()
