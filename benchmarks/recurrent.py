"""GRU and LSTM on real data: top-1 in float, with 8-bit states, and as tinycomp builds them.

`python -m benchmarks.recurrent ../shared/data [har_uci ...]` trains each network for a few minutes
on one thread, and prints a table.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression import fsdd, har, mitbih, sms_spam
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.oracle import run_float
from tinycomp.reference.simulate import simulate

UNITS = 16
SEED = 1
TRAINED, TESTED = 6000, 2000
"""The most samples of each half."""


@dataclass(frozen=True)
class Data:
    """A data set, and how long to train on it."""

    load: Callable[[Path], Mapping[str, Array]]
    """Its arrays, from the folder with the file."""
    epochs: int
    """Passes over the training half."""


DATA = {
    "har_uci": Data(har.data, 25),
    "mitbih": Data(mitbih.data, 12),
    "fsdd": Data(fsdd.data, 30),
    "sms_spam": Data(sms_spam.data, 10),
}
KEEP_BYTES = """
[layers."recurrent*"]
activations = 8
"""
"""A recipe: the state keeps 8 bits."""


def halves(data: Data, folder: Path) -> dict[str, Array]:
    """Samples (samples, steps, features) and labels, drawn without regard to their order."""
    arrays, rng = dict(data.load(folder)), np.random.default_rng(SEED)
    found = {}
    for half, most in (("train", TRAINED), ("test", TESTED)):
        rows = rng.permutation(len(arrays[f"x_{half}"]))[:most]
        x = arrays[f"x_{half}"][rows].astype(np.float32)
        found[f"x_{half}"] = x.reshape(*x.shape[:2], -1)
        found[f"y_{half}"] = arrays[f"y_{half}"][rows]
    return found


def trained(layer: str, arrays: Mapping[str, Array], epochs: int, path: Path) -> None:
    """Train a network of one recurrent layer, and save it."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(SEED)
    classes = int(arrays["y_train"].max()) + 1
    model: Any = keras.Sequential(
        [
            keras.Input(arrays["x_train"].shape[1:]),
            getattr(keras.layers, layer)(UNITS, name="recurrent"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    model.fit(arrays["x_train"], arrays["y_train"], 64, epochs, verbose=0)
    model.save(path)


def top_1(graph: Graph, arrays: Mapping[str, Array]) -> float:
    """Of the integer graph, on the test half."""
    outputs = simulate(graph, quantize_inputs(graph, arrays["x_test"]))[graph.outputs[0]]
    return float((outputs.argmax(axis=1) == arrays["y_test"]).mean())


def row(name: str, layer: str, arrays: Mapping[str, Array]) -> tuple[float, float, float, str]:
    """Top-1 in float, on 8 bits, as built, and the type of the states that are built."""
    with tempfile.TemporaryDirectory() as folder:
        path, data, recipe = (Path(folder) / each for each in ("net.keras", "net.npz", "8.toml"))
        trained(layer, arrays, DATA[name].epochs, path)
        np.savez(data, **arrays)
        recipe.write_text(KEEP_BYTES)
        ready = prepare(Preparation(path, data), Silent())
        bytes_only = prepare(Preparation(path, data, recipe=recipe), Silent())
    assert ready.float_tflite is not None
    (outputs,) = run_float(ready.float_tflite, arrays["x_test"]).values()
    real = float((outputs.argmax(axis=1) == arrays["y_test"]).mean())
    states = next(each for each in ready.graph.nodes if each.op.name == layer.lower()).outputs[0]
    return (
        real, top_1(bytes_only.graph, arrays), top_1(ready.graph, arrays),
        ready.graph.tensors[states].dtype,
    )  # fmt: skip


def main() -> None:
    """Print the table."""
    folder, *chosen = sys.argv[1:]
    print("| data | layer | float | 8-bit outputs of the layer | as built | type |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in chosen or DATA:
        arrays = halves(DATA[name], Path(folder))
        for layer in ("GRU", "LSTM"):
            real, coarse, built, dtype = row(name, layer, arrays)
            scores = " | ".join(f"{100 * each:.1f}" for each in (real, coarse, built))
            print(f"| {name} | {layer} | {scores} | {dtype} |", flush=True)


if __name__ == "__main__":
    main()
