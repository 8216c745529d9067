"""A 1-D CNN on MIT-BIH's beats, with separate patients for training and test, in 2,000 bytes:
python -m benchmarks.compression.mitbih

The network sees a beat and the R-R intervals before and after it, relative to those of the same
patient so far: whether a beat is early is not in its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression._case import Case, main
from tinycomp.ir.tensor import Array

TRAINING = """
batch = 256
imitation = 0.5
temperature = 2.0
hold_out = "last"
"""
STEPS = """
[[steps]]
technique = "rate"
epochs = 12
press = 0.4
"""


MEMORY = 20
"""Beats over which R-R intervals are averaged, with exponential weights."""
LONGEST = 2.5
"""Longer R-R intervals, relative to the average, count as this."""


def data(folder: Path) -> Mapping[str, Array]:
    """Samples in millivolts, without the median of their beat, and two channels of intervals."""
    found = {}
    with np.load(folder / "mitbih.npz") as archive:
        for half in ("train", "test"):
            beats = archive[f"x_{half}"] / 200
            beats -= np.median(beats, axis=1, keepdims=True)
            early = relative(archive[f"rr_{half}"], archive[f"record_{half}"])
            same = np.broadcast_to(early[:, np.newaxis], (*beats.shape, 2))
            x = np.concatenate([beats[..., np.newaxis], same], axis=-1)
            found |= {f"x_{half}": x.astype(np.float32), f"y_{half}": archive[f"y_{half}"]}
    return found


def relative(intervals: Array, records: Array) -> Array:
    """The intervals before and after each beat (beats, 2), relative to the average of those before
    the beats of the same record so far, minus 1.
    """
    found = np.empty(intervals.shape)
    average, record = 0.0, None
    for row, (before, after) in enumerate(intervals.astype(np.float64)):
        if records[row] != record:
            average, record = before, records[row]
        average += (before - average) / MEMORY
        found[row] = before / average, after / average
    return np.minimum(found, LONGEST) - 1


def network(shape: tuple[int, ...]) -> Any:
    """Three convolutions with batch normalization."""
    from keras import Input, Sequential, layers

    parts: list[Any] = [Input(shape)]
    for channels in (12, 20, 32):
        parts += [
            layers.Conv1D(channels, 9, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    return Sequential(
        [
            *parts,
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(5, activation="softmax"),
        ]
    )


CASE = Case(
    "mitbih, 1-D CNN", data, network, 5, TRAINING, STEPS, (2000,),
    augment={"time_shift": 4, "gain": 0.3, "noise": 0.1}, batch=128,
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
