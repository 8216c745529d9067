"""Warnings about data that don't suit the model: labels in another order, inputs in other units.
Both are judged by what the model makes of the samples, not by the values alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tinycomp.data.class_order import better_order
from tinycomp.data.dataset import Dataset
from tinycomp.data.score import ACCURACY, TOP_1, Score
from tinycomp.data.scored import Scored
from tinycomp.data.values import spread
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions
from tinycomp.prepare import Prepared
from tinycomp.proof.accuracy import evaluate_float, evaluate_int8
from tinycomp.quantization.row_numbers import row_numbers
from tinycomp.report.numbers import show_metric
from tinycomp.report.record import AccuracyRecord

GAIN = 0.2
"""The least gain of a score that makes other units more likely."""
_SAMPLES = 300
"""How many samples are scored in other units."""
_UNITS = {
    (0, 1): ((255, 0), (2, -1)),
    (0, 255): ((1 / 255, 0), (1 / 127.5, -1)),
    (-1, 1): ((127.5, 127.5), (0.5, 0.5)),
}
"""Scale and offset to other units in use, by the range that the samples are in."""


def data_doubts(
    record: AccuracyRecord, prepared: Prepared, options: DataOptions | None
) -> Iterator[str]:
    """The warnings for a classifier with these scores, with what to do.

    Args:
        record: the scores on the data as given.
        prepared: the model, its samples and labels.
        options: how the samples were read.
    """
    data = prepared.dataset
    given = record.int8 if record.float is None else record.float
    if data is None or not prepared.scored or given is None:
        return
    if record.metric not in (TOP_1, ACCURACY):
        return
    counts = prepared.scored[0]
    order = better_order(record.confusion)
    if order is not None:
        yield _order_note(record, order)
    elif row_numbers(prepared.graph):
        return  # numbers of words have no units
    elif counts.targets.task in ("classification", "binary") and given + GAIN <= 1:
        yield from _units_note(prepared, data, counts, options or DataOptions())


def _order_note(record: AccuracyRecord, order: tuple[int, ...]) -> str:
    counts = np.array(record.confusion)
    better = float(counts[list(order), np.arange(len(order))].sum() / counts.sum())
    labels = ", ".join(record.classes[label] for label in order)
    return (
        f"Warning: {record.metric} is {show_metric(record.metric, record.int8)}, and would be "
        f"{show_metric(record.metric, better)} if the model's outputs stood for the classes in "
        f"this order: {labels}. If the model was trained so, number the labels in the data "
        f"accordingly; if they are strings or folders, build again with --class-names "
        f"{','.join(record.classes[label] for label in order)}."
    )


def _units_note(
    prepared: Prepared, data: Dataset, scored: Scored, options: DataOptions
) -> Iterator[str]:
    """The warning if the model scores far better on the same samples in other units."""
    low, high = float(data.x_test.min()), float(data.x_test.max())
    ranges = [each for each in _UNITS if each[0] <= low and high <= each[1]]
    if not ranges:
        return
    x, some = _sample(data.x_test, scored)
    given = _score(prepared, x, some)
    tries = [
        (found.value, units)
        for units in _UNITS[ranges[0]]
        if (found := _score(prepared, (x * units[0] + units[1]).astype(np.float32), some))
    ]
    if given is None or not tries:
        return
    best, (scale, offset) = max(tries, key=lambda each: each[0])  # the first of equal ones
    if best - given.value < GAIN or 1 - best > (1 - given.value) / 2:
        return
    advice = _advice(options.scale * scale, options.offset * scale + offset)
    yield (
        f"Warning: {given.metric} is {show_metric(given.metric, given.value)} on {len(x)} samples "
        f"from {low:g} to {high:g}, and {show_metric(given.metric, best)} on the same as "
        f"{_formula(scale, offset)}: the model seems to be trained on these. {advice}"
    )


def _sample(x: Array, scored: Scored) -> tuple[Array, Scored]:
    """At most so many of the samples that have labels, and their targets."""
    targets = scored.targets
    rows = spread(len(targets.kept), _SAMPLES)
    values = targets.values.reshape(len(targets.kept), -1)[rows].reshape(-1)
    some = replace(targets, values=values, kept=np.arange(len(rows)))
    return x[targets.kept[rows]], replace(scored, targets=some)


def _score(prepared: Prepared, x: Array, scored: Scored) -> Score | None:
    if prepared.float_tflite is not None:
        return evaluate_float(prepared.float_tflite, [scored], x)[0]
    return evaluate_int8(prepared.graph, [scored], x)[0]


def _formula(scale: float, offset: float) -> str:
    return f"x * {_fraction(scale)}" + (f" {'+-'[offset < 0]} {abs(offset):g}" if offset else "")


def _advice(scale: float, offset: float) -> str:
    """The options that lead to these units."""
    if np.isclose(scale, 1) and np.isclose(offset, 0):
        return "Leave out --input-scale and --input-offset."
    shift = "" if np.isclose(offset, 0) else f" --input-offset {offset:g}"
    return f"Build again with --input-scale {_fraction(scale)}{shift}."


def _fraction(scale: float) -> str:
    """As a user would write it: 1/255."""
    inverse = round(1 / scale, 1)
    return f"1/{inverse:g}" if inverse > 1 and np.isclose(scale, 1 / inverse) else f"{scale:g}"
