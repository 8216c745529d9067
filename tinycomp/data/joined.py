"""An .npz with an array for each of several inputs, read as one with their values side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import numpy as np

from tinycomp.data.archive import Archive, UnreadableError
from tinycomp.data.task import without_ones
from tinycomp.ir.tensor import Array, Shape

SUFFIXES = ("_train", "_calib", "_test", "")
"""Endings of arrays' names, after the input's name; those of x."""
_ROW = "x"


@dataclass(frozen=True)
class JoinedArchive(Archive):
    """Has x, x_train and so on where the archive has that array of every input."""

    named: Mapping[str, Shape] = field(default_factory=dict)
    """The inputs' shapes by name, in order."""
    suffixes: tuple[str, ...] = ()
    """The endings that the arrays of every input have."""

    @classmethod
    def of(cls, archive: Archive, named: Mapping[str, Shape]) -> JoinedArchive:
        """The archive, for these inputs."""
        found = tuple(
            suffix for suffix in SUFFIXES if all(f"{name}{suffix}" in archive for name in named)
        )
        return cls(archive.zip, archive.members, archive.strangers, named, found)

    @property
    def lacking(self) -> tuple[str, str] | None:
        """An input's array, and the one with its ending that another input lacks, if any.

        The bare name of an input may also be an array of something else, and is not looked at.
        """
        used = {f"{name}{suffix}" for name in self.named for suffix in self.suffixes}
        for suffix in filter(None, SUFFIXES):
            keys = [f"{name}{suffix}" for name in self.named]
            there = [key for key in keys if key in self.members and key not in used]
            missing = [key for key in keys if key not in self.members]
            if there and missing:
                return there[0], missing[0]
        return None

    def __contains__(self, name: str) -> bool:
        return self._suffix(name) in self.suffixes or (
            self._suffix(name) is None and super().__contains__(name)
        )

    def is_empty(self, name: str) -> bool:
        """Whether an array has no elements."""
        suffix = self._suffix(name)
        if suffix is None:
            return super().is_empty(name)
        return any(super(JoinedArchive, self).is_empty(f"{key}{suffix}") for key in self.named)

    def load(self, name: str) -> Array:
        """One array; x of all inputs is (samples, values).

        Raises:
            UnreadableError: an array is damaged or does not fit its input, or their numbers of
                samples differ.
        """
        suffix = self._suffix(name)
        if suffix is None:
            return super().load(name)
        found = [self._flat(f"{key}{suffix}", shape) for key, shape in self.named.items()]
        counts = [len(values) for values in found]
        if len({*counts}) > 1:
            listed = ", ".join(
                f"{key}{suffix} {count}" for key, count in zip(self.named, counts, strict=True)
            )
            raise UnreadableError(f"The inputs have different numbers of samples: {listed}.")
        return np.concatenate(found, axis=1)

    def _flat(self, key: str, shape: Shape) -> Array:
        values = super().load(key)
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
