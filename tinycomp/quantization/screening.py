"""Screens calibration samples for absurd values, and for features that int8 can't resolve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from tinycomp.common.progress import Progress
from tinycomp.data.dataset import Dataset
from tinycomp.ir.tensor import Array, QuantizationParameters

ABSURD = 50.0
"""A sample is absurd if its largest value is more than this many times that of all others."""
FEW = 0.01
"""The largest fraction of samples that can be absurd; one always can."""
COARSE = 4
"""The most int8 steps that a poorly resolved feature spans."""
DISTINCT = 8
"""The fewest distinct real values of such a feature."""
NAMED = 5
"""How many rows or features a note lists."""

_LEAST_SPAN = 1e-30
_LEAST_ROWS = 10
"""The fewest samples needed to judge one."""


def without_absurd(dataset: Dataset, views: Iterable[Array], progress: Progress) -> Dataset:
    """The data set without calibration samples whose values are far beyond all others; a note
    lists them.

    Args:
        dataset: the samples, raw.
        views: its calibration samples in each form that the model may take: raw, normalized.
        progress: receives the note.
    """
    rows = sorted({row for view in views for row in absurd_rows(view)})
    if not rows:
        return dataset
    progress.note(_absurd_note(dataset, rows))
    kept = np.setdiff1d(np.arange(len(dataset.x)), rows)
    return replace(
        dataset,
        x=dataset.x[kept],
        y=None if dataset.y is None else dataset.y[kept],
        rows=None if dataset.rows is None else dataset.rows[kept],
    )


def absurd_rows(x: Array) -> tuple[int, ...]:
    """The few samples whose values are far beyond all others: sensor faults, error codes.

    Args:
        x: (samples, *shape), real values.
    """
    if len(x) < _LEAST_ROWS:
        return ()
    sizes = np.abs(x.reshape(len(x), -1)).max(axis=1)
    order = np.argsort(-sizes, kind="stable")
    for count in range(max(1, int(FEW * len(x))), 0, -1):
        limit = sizes[order[count]]
        if sizes[order[count - 1]] > ABSURD * limit > 0:
            return tuple(int(row) for row in order[:count])
    return ()


def _absurd_note(dataset: Dataset, rows: Sequence[int]) -> str:
    """The note on these samples, by their rows in the user's file."""
    named = ", ".join(_absurd_value(dataset, row, rows) for row in rows[:NAMED])
    more = f", and {len(rows) - NAMED} samples more" if len(rows) > NAMED else ""
    return (
        f"Warning: left out of the calibration for values far beyond all others: {named}{more}. "
        "Check them: they look like sensor faults or error codes. Where they are real, give more "
        "samples that hold such values."
    )


def _absurd_value(dataset: Dataset, row: int, rows: Sequence[int]) -> str:
    """Row, column and value of the element that is farthest from the same element elsewhere."""
    others = np.delete(dataset.x, list(rows), axis=0)
    low, high = others.min(axis=0), others.max(axis=0)
    sample = dataset.x[row].astype(np.float64)
    beyond = np.maximum(sample - high, low - sample) / np.maximum(high - low, _LEAST_SPAN)
    place = np.unravel_index(int(beyond.argmax()), sample.shape)
    number = row if dataset.rows is None else int(dataset.rows[row])
    column = ",".join(str(int(n)) for n in place)
    return (
        f"row {number}, column {column} is {sample[place]:g} (elsewhere {low[place]:g} to "
        f"{high[place]:g})"
    )


def coarse_features(x: Array, parameters: QuantizationParameters) -> tuple[int, ...]:
    """Features (along the last axis) that vary, but within COARSE steps of the input's scale.

    Args:
        x: (samples, *shape), real values.
        parameters: of the input tensor.
    """
    features = x.reshape(-1, x.shape[-1])
    spans = features.max(axis=0) - features.min(axis=0)
    narrow = np.flatnonzero((spans > 0) & (spans < COARSE * parameters.scale))
    return tuple(int(c) for c in narrow if len(np.unique(features[:, c])) >= DISTINCT)


def coarse_note(
    tensor: str, found: Sequence[int], x: Array, scale: float, dtype: str = "int8"
) -> str:
    """The note on features that the input's steps can't resolve."""
    features = x.reshape(-1, x.shape[-1])
    named = ", ".join(
        f"{c} ({features[:, c].min():g} to {features[:, c].max():g})" for c in found[:NAMED]
    )
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        f"Warning: one {dtype} step of the input {tensor!r} is {scale:g}, so features {named}"
        f"{more} are lost: their scale is too small compared with the others'. Start the model "
        "with keras.layers.Normalization (adapted to the training data) or BatchNormalization: the "
        "library then takes raw values and normalizes them before quantization."
    )
