"""Arrays for each of several inputs, read as one array with their values side by side."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.source import Source, UnreadableError
from tinycomp.data.task import without_ones
from tinycomp.ir.tensor import Array, Shape

SUFFIXES = ("_train", "_calib", "_test", "")
"""Endings of arrays' names, after the input's name; those of x."""
_ROW = "x"


class JoinedSource(Source):
    """Has x, x_train and so on where the source has that array of every input."""

    def __init__(self, source: Source, named: Mapping[str, Shape]) -> None:
        super().__init__()
        self.source = source
        self.named = named
        self.notes += source.notes
        self._keys = {suffix: keys for suffix in SUFFIXES if (keys := self._found(suffix))}
        self.suffixes = tuple(self._keys)

    def _found(self, suffix: str) -> tuple[str, ...]:
        """The array of each input with an ending, by their names or places; none if one lacks."""
        by_name = tuple(f"{name}{suffix}" for name in self.named)
        by_place = tuple(f"{_ROW}{place}{suffix}" for place in range(len(self.named)))
        for keys in (by_name, by_place):
            if all(key in self.source for key in keys):
                return keys
        return ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays."""
        own = (name for name in self.source.names if self._suffix(name) is None)
        return (*own, *(f"{_ROW}{suffix}" for suffix in self.suffixes))

    @property
    def listing(self) -> str:
        """The contents of the source."""
        return self.source.listing

    @property
    def lacking(self) -> tuple[str, str] | None:
        """An input's array, and the one with its ending that another input lacks, if any.

        The bare name of an input may also be an array of something else, and is not looked at.
        """
        used = {key for keys in self._keys.values() for key in keys}
        for suffix in filter(None, SUFFIXES):
            keys = [f"{name}{suffix}" for name in self.named]
            there = [key for key in keys if key in self.source and key not in used]
            missing = [key for key in keys if key not in self.source]
            if there and missing:
                return there[0], missing[0]
        return None

    def is_empty(self, name: str) -> bool:
        """Whether an array has no elements."""
        suffix = self._suffix(name)
        if suffix is None:
            return self.source.is_empty(name)
        return any(self.source.is_empty(key) for key in self._keys[suffix])

    def load(self, name: str) -> Array:
        """One array; x of all inputs is (samples, values).

        Raises:
            UnreadableError: an array is damaged or does not fit its input, or their numbers of
                samples differ.
        """
        suffix = self._suffix(name)
        if suffix is None:
            return self.source.load(name)
        keys = self._keys[suffix]
        found = [
            self._flat(key, shape) for key, shape in zip(keys, self.named.values(), strict=True)
        ]
        counts = [len(values) for values in found]
        if len({*counts}) > 1:
            listed = ", ".join(f"{key} {count}" for key, count in zip(keys, counts, strict=True))
            raise UnreadableError(f"The inputs have different numbers of samples: {listed}.")
        return np.concatenate(found, axis=1)

    def _flat(self, key: str, shape: Shape) -> Array:
        values = self.source.load(key)
        if values.dtype.kind not in "biuf":
            raise UnreadableError(
                f"Array {key!r} holds values of type {values.dtype}. Expected real numbers."
            )
        if values.ndim == 4 and len(shape) == 3 and values.shape[1:] == shape[-1:] + shape[:-1]:
            values = np.moveaxis(values, 1, -1)  # an image with its channels in front
        flat = values.ndim == 2 and values.size == len(values) * prod(shape)
        if not flat and without_ones(values.shape[1:]) != without_ones(shape):
            raise UnreadableError(
                f"Array {key!r} has the shape {values.shape}, but the model's input has the shape "
                f"{shape}. Expected (samples, {', '.join(map(str, shape))}), or one axis of "
                "values; images may have their channels in front."
            )
        return values.reshape(len(values), -1).astype(np.float32)

    def _suffix(self, name: str) -> str | None:
        """The ending of an x array; None for other arrays."""
        if name == _ROW or name.startswith(f"{_ROW}_"):
            suffix = name.removeprefix(_ROW)
            return suffix if suffix in SUFFIXES else None
        return None


def joined_inputs(
    path: Path, source: Source, named: Mapping[str, Shape], x_key: str | None
) -> Source:
    """The source as one whose x arrays hold the values of several inputs.

    Raises:
        DataError: it has no arrays of an input, or some inputs lack one of an ending that others
            have; --x-key was given.
    """
    if x_key:
        raise DataError(
            f"--x-key {x_key} names one array; the model has {len(named)} inputs.",
            expected=f"Expected arrays named after them: {', '.join(named)}.",
            hint="Rename the arrays in the .npz.",
        )
    joined = JoinedSource(source, named)
    if not joined.suffixes:
        wanted = ", ".join(f"{name}_train and {name}_test, or {name}" for name in named)
        raise DataError(
            f"{str(path)!r} lacks arrays of the model's {len(named)} inputs; it holds "
            f"{source.listing}.",
            expected=f"Expected for each input, with the same ending: {wanted}.",
            hint="Rename its arrays.",
        )
    if joined.lacking:
        there, missing = joined.lacking
        raise DataError(
            f"{str(path)!r} holds the array {there!r}, but not {missing!r}.",
            expected="Expected an array of each input, with the same ending.",
            hint=f"Add {missing!r} or remove {there!r}.",
        )
    return joined
