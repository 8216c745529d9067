"""What outputs are compared with: the labels of a data set become targets of one task, once, so
that all executions of a model are scored alike.

Labels that can't be used are no error: then there is no task, and a note says why.
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
from tinycomp.data.task import ModelShape, Task, without_ones
from tinycomp.ir.tensor import Array


@dataclass(frozen=True, eq=False)
class Targets:
    """What the outputs of the evaluation samples should be.

    task: None where nothing can be scored. values: class indices (n) for classification and binary,
    bools (n, outputs) for multilabel, real numbers (n, outputs) for regression and reconstruction;
    n counts the places of a sample as well, where each place has a class of its own. kept: indices
    of the samples that are scored. anomalies: for a reconstruction, which samples are of class 1,
    where that is known. notes: how labels were read, what was left out.
    """

    task: Task | None
    values: Array
    kept: Array
    anomalies: Array | None = None
    notes: tuple[str, ...] = ()


def find_targets(
    model: ModelShape,
    x: Array,
    y: Array | None,
    class_names: Sequence[str] = (),
    task: Task | None = None,
) -> Targets:
    """Decide what the model's outputs are compared with.

    Args:
        model: its shapes and its ending.
        x: real inputs (samples, *input shape).
        y: labels as they are in the file, one entry a sample; None: there are none.
        class_names: what labels that are strings are mapped by.
        task: what the user says that the model is for; None: what shapes and labels suggest.
    """
    labels, reason = None, "there are no labels"
    if y is not None:
        try:
            labels = read_labels(y, class_names)
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
        return Targets(None, np.empty(0), np.arange(0), notes=(f"Not scored: {error}.",))


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
    """The task where there is a number for each output."""
    if not model.axes:
        paired = labels.among(0, 1) or labels.among(-1, 1)
        return "binary" if paired or _counts_from_one(model, labels) else "regression"
    if labels.are_shares and (labels.among(0, 1) or model.ending == "softmax"):
        return "classification"
    return "multilabel" if labels.among(0, 1) or labels.among(-1, 1) else "regression"


def _counts_from_one(model: ModelShape, labels: Labels) -> bool:
    """Whether the labels of one output are classes 1 and 2, and not numbers."""
    return model.ending == "sigmoid" and labels.among(1, 2)


def _marks_anomalies(model: ModelShape, labels: Labels) -> bool:
    """Whether labels say of each sample yes or no, where outputs are too many for two classes."""
    count = len(labels.class_names)
    paired = labels.among(0, 1) or (labels.are_strings and count == 2)
    return not labels.axes and paired and model.classes > 2 and count in (0, 2)


def _repeats(labels: Labels, x: Array) -> bool:
    """Whether the labels are the inputs."""
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
        labels = numbered(labels)
    note = (
        "Scored as a reconstruction: there are two kinds of labels, and as many outputs as inputs. "
        "Add --task classification if the model is a classifier."
    )
    anomalies = labels.values == 1
    return Targets(
        "reconstruction", flat[labels.kept], labels.kept, anomalies, (*labels.notes, note)
    )


def _classification(model: ModelShape, labels: Labels) -> Targets:
    """Class indices: one a sample, or one for each place of the output but for its last axis."""
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
        notes = (*notes, f"Each sample has {places} places, each of a class of its own.")
    values = labels.values.reshape(-1).astype(np.int64)
    return Targets("classification", values, labels.kept, notes=(*notes, *_one_class(values)))


def _binary(model: ModelShape, labels: Labels) -> Targets:
    """Classes 0 and 1 by one output."""
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
    """What is left out where all samples are of one class."""
    if (values != values[0]).any():
        return ()
    return (f"ROC AUC is left out: all samples are of class {values[0]}.",)


def _mismatch(model: ModelShape, labels: Labels) -> UnusableLabelsError:
    kind = "strings" if labels.are_strings else "labels"
    return UnusableLabelsError(
        f"{kind} of shape {labels.axes} a sample don't fit outputs of shape {model.output_shape}"
    )
