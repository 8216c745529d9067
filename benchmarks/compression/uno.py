"""An MNIST CNN on an Arduino UNO (2 KB of RAM, 32 KB of flash), verified on the emulated
ATmega328P, its cycles counted: python -m benchmarks.compression.uno

A larger CNN is the teacher. The small one is trained, imitates the teacher on augmented images, and
then once more with int8 weights and activations.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import SHARED
from benchmarks.compression._case import Case, Lines, report, trained
from benchmarks.compression.lenet_300_100 import data
from tinycomp.common.progress import Silent
from tinycomp.options.build import BuildOptions, PlanOptions, Preparation
from tinycomp.options.compress import CompressOptions
from tinycomp.pipeline import build
from tinycomp.recipes.compression import compress
from tinycomp.report.record import Report

BOARD, SAMPLES = "uno", 3
AUGMENT = {"shift": 1, "rotate": 10, "crop": 0.9}
TRAINING = """
batch = 128
imitation = 0.7
temperature = 3.0
validation = 0.05
"""
STEPS = """
[[steps]]
technique = "fine_tune"
epochs = 24

[[steps]]
technique = "int8"
epochs = 8
rate = 0.004
"""


def _convolution(channels: int, window: int, stride: int = 1) -> list[Any]:
    from keras import layers

    return [
        layers.Conv2D(channels, window, strides=stride, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
    ]


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions; the first one shrinks the image before there are channels."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            *_convolution(8, 5, 2),
            *_convolution(16, 3, 2),
            *_convolution(32, 3),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def teacher(shape: tuple[int, ...]) -> Any:
    """Three wider convolutions with pooling."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input(shape),
            *_convolution(16, 5),
            layers.MaxPooling2D(2),
            *_convolution(32, 5),
            layers.MaxPooling2D(2),
            *_convolution(64, 3),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )


CASE = Case("MNIST on uno", data, network, 10, TRAINING, STEPS, (), augment=AUGMENT, batch=128)
TEACHER = replace(CASE, name="MNIST, teacher", network=teacher, epochs=6)


def built(model: Path, arrays: Path) -> Report:
    """The report of a build for the board: the whole test half, and what the emulator says."""
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
        options = BuildOptions(
            Preparation(model, arrays), BOARD, Path(folder) / "out", samples=SAMPLES,
            planning=PlanOptions("ram"),
        )  # fmt: skip
        return build(options, Silent())


def main() -> None:
    """Print a line of JSON for each seed."""
    parser = argparse.ArgumentParser(description=CASE.name)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--models", type=Path, help="folder in which float models are kept")
    parser.add_argument("--output", type=Path, help="the .tflite file to write, of the last seed")
    options = parser.parse_args()
    arrays = data(options.shared / "data")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
            print(json.dumps(_run(arrays, Path(folder), seed, options)), flush=True)


def _run(arrays: Any, folder: Path, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    begin = time.monotonic()
    file, recipe = folder / "data.npz", folder / "recipe.toml"
    np.savez(file, **arrays)
    recipe.write_text(CASE.recipe)
    models = [(options.models or folder) / f"{name}_{seed}.keras" for name in ("uno", "teacher")]
    for case, path in zip((CASE, TEACHER), models, strict=True):
        if not path.exists():
            trained(case, arrays, seed, path)
            print(f"{case.name}: {time.monotonic() - begin:.0f} s", flush=True)
    wanted = CompressOptions(
        models[0], file, recipe=str(recipe), board=BOARD, planning=PlanOptions("ram"),
        teacher=models[1], seed=seed,
    )  # fmt: skip
    found = compress(wanted, Lines(), report)
    small = options.output or folder / "mnist.tflite"
    small.write_bytes(found.prepared.tflite)
    whole = built(small, file)
    assert found.real is not None
    assert whole.accuracy is not None
    assert whole.latency is not None
    return {
        "case": CASE.name, "date": time.strftime("%Y-%m-%d"), "seed": seed,
        "float": round(found.real.value, 4), "validation": round(found.steps[-1].score or 0, 4),
        "accuracy": round(whole.accuracy.int8 or 0, 4), "samples": whole.accuracy.samples,
        "macs": whole.model.macs, "parameters": whole.model.parameters,
        "flash": str(whole.flash), "ram": str(whole.ram),
        whole.latency.unit: whole.latency.value,
        "equal": [" = ".join(each.executions) for each in whole.verify if each.equal],
        "different": [each.difference for each in whole.verify if not each.equal],
        "seconds": round(time.monotonic() - begin),
    }  # fmt: skip


if __name__ == "__main__":
    main()
