"""A network that trains in a second, its data, and searches with it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.progress import Silent
from tinycomp.options.build import PlanOptions
from tinycomp.options.data import DataOptions
from tinycomp.options.search import COSTS, Limits, Plan, SearchOptions, Task
from tinycomp.recipe_search.halving import Finished
from tinycomp.recipe_search.results import Results
from tinycomp.recipe_search.search import search

INPUTS = 32


@dataclass(frozen=True)
class Files:
    """A trained classifier of vectors, its data, and another model and other data."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model.keras"

    @property
    def data(self) -> Path:
        return self.folder / "data.npz"

    def options(
        self, output: Path, *, candidates: int = 4, epochs: int = 3, limits: Limits | None = None,
        model: Path | None = None, data: Path | None = None, board: str = "host", **others: Any,
    ) -> SearchOptions:  # fmt: skip
        task = Task(
            model or self.model, data or self.data, board, DataOptions(), PlanOptions("flash")
        )
        plan = Plan(candidates, epochs, COSTS, limits or Limits())
        return SearchOptions(task, plan, output, **others)


def write_files(folder: Path) -> Files:
    import keras

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    x = (rng.normal(0, 1, (400, INPUTS)) + 0.6 * (2 * y[:, None] - 1)).astype(np.float32)
    y[::17] = 1 - y[::17]  # mistakes, so that nothing is right about all samples
    for name, width in (("model", 48), ("other", 24)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((INPUTS,)),
                keras.layers.Dense(width, activation="relu"),
                keras.layers.Dense(2, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x[:300], y[:300], epochs=4, verbose=0)
        with warnings.catch_warnings():  # of Keras about NumPy 2
            warnings.simplefilter("ignore", DeprecationWarning)
            model.save(folder / f"{name}.keras")
    arrays = {"x_train": x[:300], "y_train": y[:300], "x_test": x[300:], "y_test": y[300:]}
    np.savez(folder / "data.npz", **arrays)
    np.savez(folder / "other.npz", **{**arrays, "x_train": x[:300] * 1.5})
    return Files(folder)


def run(options: SearchOptions) -> tuple[Results, list[Finished]]:
    """The results, and the candidates that were reported."""
    told: list[Finished] = []
    return search(options, Silent(), told.append), told
