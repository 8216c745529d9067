"""Converts labels of every kind to numbers: strings, one-hot rows, other numberings. A note says
how they were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinycomp.data.task import without_ones
from tinycomp.ir.tensor import Array


class UnusableLabelsError(Exception):
    """Why labels can't be compared with outputs, as the end of a sentence."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The usable labels of a set of samples."""

    values: Array
    """float64 or strings, (samples, *axes), without axes of length 1."""
    kept: Array
    """The index of each of these samples in the whole set."""
    class_names: Sequence[str] = ()
    """Map labels that are strings to class indices."""
    label_names: Sequence[str] = ()
    """Do so without class_names: all strings, also those of other samples, in sorted order."""
    notes: tuple[str, ...] = ()
    """How labels were read, and what was left out."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The shape of the labels of one sample."""
        return self.values.shape[1:]

    @property
    def are_strings(self) -> bool:
        """Whether they still have to be mapped to numbers."""
        return self.values.dtype.kind == "U"

    @property
    def are_shares(self) -> bool:
        """Whether each row adds up to 1: one-hot, or probabilities."""
        if self.are_strings or not self.axes:
            return False
        sums = self.values.sum(axis=-1)
        return bool((self.values >= 0).all() and np.allclose(sums, 1, atol=1e-3))

    def among(self, *allowed: int) -> bool:
        """Whether all of them are one of these numbers."""
        return not self.are_strings and bool(np.isin(self.values, allowed).all())

    def mapped(self, values: Array, note: str) -> Labels:
        """The same with other values, and a note of how they were read."""
        return replace(self, values=values, notes=(*self.notes, note))


def read_labels(
    y: Array, class_names: Sequence[str] = (), label_names: Sequence[str] = ()
) -> Labels:
    """Labels (samples, ...) from the file. Samples whose labels are not finite are left out.

    Raises:
        UnusableLabelsError: they are neither numbers nor strings, or none is finite.
    """
    kept, notes = np.arange(len(y)), tuple[str, ...]()
    values = y.reshape(len(y), *without_ones(y.shape[1:]))
    values = as_text(values)
    if values.dtype.kind == "U":
        return Labels(values, kept, class_names, label_names or tuple(np.unique(values)))
    if values.dtype.kind not in "biuf":
        raise UnusableLabelsError(f"labels are of type {y.dtype}, neither numbers nor strings")
    values = values.astype(np.float64)
    finite = np.isfinite(values).reshape(len(y), -1).all(axis=1)
    if not finite.any():
        raise UnusableLabelsError("no sample has finite labels")
    if not finite.all():
        lost = int(np.count_nonzero(~finite))
        notes = (f"{lost} of {len(y)} samples have labels that are not finite: not scored.",)
    return Labels(values[finite], kept[finite], class_names, notes=notes)


def class_indices(labels: Labels, classes: int) -> Labels:
    """Labels as class indices from 0, however they denote a class.

    Raises:
        UnusableLabelsError: they are not classes of the model.
    """
    if labels.are_strings:
        labels = numbered(labels, classes)
    values = labels.values
    first, last = values.min(), values.max()
    if (values != np.floor(values)).any():
        raise UnusableLabelsError(
            f"class indices are whole numbers, but labels have fractions ({first:g} to {last:g})"
        )
    if first >= 0 and last < classes:
        return labels
    if first == 1 and last == classes:
        text = f"Labels 1 to {classes} are read as classes 0 to {classes - 1}."
        return labels.mapped(values - 1, text)
    if classes == 2 and labels.among(-1, 1):
        text = "Labels -1 and 1 are read as classes 0 and 1."
        return labels.mapped((values > 0).astype(np.float64), text)
    raise UnusableLabelsError(
        f"labels run from {first:g} to {last:g}, but the model knows {classes} classes"
    )


def name_all(names: Sequence[str], classes: int) -> bool:
    """Whether there is a name for each class; a single output stands for two."""
    return len(names) == (2 if classes == 1 else classes)


def numbered(labels: Labels, classes: int) -> Labels:
    """Strings as class indices, by class_names or in sorted order.

    Raises:
        UnusableLabelsError: a string is not among the class_names, or there are more or fewer names
            than classes.
    """
    found = np.unique(labels.values)
    names = np.array(labels.class_names or labels.label_names)
    if not name_all(list(names), classes):
        raise UnusableLabelsError(
            f"labels are {len(names)} different strings ({_listing(names)}), but the model knows "
            f"{max(classes, 2)} classes: the array 'class_names' tells their order"
        )
    unknown = np.setdiff1d(found, names)
    if len(unknown):
        raise UnusableLabelsError(
            f"{_listing(unknown)} among the labels, but not among class_names ({_listing(names)})"
        )
    order = np.argsort(names, kind="stable")
    values = order[np.searchsorted(names, labels.values, sorter=order)].astype(np.float64)
    return labels.mapped(values, f"Labels are strings; the classes are {_listing(names)}.")


def as_text(values: Array) -> Array:
    """Bytes as the strings that they are in UTF-8; all other values as they are."""
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def from_shares(labels: Labels) -> Labels:
    """One-hot labels, or probabilities per class, as class indices.

    Raises:
        UnusableLabelsError: they don't add up to 1.
    """
    if not labels.are_shares:
        raise UnusableLabelsError("labels have a number for each class, which don't add up to 1")
    kind = "one-hot" if labels.among(0, 1) else "probabilities, of which the highest counts"
    return labels.mapped(labels.values.argmax(axis=-1).astype(np.float64), f"Labels are {kind}.")


def _listing(names: Array, most: int = 5) -> str:
    shown = ", ".join(repr(str(name)) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
