"""Converts the labels of a data set to targets of one task, once, so that all executions of a model
are scored alike.

Labels that can't be used are not an error: the task is None then, and a note says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinycomp.data.labels import (
    Labels,
    UnusableLabelsError,
    class_indices,
    from_shares,
    numbered,
    read_labels,
)
from tinycomp.data.task import NOT_SCORED, ModelShape, without_ones
from tinycomp.ir.tensor import Array
from tinycomp.options.data import Task


@dataclass(frozen=True, eq=False)
class Targets:
    """The expected outputs of the evaluation samples."""

    task: Task | None
    """None if nothing can be scored."""
    values: Array
    """Class indices (n) for classification and binary, bools (n, outputs) for multilabel, real
    numbers (n, outputs) for regression and reconstruction. If each position of a sample has its own
    class, n counts positions of all samples.
    """
    kept: Array
    """Indices of the samples that are scored."""
    anomalies: Array | None = None
    """For a reconstruction: which samples are of class 1; None if not known."""
    notes: tuple[str, ...] = ()
    """How labels were read, and what was left out."""


def find_targets(
    model: ModelShape,
    x: Array,
    y: Array | None,
    class_names: Sequence[str] = (),
    task: Task | None = None,
    label_names: Sequence[str] = (),
) -> Targets:
    """Decide what the outputs of the model are compared with.

    Args:
        model: its shapes and its last operation.
        x: real inputs (samples, *input shape).
        y: labels as in the file, one entry per sample; None without labels.
        class_names: map labels that are strings to class indices.
        task: given by the user; None: inferred from shapes and labels.
        label_names: do so without class_names (default: those of y, in sorted order).
    """
    model = model.by_class
    labels, reason = None, "there are no labels"
    if y is not None:
        try:
            labels = read_labels(y, class_names, label_names)
        except UnusableLabelsError as error:
            reason = str(error)
    task = task or _guess(model, labels, x, len(class_names))
    try:
        if task == "reconstruction":
            return _reconstruction(model, x, labels)
        if labels is None or task is None:
            raise UnusableLabelsError(reason)
        return _READERS[task](model, labels)
    except UnusableLabelsError as error:
        return Targets(None, np.empty(0), np.arange(0), notes=(f"{NOT_SCORED} {error}.",))


def _guess(model: ModelShape, labels: Labels | None, x: Array, names: int) -> Task | None:
    """The task that shapes and labels suggest. names: how many class_names there are."""
    if labels is None:
        return "reconstruction" if model.reconstructs and names != model.classes else None
    if model.reconstructs and (_marks_anomalies(model, labels) or _repeats(labels, x)):
        return "reconstruction"
    if labels.axes == model.axes and not labels.are_strings:
        return _guess_same_shape(model, labels)
    return "classification" if model.axes else "binary"


def _guess_same_shape(model: ModelShape, labels: Labels) -> Task:
    """The task if labels have one number per output."""
    if not model.axes:
        paired = labels.among(0, 1) or labels.among(-1, 1)
        return "binary" if paired or _counts_from_one(model, labels) else "regression"
    if labels.are_shares and (labels.among(0, 1) or model.ending == "softmax"):
        return "classification"
    return "multilabel" if labels.among(0, 1) or labels.among(-1, 1) else "regression"


def _counts_from_one(model: ModelShape, labels: Labels) -> bool:
    """Whether the labels of a single output are classes 1 and 2, not real numbers."""
    return model.ending == "sigmoid" and labels.among(1, 2)


def _marks_anomalies(model: ModelShape, labels: Labels) -> bool:
    """Whether labels are one yes or no per sample, with too many outputs for two classes."""
    count = len(labels.class_names)
    paired = labels.among(0, 1) or (labels.are_strings and count == 2)
    return not labels.axes and paired and model.classes > 2 and count in (0, 2)


def _repeats(labels: Labels, x: Array) -> bool:
    """Whether the labels equal the inputs."""
    kept = x[labels.kept]
    same = labels.axes == without_ones(kept.shape[1:]) and not labels.are_strings
    return same and bool(np.allclose(labels.values, kept.reshape(labels.values.shape)))


def _reconstruction(model: ModelShape, x: Array, labels: Labels | None) -> Targets:
    """The inputs themselves, and which of them are anomalies."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    size = int(np.prod(model.output_shape, dtype=np.int64))
    if flat.shape[1] != size:
        raise UnusableLabelsError(
            f"a reconstruction of {flat.shape[1]} inputs has as many outputs, but the model {size}"
        )
    if labels is None or not _marks_anomalies(model, labels):
        return Targets("reconstruction", flat, np.arange(len(x)))
    if labels.are_strings:
        labels = numbered(labels, 2)
    note = (
        "Scored as a reconstruction: there are two kinds of labels, and as many outputs as inputs. "
        "Add --task classification if the model is a classifier."
    )
    anomalies = labels.values == 1
    return Targets(
        "reconstruction", flat[labels.kept], labels.kept, anomalies, (*labels.notes, note)
    )


def _classification(model: ModelShape, labels: Labels) -> Targets:
    """Class indices: one per sample, or one per position of the output without its last axis."""
    if not model.axes:
        return _binary(model, labels)
    if labels.axes == model.axes:
        labels = from_shares(labels)
    if labels.axes != model.axes[:-1]:
        raise _mismatch(model, labels)
    labels = class_indices(labels, model.classes)
    notes = labels.notes
    if labels.axes:
        places = int(np.prod(labels.axes))
        notes = (*notes, f"Each sample has {places} positions, each with its own class.")
    values = labels.values.reshape(-1).astype(np.int64)
    return Targets("classification", values, labels.kept, notes=(*notes, *_one_class(values)))


def _binary(model: ModelShape, labels: Labels) -> Targets:
    """Classes 0 and 1, for a single output."""
    if model.axes == (2,):
        return _classification(model, labels)
    if model.axes:
        raise UnusableLabelsError(
            f"a binary classifier has one output, or two, but this model {model.classes}"
        )
    if labels.axes == (2,):
        labels = from_shares(labels)
    if labels.axes:
        raise _mismatch(model, labels)
    labels = class_indices(labels, 2)
    values = labels.values.astype(np.int64)
    return Targets("binary", values, labels.kept, notes=(*labels.notes, *_one_class(values)))


def _multilabel(model: ModelShape, labels: Labels) -> Targets:
    """Yes or no for each output."""
    if labels.are_strings or labels.axes != model.axes:
        raise _mismatch(model, labels)
    if not labels.among(0, 1):
        if not labels.among(-1, 1):
            raise UnusableLabelsError(
                "several labels are each 0 or 1 (or -1 or 1), but these run from "
                f"{labels.values.min():g} to {labels.values.max():g}"
            )
        labels = labels.mapped(labels.values > 0, "Labels -1 and 1 are read as no and yes.")
    values = labels.values.reshape(len(labels.kept), -1) > 0
    return Targets("multilabel", values, labels.kept, notes=labels.notes)


def _regression(model: ModelShape, labels: Labels) -> Targets:
    """A real number for each output."""
    if labels.are_strings or labels.axes != model.axes:
        raise _mismatch(model, labels)
    values = labels.values.reshape(len(labels.kept), -1)
    notes = labels.notes
    if (values == values[0]).all(axis=0).any():
        notes = (*notes, "R2 is left out for outputs whose targets are all the same.")
    return Targets("regression", values, labels.kept, notes=notes)


_READERS: dict[Task, Callable[[ModelShape, Labels], Targets]] = {
    "classification": _classification,
    "binary": _binary,
    "multilabel": _multilabel,
    "regression": _regression,
}


def _one_class(values: Array) -> tuple[str, ...]:
    """The note on metrics that are left out if all samples are of one class."""
    if (values != values[0]).any():
        return ()
    return (f"ROC AUC is left out: all samples are of class {values[0]}.",)


def _mismatch(model: ModelShape, labels: Labels) -> UnusableLabelsError:
    kind = "strings" if labels.are_strings else "labels"
    return UnusableLabelsError(
        f"{kind} of shape {labels.axes} a sample don't fit outputs of shape {model.output_shape}"
    )
