"""The kinds of data that Python programs have, as files: arrays are put in an .npz."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Progress
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions, Task

Data = str | os.PathLike[str] | Mapping[str, Any] | Iterable[Any] | Any
"""A path; (x, y), ([x, ...], y), x, or ((x, y), (x_test, y_test)) of arrays; arrays by name, as in
an .npz; a tf.data.Dataset, a PyTorch DataLoader or any other iterable of batches (x, y), or two of
these.
"""

DATA_LIMIT = 10_000
"""The most samples that are taken of an iterable by default."""

_NAME = "data.npz"
_LABELS = "y"
_INPUTS = "x"
_EXPECTED = (
    "Expected (x, y) of arrays, ((x, y), (x_test, y_test)), arrays by name as in an .npz, an "
    "iterable of batches (x, y), or a path."
)


def data_file(data: Data, scratch: Path, limit: int, progress: Progress) -> Path | None:
    """The data as a file: its own, or one in the scratch folder; None without data.

    Iterables are gone through once. Of one that goes on after `limit` samples, the rest is left
    out, with a note.

    Raises:
        DataError: it is nothing that holds samples.
    """
    if data is None:
        return None
    if isinstance(data, str | os.PathLike):
        return Path(data)
    if limit < 1:
        raise DataError(f"data_limit is {limit}.", expected="Expected a number of samples.")
    arrays = _Reader(limit, progress).arrays(data)
    path = scratch / _NAME
    np.savez(path, **arrays)  # type: ignore[arg-type]  # the stub takes only its own options
    return path


def data_options(
    x_key: str | None,
    y_key: str | None,
    scale: float,
    offset: float,
    labels: str | os.PathLike[str] | None,
    label_column: str | None,
    class_names: Sequence[str],
    evaluate: int | None,
    task: Task | None,
) -> DataOptions:
    """How the data are read, from the keywords that several functions have."""
    return DataOptions(
        x_key,
        y_key,
        scale,
        offset,
        test_samples=evaluate,
        task=task,
        labels=optional_path(labels),
        label_column=label_column,
        class_names=tuple(class_names),
    )


def optional_path(path: str | os.PathLike[str] | None) -> Path | None:
    """A path as an object, where there is one."""
    return None if path is None else Path(path)


@dataclass(frozen=True)
class _Reader:
    """Turns data into arrays with the names of an .npz."""

    limit: int
    """The most samples of an iterable."""
    progress: Progress
    """Gets notes."""

    def arrays(self, data: Data) -> dict[str, Array]:
        """All arrays by name."""
        if isinstance(data, Mapping):
            return {str(name): as_array(values, str(name)) for name, values in data.items()}
        if isinstance(data, tuple) and len(data) == 2:
            if all(isinstance(half, tuple) or _is_iterable(half) for half in data):
                return {**self._half(data[0], "_train"), **self._half(data[1], "_test")}
            return self._half(data, "")
        return self._half(data if _is_iterable(data) else (data, None), "")

    def _half(self, half: Any, suffix: str) -> dict[str, Array]:
        """Inputs and labels, with the ending of their names."""
        if _is_iterable(half):
            half = _Batches(self.limit, self.progress).read(half)
        if len(half) != 2:
            raise DataError(f"The data are {len(half)} things.", expected=_EXPECTED)
        x, y = half
        if _is_inputs(x, y):
            found = {f"{_INPUTS}{place}{suffix}": as_array(each, f"{_INPUTS}{place}")
                     for place, each in enumerate(x)}  # fmt: skip
        elif isinstance(x, Mapping):
            found = {f"{name}{suffix}": as_array(each, str(name)) for name, each in x.items()}
        else:
            found = {f"{_INPUTS}{suffix}": as_array(x, _INPUTS)}
        labels = _named_labels(y)
        return found | {f"{key}{suffix}": as_array(each, key) for key, each in labels.items()}


def _is_iterable(data: Any) -> bool:
    """Whether data come in pieces: a loader, a generator; not an array, nor a plain list."""
    if isinstance(data, list | tuple | str | bytes | Mapping) or hasattr(data, "__array__"):
        return False
    pieces = hasattr(data, "__len__") and hasattr(data, "__getitem__")
    return hasattr(data, "__iter__") or hasattr(data, "__next__") or pieces


def as_array(values: Any, name: str) -> Array:
    """An array of numbers or strings.

    Args:
        values: an array or tensor of any library, a list, a table.
        name: for messages.

    Raises:
        DataError: it is no such thing.
    """
    if hasattr(values, "detach"):  # a tensor of PyTorch, maybe on another device
        values = values.detach().cpu()
    try:
        found = np.asarray(values)
    except Exception as error:  # arrays of other libraries raise any type
        raise DataError(
            f"{name} is of type {type(values).__name__}, which NumPy can't read: {error}",
            expected=_EXPECTED,
        ) from error
    if found.dtype.hasobject:
        if all(isinstance(each, str) for each in found.flat):
            return found.astype(str)
        raise DataError(
            f"{name} is of type {type(values).__name__} and holds Python objects.",
            expected=_EXPECTED,
        )
    return found


@dataclass
class _Batches:
    """Collects an iterable's samples."""

    limit: int
    """The most samples."""
    progress: Progress
    """Gets a note on what is left out."""
    inputs: dict[str, list[Array]] = field(default_factory=dict)
    """Pieces of the inputs, by name."""
    labels: dict[str, list[Array]] = field(default_factory=dict)
    """Pieces of the labels: of one output, or of several by name."""
    count: int = 0
    """Samples so far."""

    def read(self, source: Any) -> tuple[Any, Any]:
        """Inputs, by name if they are, and labels if there are any."""
        elements = iter(_pieces(source))
        single: bool | None = None
        for element in elements:
            x, y = _parts(element)
            if single is None:
                single = _is_sample(source, x, y)
            self._take(x, y, single)
            if self.count >= self.limit:
                break
        if not self.count:
            raise DataError("The data gave no samples.", expected=_EXPECTED)
        if self.count > self.limit or next(elements, None) is not None:
            self.progress.note(
                f"The data gave more than {self.limit:,} samples: the first {self.limit:,} are "
                "used. Take others with data_limit."
            )
        inputs = {name: self._joined(parts, name) for name, parts in self.inputs.items()}
        labels = {name: self._joined(parts, name) for name, parts in self.labels.items()}
        return (inputs[_INPUTS] if [*inputs] == [_INPUTS] else inputs), labels or None

    def _take(self, x: Mapping[str, Any], y: Any, single: bool) -> None:
        """Keep a batch, or a single sample."""
        pieces = {name: as_array(values, name) for name, values in x.items()}
        if single:
            pieces = {name: values[np.newaxis] for name, values in pieces.items()}
        for name, values in pieces.items():
            self.inputs.setdefault(name, []).append(values)
        self.count += max((len(values) for values in pieces.values() if values.ndim), default=0)
        for name, each in _named_labels(y).items():
            labels = as_array(each, name)
            self.labels.setdefault(name, []).append(labels[np.newaxis] if single else labels)

    def _joined(self, parts: list[Array], name: str) -> Array:
        try:
            return np.concatenate(parts)[: self.limit]
        except ValueError as error:
            shapes = " and ".join(dict.fromkeys(str(part.shape) for part in parts))
            raise DataError(
                f"Batches of {name} have the shapes {shapes[:200]}.",
                expected="Expected samples of one shape, in batches whose first axis counts them.",
            ) from error


def _pieces(source: Any) -> Iterator[Any]:
    """The elements, of a sequence without an iterator too."""
    if hasattr(source, "__iter__") or hasattr(source, "__next__"):
        yield from source
    else:
        yield from (source[index] for index in range(len(source)))


def _parts(element: Any) -> tuple[dict[str, Any], Any]:
    """Inputs by name and labels of a batch; sample weights behind them are not used."""
    if isinstance(element, Mapping):
        x = {str(name): values for name, values in element.items() if name != _LABELS}
        return x, element.get(_LABELS)
    if isinstance(element, tuple | list) and len(element) > 1:
        x, y = islice(element, 2)
    else:
        x, y = (element[0] if isinstance(element, tuple | list) and element else element), None
    if isinstance(x, Mapping):
        return {str(name): values for name, values in x.items()}, y
    return {_INPUTS: x}, y


def _named_labels(y: Any) -> dict[str, Any]:
    """Labels of a batch by the names of their outputs; those in a tuple by their places; others are
    those of the only one.
    """
    if y is None:
        return {}
    if isinstance(y, tuple) and len(y) > 1 and all(map(_is_array, y)):
        return {f"{_LABELS}{place or ''}": each for place, each in enumerate(y)}
    return {str(k): v for k, v in y.items()} if isinstance(y, Mapping) else {_LABELS: y}


def _is_inputs(x: Any, y: Any) -> bool:
    """Whether a list has an array for each of several inputs, as Keras takes them, rather than
    samples: their shapes differ, or there are labels for the rows of each.
    """
    if not isinstance(x, list) or len(x) < 2 or not all(map(_is_array, x)):
        return False
    if len({np.shape(each) for each in x}) > 1:
        return len({len(each) for each in x}) == 1
    labels = next(iter(_named_labels(y).values()), None)
    return labels is not None and len(labels) == len(x[0]) != len(x)


def _is_array(value: Any) -> bool:
    """Whether it is an array or a tensor with axes."""
    return (hasattr(value, "__array__") or hasattr(value, "detach")) and len(np.shape(value)) > 0


def _is_sample(source: Any, x: Mapping[str, Any], y: Any) -> bool:
    """Whether an element is one sample: its label has no axis, or the loader makes no batches."""
    labels = _named_labels(y)
    if labels and all(np.ndim(as_array(each, name)) == 0 for name, each in labels.items()):
        return True
    batches = getattr(source, "batch_size", 1), getattr(source, "batch_sampler", None)
    return batches == (None, None)
