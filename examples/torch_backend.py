"""Trains a model smaller with PyTorch as the backend of Keras: python examples/torch_backend.py

The same program works with another backend: KERAS_BACKEND=jax python examples/torch_backend.py.
With PyTorch, batches come from a torch DataLoader. Half of the channels are taken out, and what is
left is trained with weights and activations of int8.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from sklearn.datasets import load_digits

from tinycomp.reading import read_model
from tinycomp.reference.oracle import run_fast
from tinycomp.techniques import Channels, Samples
from tinycomp.train import Int8, export_int8, trainable

BATCH = 64


def batches(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """What `fit` is given: a DataLoader of torch, or arrays."""
    if keras.backend.backend() != "torch":
        return {"x": x, "y": y, "batch_size": BATCH}
    import torch

    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    return {"x": torch.utils.data.DataLoader(data, BATCH, shuffle=True), "shuffle": False}


def main() -> None:
    """Train, compress, test and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="of each training")
    parser.add_argument("-o", "--output", type=Path, default=Path("digits.tflite"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    found = load_digits()
    x, y = (found.images[..., np.newaxis] / 16).astype(np.float32), found.target.astype(np.int64)
    test = np.arange(len(x)) % 5 == 4
    train, labels = x[~test], y[~test]
    print(f"backend: {keras.backend.backend()}")

    # 1. An ordinary Keras model, saved as one.
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(**batches(train, labels), epochs=options.epochs, verbose=0)
    right = model.predict(x[test], verbose=0).argmax(axis=1) == y[test]
    print(f"float: {right.mean():.1%}")
    whole = options.output.with_suffix(".keras")
    model.save(whole)

    # 2. Half of its channels leave: a float graph in, a float graph out.
    graph = read_model(whole)
    narrow = Channels(fraction=0.5, criterion="l2").apply(graph, Samples(train[:300]))
    print(f"multiply-accumulates: {graph.cost().macs:,} -> {narrow.cost().macs:,}")

    # 3. A keras.Model of the chosen backend, trained under constraints.
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    small = trainable(narrow, [Int8()], train[:300], logits=True)
    small.compile(keras.optimizers.Adam(0.005), logits)
    small.fit(**batches(train, labels), epochs=options.epochs, verbose=0)

    # 4. A standard int8 .tflite; `tinycomp build` makes C of it.
    options.output.write_bytes(export_int8(small, train[:300]))
    int8 = read_model(options.output)
    quantization = int8.tensors[int8.inputs[0]].quantization
    bytes_in = np.rint(x[test] / quantization.scale) + quantization.zero_point
    outputs = run_fast(options.output.read_bytes(), np.clip(bytes_in, -128, 127).astype(np.int8))
    print(f"int8: {(outputs.argmax(axis=1) == y[test]).mean():.1%}")
    print(f"Wrote {options.output}: tinycomp build {options.output} -o out")


if __name__ == "__main__":
    main()
