"""Common code of the compression benchmarks: trains a float model, compresses it to a size target
like `tinycomp compress`, and scores it once on the test half.
"""

from __future__ import annotations

import argparse
import json
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
from tinycomp.ir.tensor import Array
from tinycomp.recipes.compression import CompressOptions, compress
from tinycomp.recipes.targets import Targets
from tinycomp.report.steps import StepRecord, step_line
from tinycomp.train.augment import Augmentation, deviations


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    name: str
    """Name of the network and its data."""
    data: Callable[[Path], Mapping[str, Array]]
    """Loads x_train, y_train, x_test and y_test from the folder of evaluation data."""
    network: Callable[[tuple[int, ...]], Any]
    """Makes an untrained Keras model for samples of this shape."""
    epochs: int
    """Training epochs of the float model."""
    training: str
    """Options of the recipe's trainings, TOML."""
    steps: str
    """The recipe's steps, TOML."""
    target: int
    """Bytes of constants on a Cortex-M4."""
    augment: Mapping[str, float] = field(default_factory=dict)
    """Augmentation of all trainings, the float model's too."""
    rate: float = 0.002
    """Learning rate of AdamW for the float model, with cosine decay."""
    batch: int = 64
    """Samples per step of the float model's training."""

    @property
    def recipe(self) -> str:
        """The TOML file."""
        augment = "".join(f"{name} = {value}\n" for name, value in self.augment.items())
        return f"[training]\n{self.training}\n[training.augment]\n{augment}{self.steps}"


def main(case: Case) -> None:
    """Run the case for each seed, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=case.name)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--target", type=int, default=case.target, help="bytes of constants")
    parser.add_argument("--epochs", type=int, help="of every training; the recipe's by default")
    parser.add_argument("--output", type=Path, help="the .tflite file to write, of the last seed")
    parser.add_argument("--float-epochs", type=int, default=case.epochs, help="of the float model")
    options = parser.parse_args()
    case = replace(case, epochs=options.float_epochs)
    arrays = case.data(options.shared / "data")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
            print(json.dumps(_run(case, arrays, Path(folder), seed, options)), flush=True)


def _run(
    case: Case, arrays: Mapping[str, Array], folder: Path, seed: int, options: argparse.Namespace
) -> dict[str, Any]:
    model, data, recipe = folder / "model.keras", folder / "data.npz", folder / "recipe.toml"
    np.savez(data, **arrays)
    recipe.write_text(case.recipe)
    begin = time.monotonic()
    trained(case, arrays, seed, model)
    middle = time.monotonic()
    found = compress(
        CompressOptions(
            model, data, recipe=str(recipe), targets=Targets(options.target), seed=seed,
            epochs=options.epochs,
        ),
        TerminalProgress(),
        _report,
    )  # fmt: skip
    assert found.real is not None
    assert found.small is not None
    last = found.steps[-1]
    if options.output is not None:
        options.output.write_bytes(found.prepared.tflite)
    return {
        "case": case.name, "date": time.strftime("%Y-%m-%d"), "seed": seed,
        "float": round(found.real.value, 4), "int8_bytes": found.steps[0].constants,
        "validation": round(last.score or 0, 4), "accuracy": round(found.small.value, 4),
        "constants": last.constants, "code": last.code,
        "bits": round(last.bits, 3), "non_zeros": last.non_zeros,
        "parameters": found.steps[0].parameters,
        "seconds": [round(middle - begin), round(time.monotonic() - middle)],
    }  # fmt: skip


def trained(case: Case, arrays: Mapping[str, Array], seed: int, path: Path) -> None:
    """Train the float model on the training half, and save it."""
    import keras

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


def _report(record: StepRecord) -> None:
    print(step_line(record), flush=True)
