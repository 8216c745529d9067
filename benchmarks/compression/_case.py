"""Common code of the compression benchmarks: trains a float model or takes a trained one,
compresses it to size targets like `tinycomp compress`, scores it once on the test half, builds it
for the emulated Cortex-M4 and verifies every byte of every tensor.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import SHARED
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.common.progress import Silent
from tinycomp.ir.tensor import Array
from tinycomp.options.build import BuildOptions, Optimize, PlanOptions, Preparation
from tinycomp.options.compress import CompressOptions, Targets
from tinycomp.pipeline import build
from tinycomp.recipes.compression import compress
from tinycomp.report.record import Report, StepRecord
from tinycomp.report.steps import step_line
from tinycomp.train.augment import Augmentation, deviations

SAMPLES = 3
"""Samples that the emulator computes."""


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    name: str
    """Name of the network and its data."""
    data: Callable[[Path], Mapping[str, Array]]
    """Loads x_train, y_train, x_test and y_test from the folder of evaluation data."""
    network: Callable[[tuple[int, ...]], Any] | str
    """Makes an untrained Keras model for samples of this shape; or the file name of a trained model
    in the folder of models.
    """
    epochs: int
    """Training epochs of the float model."""
    training: str
    """Options of the recipe's trainings, TOML."""
    steps: str
    """The recipe's steps, TOML."""
    targets: tuple[int | None, ...]
    """Bytes of constants on a Cortex-M4, for each point to reach; None: no limit, and the row
    compares work with that of the int8 model before.
    """
    augment: Mapping[str, float] = field(default_factory=dict)
    """Augmentation of all trainings, the float model's too."""
    rate: float = 0.002
    """Learning rate of AdamW for the float model, with cosine decay."""
    batch: int = 64
    """Samples per step of the float model's training."""
    optimize: Optimize = "flash"
    """The goal of the builds that are measured."""

    @property
    def recipe(self) -> str:
        """The TOML file."""
        augment = "".join(f"{name} = {json.dumps(value)}\n" for name, value in self.augment.items())
        return f"[training]\n{self.training}\n[training.augment]\n{augment}{self.steps}"


class Lines(TerminalProgress):
    """Prints a line for each epoch too, so that logs show them."""

    def status(self, text: str) -> None:
        """Print it."""
        super().status(text)
        print(text, flush=True)


def main(case: Case) -> None:
    """Run the case for each seed and target, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=case.name)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of data and models")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--targets", type=int, nargs="+", default=case.targets, help="bytes of constants"
    )
    parser.add_argument("--epochs", type=int, help="of every training; the recipe's by default")
    parser.add_argument("--output", type=Path, help="the .tflite file to write, of the last run")
    parser.add_argument("--float-epochs", type=int, default=case.epochs, help="of the float model")
    parser.add_argument("--models", type=Path, help="folder in which float models are kept")
    options = parser.parse_args()
    case = replace(case, epochs=options.float_epochs)
    arrays = case.data(options.shared / "data")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
            model, data = _given(case, arrays, seed, options, Path(folder))
            for target in options.targets:
                found = _run(case, model, data, target, seed, options)
                print(json.dumps(found), flush=True)


def _given(
    case: Case, arrays: Mapping[str, Array], seed: int, options: argparse.Namespace, folder: Path
) -> tuple[Path, Path]:
    """The files of the float model and of the data."""
    data = folder / "data.npz"
    np.savez(data, **arrays)
    if isinstance(case.network, str):
        return options.shared / "models" / case.network, data
    name = "_".join(re.findall("[a-z0-9]+", case.name.lower()))
    model = (options.models or folder) / f"{name}_{seed}_{case.epochs}.keras"
    if not model.exists():
        begin = time.monotonic()
        trained(case, arrays, seed, model)
        print(f"float model: {time.monotonic() - begin:.0f} s", flush=True)
    return model, data


def _run(
    case: Case, model: Path, data: Path, target: int | None, seed: int,
    options: argparse.Namespace,
) -> dict[str, Any]:  # fmt: skip
    recipe = data.with_name("recipe.toml")
    recipe.write_text(case.recipe)
    begin = time.monotonic()
    found = compress(
        CompressOptions(
            model, data, recipe=str(recipe), planning=PlanOptions(case.optimize),
            targets=Targets(target), seed=seed, epochs=options.epochs,
        ),
        Lines(),
        report,
    )  # fmt: skip
    middle = time.monotonic()
    assert found.real is not None
    assert found.small is not None
    last = found.steps[-1]
    small = options.output or data.with_name("small.tflite")
    small.write_bytes(found.prepared.tflite)
    built = verified(small, data, case.optimize)
    before = verified(model, data, case.optimize) if target is None else None
    return {
        "case": case.name, "date": time.strftime("%Y-%m-%d"), "seed": seed, "target": target,
        "float": round(found.real.value, 4), "int8_bytes": found.steps[0].constants,
        "validation": round(last.score or 0, 4), "accuracy": round(found.small.value, 4),
        "constants": built.flash.constants, "code": last.code,
        "bits": round(last.bits, 3), "non_zeros": last.non_zeros,
        "parameters": found.steps[0].parameters, "equal": all(each.equal for each in built.verify),
        "work": [_work(each) for each in (before, built) if each is not None],
        "seconds": [round(middle - begin), round(time.monotonic() - middle)],
    }  # fmt: skip


def _work(built: Report) -> dict[str, Any]:
    """Accuracy on the test half, and what an inference takes."""
    assert built.accuracy is not None
    assert built.accuracy.int8 is not None
    assert built.latency is not None
    return {
        "int8": round(built.accuracy.int8, 4), "macs": built.model.macs,
        built.latency.unit: built.latency.value, "constants": built.flash.constants,
        "arena": built.ram.arena,
    }  # fmt: skip


def verified(model: Path, data: Path, optimize: Optimize = "flash") -> Report:
    """The report of a build for the emulated Cortex-M4."""
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
        options = BuildOptions(
            Preparation(model, data), "cortex-m4", Path(folder) / "out", samples=SAMPLES,
            planning=PlanOptions(optimize),
        )  # fmt: skip
        return build(options, Silent())


def trained(case: Case, arrays: Mapping[str, Array], seed: int, path: Path) -> None:
    """Train the float model on the training half, and save it."""
    import keras

    assert callable(case.network)
    keras.utils.set_random_seed(seed)
    x, y = arrays["x_train"], arrays["y_train"]
    augment, unit, rng = Augmentation(**case.augment), deviations(x), np.random.default_rng(seed)
    model = case.network(x.shape[1:])
    steps = case.epochs * -(-len(x) // case.batch)
    rate = keras.optimizers.schedules.CosineDecay(case.rate, steps)
    model.compile(keras.optimizers.AdamW(rate, 1e-3), "sparse_categorical_crossentropy")
    for _ in range(case.epochs):
        model.fit(augment.apply(x, unit, rng), y, batch_size=case.batch, verbose=0)
    with warnings.catch_warnings():  # of Keras about NumPy 2
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save(path)


def report(record: StepRecord) -> None:
    """Print the record of a step."""
    print(step_line(record), flush=True)
