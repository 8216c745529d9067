"""Samples in the shape of the model's input, with their labels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from tinycomp.data.labels import as_text
from tinycomp.data.source import Source, UnreadableError, listed
from tinycomp.data.task import NOT_SCORED, without_ones
from tinycomp.data.values import require_numbers
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import DataOptions


@dataclass(frozen=True, eq=False)
class Samples:
    """An array of inputs in the model's shape, before scaling, and its labels."""

    key: str
    """Name of the array."""
    x: Array
    """Shape (samples, *input shape)."""
    y: Array | None
    """Labels, one per sample; None if there are none."""
    of_outputs: Mapping[str, Array] = field(default_factory=dict)
    """Labels of each of several outputs that has its own, by name."""


@dataclass(frozen=True)
class SampleReader:
    """Reads samples of one source for one model."""

    source: Source
    """The arrays."""
    input_shape: Shape
    """The model's input shape, without the batch."""
    options: DataOptions
    """Names of arrays."""
    channels_first: bool
    """Whether the model's file has channels in front."""
    notes: list[str]
    """Receives notes."""
    outputs: Sequence[str] = ()
    """Names of the outputs, if the model has several."""

    def read(self, key: str) -> Samples:
        """The samples of an array, and their labels.

        Raises:
            UnreadableError: they are not numbers, have another shape than the input, or another
                number of labels.
        """
        raw = self.source.load(key)
        if raw.dtype.kind not in "biuf":
            require_numbers(key, raw)
        if self.source.flat and raw.shape[1:] == (prod(self.input_shape),):
            x = raw.reshape(-1, *self.input_shape)
            return self._labelled(key, x, raw.shape[:1])
        leading = leading_axes(raw.shape, self.input_shape)
        front = self._with_channels_in_front(raw.shape, leading)
        if front is not None:
            self._note_channels(key, raw.shape)
            raw = np.moveaxis(raw, front, -1)
            leading = front
        if leading is None and self.source.columns:
            raise UnreadableError(
                f"It has {len(self.source.columns)} columns of values "
                f"({listed(self.source.columns)}), but the model's input has the shape "
                f"{self.input_shape}, {prod(self.input_shape)} values. "
                "Expected a column for each value; remove those of other things, such as numbers "
                "of rows and times."
            )
        if leading is None:
            raise UnreadableError(
                f"Array {key!r} has the shape {raw.shape}: samples of shape {raw.shape[1:]}, "
                f"but the model's input has the shape {self.input_shape}. "
                f"{_shape_hint(raw.shape[1:], self.input_shape)}"
            )
        x = raw.reshape(-1, *self.input_shape)
        return self._labelled(key, x, raw.shape[:leading])

    def _with_channels_in_front(self, shape: Shape, leading: int | None) -> int | None:
        """The axis of channels in front of an image's, or of a sample's if the model's file has
        them there; None if they are behind.
        """
        wanted = self.input_shape
        front = wanted[-1:] + wanted[:-1]
        images = leading is None and len(wanted) == 3
        moves = wanted[-1] > 1 and prod(wanted[:-1]) > 1
        if not moves or not (images or self.channels_first):
            return None
        return leading_axes(shape, front) if len(shape) > len(wanted) else None

    def _note_channels(self, key: str, shape: Shape) -> None:
        self.notes.append(
            f"Array {key!r} of shape {shape} has its channels in front: they were moved behind, to "
            f"{self.input_shape}, as the library takes them."
        )

    def _labelled(self, key: str, x: Array, leading: Shape) -> Samples:
        """The samples with the labels of the array, and of each output."""
        wanted = label_key(key, self.options)
        if self.options.y_key is not None and wanted not in self.source:
            raise UnreadableError(
                f"It does not hold the array {wanted!r}; it holds {self.source.listing}."
            )
        found = {
            name: self._labels(key, leading, self._output_key(place, name, key))
            for place, name in enumerate(self.outputs)
        }
        self._note_labels_of_no_output(key)
        known = {name: labels for name, labels in found.items() if labels is not None}
        return Samples(key, x, self._labels(key, leading, wanted), known)

    def _output_key(self, place: int, name: str, x_key: str) -> str:
        """The array of labels of an output: by its name, else by its place."""
        own, numbered = output_key(name, x_key), _numbered_key(place, x_key)
        return own if own in self.source or numbered not in self.source else numbered

    def _note_labels_of_no_output(self, x_key: str) -> None:
        count = max(1, len(self.outputs))
        if (extra := _numbered_key(count, x_key)) in self.source:
            has = "one output" if count == 1 else f"{count} outputs"
            self.notes.append(f"The model has {has}: the labels in {extra!r} are not used.")

    def _labels(self, x_key: str, leading: Shape, key: str) -> Array | None:
        """The labels (samples, ...) of inputs with these leading sample axes; None if there is no
        such array, or, with a note, if they can't be used.

        Raises:
            UnreadableError: there are more or fewer labels than samples.
        """
        if key not in self.source:
            return None
        try:
            labels = self.source.load(key)
        except UnreadableError as error:
            self.notes.append(f"{NOT_SCORED} {error}")
            return None
        samples = prod(leading)
        if labels.shape[: len(leading)] == leading:
            return labels.reshape(samples, *labels.shape[len(leading) :])
        if labels.shape[:1] == (samples,):
            return labels
        raise UnreadableError(_count_problem(key, labels.shape, x_key, samples))


def label_key(x_key: str, options: DataOptions) -> str:
    """The name of the array of labels for an array of inputs."""
    return options.y_key or (f"y{x_key[1:]}" if x_key.startswith("x") else "")


def output_key(output: str, x_key: str) -> str:
    """The name of the array of labels of one of several outputs: with the ending of the inputs."""
    return f"{output}{x_key[1:]}" if x_key.startswith("x") else output


def _numbered_key(place: int, x_key: str) -> str:
    """The name of the array of labels of an output by its place, from 0: y_train, y1_train, ..."""
    return f"y{place or ''}{x_key[1:]}" if x_key.startswith("x") else ""


def require_as_many_labels(key: str, x_key: str, labels: Shape, x: Shape) -> None:
    """Refuse labels of which there can't be one a sample, whatever shape the samples have.

    Raises:
        UnreadableError: their number is that of no leading axes of x.
    """
    counts = list(itertools.accumulate(x, lambda a, b: a * b))
    if labels[:1] not in [(count,) for count in counts]:
        raise UnreadableError(_count_problem(key, labels, x_key, x[0]))


def _count_problem(key: str, labels: Shape, x_key: str, samples: int) -> str:
    return (
        f"Array {key!r} has the shape {labels}, but {x_key!r} holds {samples} samples. "
        "Expected one label for each sample."
    )


def _shape_hint(found: Shape, wanted: Shape) -> str:
    """What to do about samples of another shape."""
    orders = itertools.permutations(range(len(found))) if len(found) <= 5 else ()
    wanted_sizes = without_ones(wanted)
    fitting = (o for o in orders if without_ones(tuple(found[n] for n in o)) == wanted_sizes)
    order = next(fitting, None)
    if order is not None:
        axes = (0, *(n + 1 for n in order))
        return (
            f"The axes are in another order: np.transpose(x, {axes}) puts them in the input's, if "
            "they mean the same."
        )
    if prod(found) == prod(wanted):
        return (
            "It has as many values: np.reshape(x, (-1, "
            f"{', '.join(map(str, wanted))})), if they are in this order."
        )
    return "Samples need the input's shape; only axes of length 1 may differ."


def label_names(*halves: Array | None) -> tuple[str, ...]:
    """The strings among the labels of both halves, sorted; none if any labels are numbers."""
    labels = [as_text(each).ravel() for each in halves if each is not None]
    if not labels or any(each.dtype.kind != "U" for each in labels):
        return ()
    return tuple(map(str, np.unique(np.concatenate(labels))))


def leading_axes(shape: Shape, sample: Shape) -> int | None:
    """The number of leading sample axes; None if the other axes are not those of a sample."""
    wanted = [n for n in sample if n != 1]
    for leading in range(1, len(shape) + 1):
        if [n for n in shape[leading:] if n != 1] == wanted and (leading == 1 or wanted):
            return leading
    return None
