"""Scores outputs with the metrics of the task.

| task | main metric | further metrics |
| --- | --- | --- |
| classification | top-1: the label has the highest output | ROC AUC, confusion matrix |
| binary | accuracy of the thresholded output | ROC AUC, confusion matrix |
| multilabel | accuracy, the mean over the labels | macro F1; both per label |
| regression | mean squared error | mean absolute error, R2; all per output |
| reconstruction | mean squared error | mean absolute error, ROC AUC of anomalies |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tinycomp.data.metrics import (
    confusion_matrix,
    f1_score,
    macro_roc_auc,
    r2_score,
    roc_auc,
    softmax,
)
from tinycomp.data.targets import Targets
from tinycomp.data.task import ModelShape
from tinycomp.ir.tensor import Array

TOP_1, ACCURACY = "top-1", "accuracy"
SQUARED_ERROR, ABSOLUTE_ERROR, R2 = "mean squared error", "mean absolute error", "R2"
AUC, F1 = "ROC AUC", "F1"
MOST_PARTS = 100
"""With more outputs or classes than this, they are not listed one by one."""

Values = Mapping[str, float | None]
"""By metric; None where it is not defined."""


@dataclass(frozen=True)
class Score:
    """The score of one execution of a model on the evaluation samples."""

    metric: str
    """The main metric of the task."""
    samples: int
    """How many were scored."""
    value: float
    """Of the main metric; top-1 and accuracy are fractions (0 to 1), higher is better."""
    others: Values = field(default_factory=dict)
    """Further metrics by name."""
    by_output: tuple[Values, ...] = ()
    """Metrics of each output or label, if there are several."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """For classifiers: how often class i (row) was classified as class j (column)."""
    errors: Array | None = field(default=None, compare=False)
    """For regression, each output less its label; for reconstruction, the mean squared error of
    each sample.
    """
    output: str = ""
    """The name of the output, of a model with several."""


def score(model: ModelShape, targets: Targets, outputs: Array) -> Score | None:
    """The score of real outputs (samples, *output shape); None without a task, or if outputs are
    not finite.
    """
    real = outputs[targets.kept].astype(np.float64)
    if targets.task is None or not real.size or not np.isfinite(real).all():
        return None
    if model.places:
        real = (real[..., None] == np.arange(model.places)).astype(np.float64)
    return replace(_score(model.by_class, targets, real), output=model.name)


def _score(model: ModelShape, targets: Targets, real: Array) -> Score:
    """The score of finite outputs (samples that have labels, *output shape)."""
    flat = real.reshape(len(real), -1)
    match targets.task:
        case "classification":
            return _classification(model, targets, real.reshape(-1, model.classes))
        case "binary":
            return _binary(model, targets, flat[:, 0])
        case "multilabel":
            return _multilabel(model, targets, flat)
        case "regression":
            return _regression(targets, flat)
        case "reconstruction":
            return _reconstruction(targets, flat)
        case None:
            raise AssertionError("there is nothing to score")


def _classification(model: ModelShape, targets: Targets, rows: Array) -> Score:
    classes = targets.values
    found = rows.argmax(axis=1)
    shares = softmax(rows) if model.ending == "other" else rows
    two = model.classes == 2
    area = roc_auc(classes == 1, shares[:, 1]) if two else macro_roc_auc(classes, shares)
    return Score(
        TOP_1, len(targets.kept), float(np.mean(found == classes)), {AUC: area},
        confusion=_confusion(classes, found, model.classes),
    )  # fmt: skip


def _binary(model: ModelShape, targets: Targets, outputs: Array) -> Score:
    classes = targets.values
    found = (outputs >= model.threshold).astype(np.int64)
    return Score(
        ACCURACY, len(targets.kept), float(np.mean(found == classes)),
        {AUC: roc_auc(classes == 1, outputs)},
        confusion=_confusion(classes, found, 2),
    )  # fmt: skip


def _multilabel(model: ModelShape, targets: Targets, outputs: Array) -> Score:
    found = outputs >= model.threshold
    by_label: list[Values] = [
        {ACCURACY: float(np.mean(yes == wanted)), F1: f1_score(wanted, yes)}
        for yes, wanted in zip(found.T, targets.values.T, strict=True)
    ]
    value = float(np.mean(found == targets.values))
    return Score(ACCURACY, len(targets.kept), value, {F1: _mean(by_label, F1)}, _several(by_label))


def _regression(targets: Targets, outputs: Array) -> Score:
    by_output: list[Values] = [
        {
            SQUARED_ERROR: float(np.mean((found - wanted) ** 2)),
            ABSOLUTE_ERROR: float(np.mean(np.abs(found - wanted))),
            R2: r2_score(wanted, found),
        }
        for found, wanted in zip(outputs.T, targets.values.T, strict=True)
    ]
    others = {key: _mean(by_output, key) for key in (ABSOLUTE_ERROR, R2)}
    value = float(np.mean((outputs - targets.values) ** 2))
    errors = (outputs - targets.values).ravel()
    return Score(
        SQUARED_ERROR, len(targets.kept), value, others, _several(by_output), errors=errors
    )


def _reconstruction(targets: Targets, outputs: Array) -> Score:
    errors = np.mean((outputs - targets.values) ** 2, axis=1)
    others: dict[str, float | None] = {
        ABSOLUTE_ERROR: float(np.mean(np.abs(outputs - targets.values)))
    }
    if targets.anomalies is not None:
        others[AUC] = roc_auc(targets.anomalies, errors)
    return Score(SQUARED_ERROR, len(targets.kept), float(errors.mean()), others, errors=errors)


def _confusion(classes: Array, found: Array, count: int) -> tuple[tuple[int, ...], ...]:
    if count > MOST_PARTS:
        return ()
    return tuple(tuple(map(int, row)) for row in confusion_matrix(classes, found, count))


def _several(parts: Sequence[Values]) -> tuple[Values, ...]:
    """Metrics per output; empty for a single output, or for too many."""
    return tuple(parts) if 1 < len(parts) <= MOST_PARTS else ()


def _mean(parts: Sequence[Values], key: str) -> float | None:
    known = [value for part in parts if (value := part[key]) is not None]
    return float(np.mean(known)) if known else None
