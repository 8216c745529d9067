"""Reads calibration and evaluation data from an .npz: real input values, one sample per row.

Rules, in this order:
1. Arrays: x_train, x_calib or x for calibration; x_test, x, x_calib or x_train for evaluation;
   labels are the y array with the same suffix. Empty arrays are skipped. If there is only x_test,
   its first rows calibrate. Notes say so.
2. An int8 array with x_scale and x_zero_point means (x - x_zero_point) * x_scale; other integer
   arrays are taken as plain numbers. Then real = x * scale + offset (DataOptions).
3. A sample has the model's input shape, except for axes of length 1; additional leading axes
   count samples. Images may have their channels in front, and so may all samples of models whose
   file has them there; a note says that they were moved.
4. Of a model with several inputs, each has its own arrays, named after it: audio_train, audio_test,
   or audio, and so on instead of x_train, x_test, x. A sample has the values of all inputs, in one
   axis. Each array as in 2 and 3; there are no x_scale and x_zero_point.
5. Labels that can't be used are left out, with a note. All other problems are errors, and an error
   lists all problems of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.archive import EXPECTED, Archive, UnreadableError, open_archive
from tinycomp.data.joined import JoinedArchive
from tinycomp.data.labels import as_text
from tinycomp.data.task import NOT_SCORED
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import DataOptions

CALIBRATION_KEYS = ("x_train", "x_calib", "x")
TEST_KEYS = ("x_test", "x", "x_calib", "x_train")
TEST_ONLY_ROWS = 100
"""Calibration rows of a file that has only a test half."""

_NAMES = "x_train and x_test, x_calib, or x"
_CONVENTION = "Options: --x-key, --y-key, --input-scale, --input-offset."
_SCALE, _ZERO_POINT = "x_scale", "x_zero_point"

_Found = TypeVar("_Found")


Halves = Literal["two", "one", "test"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples for calibration and evaluation, with their labels if there are any."""

    x: Array
    """Calibration inputs: real values, float32 (samples, *input shape)."""
    y: Array | None
    """Calibration labels as in the file, (samples, ...)."""
    x_test: Array
    """Evaluation inputs, as `x`."""
    y_test: Array | None
    """Evaluation labels as in the file, (samples, ...)."""
    class_names: tuple[str, ...] = ()
    """One per class; empty if the file has none."""
    label_names: tuple[str, ...] = ()
    """All labels of both halves in sorted order, if they are strings without class_names."""
    notes: tuple[str, ...] = ()
    """How the file was read, for the user."""
    rows: Array | None = None
    """For each sample of `x`, its row in the file's array; None: `x` is that array."""
    halves: Halves = "two"
    """Which arrays `x` and `x_test` are: two, one and the same, or a test half that calibrates."""


def load_data(
    path: Path,
    input_shape: Shape,
    options: DataOptions | None = None,
    channels_first: bool = False,
    named: Mapping[str, Shape] | None = None,
) -> Dataset:
    """Read an .npz for a model whose input has the given shape (no batch axis).

    Only arrays that are used are loaded; nothing in the file is executed (no pickles).

    Args:
        path: of the .npz.
        input_shape: of a sample.
        options: how to read it.
        channels_first: the model's file has channels in front, which the input has behind.
        named: the shapes of several inputs by name; a sample has all their values in one axis.

    Raises:
        DataError: an option is not a finite number; the file does not exist or is not an .npz; an
            array is missing, damaged, empty, not finite, or of the wrong shape or type; all samples
            are equal.
    """
    options = options or DataOptions()
    if not np.isfinite([options.scale, options.offset]).all() or options.scale == 0:
        raise DataError(
            f"--input-scale is {options.scale:g}, --input-offset {options.offset:g}.",
            expected="Expected finite numbers, and a scale other than 0.",
        )
    require_data_file(path)
    with open_archive(path) as archive:
        if named:
            archive = joined_inputs(path, archive, named, options)
        return _Reader(path, archive, input_shape, options, channels_first).dataset()


def joined_inputs(
    path: Path, archive: Archive, named: Mapping[str, Shape], options: DataOptions
) -> Archive:
    """The archive as one whose x arrays hold the values of several inputs.

    Raises:
        DataError: it has no arrays of an input, or some inputs lack one of an ending that others
            have; --x-key was given.
    """
    if options.x_key:
        raise DataError(
            f"--x-key {options.x_key} names one array; the model has {len(named)} inputs.",
            expected=f"Expected arrays named after them: {', '.join(named)}.",
            hint="Rename the arrays in the .npz.",
        )
    joined = JoinedArchive.of(archive, named)
    if not joined.suffixes:
        wanted = ", ".join(f"{name}_train and {name}_test, or {name}" for name in named)
        raise DataError(
            f"{str(path)!r} lacks arrays of the model's {len(named)} inputs; it holds "
            f"{archive.listing}.",
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


def require_data_file(path: Path) -> None:
    """Refuse a data file that does not exist.

    Raises:
        DataError: it does not exist.
    """
    if not path.is_file():
        raise DataError(f"There is no data file {str(path)!r}.", expected=EXPECTED)


@dataclass(frozen=True, eq=False)
class _Samples:
    """An array of inputs in the model's shape, before scaling, and its labels."""

    key: str
    """Name of the array."""
    x: Array
    """Shape (samples, *input shape)."""
    y: Array | None
    """Labels, one per sample; None if there are none."""


@dataclass(frozen=True)
class _Reader:
    """Reads one archive and collects problems and notes."""

    path: Path
    """The file, for messages."""
    archive: Archive
    """The opened file."""
    input_shape: Shape
    """The model's input shape, without the batch."""
    options: DataOptions
    """Names of arrays, scaling, and the number of samples."""
    channels_first: bool
    """Whether the model's file has channels in front."""
    problems: list[str] = field(default_factory=list)
    """Reasons to refuse the file."""
    notes: list[str] = field(default_factory=list)
    """Messages for the user."""

    def dataset(self) -> Dataset:
        """Choose the arrays, read and check them."""
        named = (self.options.x_key,) if self.options.x_key else ()
        key = self._first(named or (*CALIBRATION_KEYS, *TEST_KEYS))
        test_key = self._first(named or TEST_KEYS)
        test = self._attempt(self._samples, test_key)
        train = test if key == test_key else self._attempt(self._samples, key)
        scale = self._attempt(self._stored_scale)
        names = self._attempt(self._class_names)
        x_test, y_test = self._half(test, self._test_rows(test), scale)
        once = train is test and x_test is None  # one array's problem is named once
        x, y = (None, None) if once else self._half(train, self._calibration_rows(train), scale)
        if x is not None and not self.problems:
            self._require_variety(key, x)
        if self.problems or x is None or x_test is None:
            raise self._refusal()
        self._note_halves(key, test_key, len(x))
        rows = self._calibration_rows(train)
        return Dataset(
            x, y, x_test, y_test, names or (), () if names else _label_names(train, test),
            tuple(self.notes), rows, _halves(key, test_key),
        )  # fmt: skip

    def _attempt(self, read: Callable[..., _Found], *arguments: object) -> _Found | None:
        """The result of a step; None if it failed, with its problem added to the list."""
        try:
            return read(*arguments)
        except UnreadableError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))
            return None

    def _refusal(self) -> DataError:
        if len(self.problems) == 1:
            return DataError(f"{self._file}: {self.problems[0]}", hint=_CONVENTION)
        listed = " ".join(f"({n}) {text}" for n, text in enumerate(self.problems, 1))
        return DataError(
            f"{self._file} can't be used for {len(self.problems)} reasons: {listed}",
            hint=_CONVENTION,
        )

    def _first(self, keys: tuple[str, ...]) -> str:
        """The first of these arrays that exists and contains samples."""
        there = [key for key in dict.fromkeys(keys) if key in self.archive]
        if not there:
            wanted = f"the array {keys[0]!r}" if len(keys) == 1 else f"any of {_NAMES}"
            raise DataError(
                f"{self._file} does not hold {wanted}; it holds {self.archive.listing}.",
                hint="Rename its arrays, or name the one with the inputs (--x-key).",
            )
        for key in there:
            if not self.archive.is_empty(key):
                return key
            note = f"Array {key!r} of {self.path.name} is empty: not used."
            if note not in self.notes:
                self.notes.append(note)
        raise DataError(
            f"{self._file}: Array {there[0]!r} is empty.",
            expected="Expected at least one sample.",
            hint=_CONVENTION,
        )

    def _samples(self, key: str) -> _Samples:
        """Samples in the shape of the model's input, and their labels."""
        raw = self.archive.load(key)
        if raw.dtype.kind not in "biuf":
            raise UnreadableError(
                f"Array {key!r} holds values of type {raw.dtype}. Expected real numbers."
            )
        leading = _leading_axes(raw.shape, self.input_shape)
        front = self._with_channels_in_front(raw.shape, leading)
        if front is not None:
            self._note_channels(key, raw.shape)
            raw = np.moveaxis(raw, front, -1)
            leading = front
        if leading is None:
            raise UnreadableError(
                f"Array {key!r} has the shape {raw.shape}: samples of shape {raw.shape[1:]}, "
                f"but the model's input has the shape {self.input_shape}. "
                "Samples need the input's shape; only axes of length 1 may differ."
            )
        x = raw.reshape(-1, *self.input_shape)
        return _Samples(key, x, self._labels(key, raw.shape[:leading]))

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
        return _leading_axes(shape, front) if len(shape) > len(wanted) else None

    def _note_channels(self, key: str, shape: Shape) -> None:
        self.notes.append(
            f"Array {key!r} of shape {shape} has its channels in front: they were moved behind, to "
            f"{self.input_shape}, as the library takes them."
        )

    def _labels(self, x_key: str, leading: Shape) -> Array | None:
        """The labels (samples, ...) of inputs with these leading sample axes; None, with a note, if
        they can't be used.

        Raises:
            UnreadableError: the user named an array that does not exist.
        """
        key = self.options.y_key or (f"y{x_key[1:]}" if x_key.startswith("x") else "")
        if key not in self.archive:
            if self.options.y_key is None:
                return None
            raise UnreadableError(
                f"It does not hold the array {key!r}; it holds {self.archive.listing}."
            )
        try:
            labels = self.archive.load(key)
        except UnreadableError as error:
            self.notes.append(f"{NOT_SCORED} {error}")
            return None
        samples = prod(leading)
        if labels.shape[: len(leading)] == leading:
            return labels.reshape(samples, *labels.shape[len(leading) :])
        if labels.shape[:1] == (samples,):
            return labels
        self.notes.append(
            f"{NOT_SCORED} array {key!r} has the shape {labels.shape}, "
            f"but {x_key!r} holds {samples} samples."
        )
        return None

    def _calibration_rows(self, samples: _Samples | None) -> Array:
        """Indices of the calibration samples; empty if the samples can't be read."""
        if samples is None:
            return np.arange(0)
        if samples.key == "x_test":
            return np.arange(min(len(samples.x), TEST_ONLY_ROWS))
        return spread(len(samples.x), self.options.calibration_samples)

    def _test_rows(self, samples: _Samples | None) -> Array:
        return (
            np.arange(0) if samples is None else spread(len(samples.x), self.options.test_samples)
        )

    def _half(
        self, samples: _Samples | None, rows: Array, scale: tuple[float, float] | None
    ) -> tuple[Array | None, Array | None]:
        """The samples of these rows as real values, and their labels; None if unreadable."""
        if samples is None:
            return None, None
        x = self._attempt(self._real, samples, rows, scale)
        return x, None if samples.y is None else samples.y[rows]

    def _real(self, samples: _Samples, rows: Array, scale: tuple[float, float] | None) -> Array:
        """Real values, float32; of all rows, not of these alone, is known that they are finite."""
        _require_finite(samples.key, samples.x, np.arange(len(samples.x)))
        with np.errstate(over="ignore", invalid="ignore"):
            x = samples.x[rows].astype(np.float32)
            if samples.x.dtype == np.int8 and scale is not None:
                x = (x - np.float32(scale[1])) * np.float32(scale[0])
            if (self.options.scale, self.options.offset) != (1.0, 0.0):
                x = x * np.float32(self.options.scale) + np.float32(self.options.offset)
        _require_finite(samples.key, x, rows)
        return x

    def _require_variety(self, key: str, x: Array) -> None:
        if (x == x.flat[0]).all() or (len(x) > 1 and (x == x[0]).all()):
            self.problems.append(
                f"All {len(x)} samples of {key!r} are the same, so they show no range of values. "
                "Calibration needs samples as the model will see them."
            )

    def _stored_scale(self) -> tuple[float, float] | None:
        """The scale and the zero point of int8 samples; None if the file has none."""
        there = [key for key in (_SCALE, _ZERO_POINT) if key in self.archive]
        if len(there) == 1:
            self.notes.append(
                f"{self.path.name} holds {there[0]!r} alone: not used. "
                f"Int8 samples need both {_SCALE!r} and {_ZERO_POINT!r}."
            )
        if len(there) < 2:
            return None
        scale, zero_point = self._number(_SCALE), self._number(_ZERO_POINT)
        if scale <= 0:
            raise UnreadableError(f"{_SCALE!r} is {scale:g}. Expected a number above 0.")
        return scale, zero_point

    def _number(self, key: str) -> float:
        values = self.archive.load(key)
        if values.dtype.kind not in "iuf" or values.size != 1 or not np.isfinite(values).all():
            shown = np.array2string(values, threshold=3, edgeitems=1)
            raise UnreadableError(
                f"{key!r} is {' '.join(shown.split())[:60]}, of type {values.dtype} and shape "
                f"{values.shape}. Expected one finite number."
            )
        return float(values.reshape(()))

    def _class_names(self) -> tuple[str, ...]:
        if "class_names" not in self.archive:
            return ()
        names = self.archive.load("class_names")
        if names.ndim != 1:
            shown = f"is one value, {str(names)[:40]!r}" if names.ndim == 0 else "is no list"
            raise UnreadableError(
                f"'class_names' {shown}, of shape {names.shape}. "
                "Expected a list of strings, one a class."
            )
        names = as_text(names)
        if names.dtype.kind not in "Uiu":
            raise UnreadableError(
                f"'class_names' holds values of type {names.dtype}. Expected strings, one a class."
            )
        return tuple(map(str, names))

    def _note_halves(self, key: str, test_key: str, rows: int) -> None:
        if key == "x_test":
            self.notes.append(
                f"{self.path.name} has a test half only: calibrated on its first {rows} samples."
            )
        elif key == test_key:
            self.notes.append(
                f"{self.path.name} has no test half: {key!r} calibrates and evaluates."
            )

    @property
    def _file(self) -> str:
        return repr(str(self.path))


def _require_finite(key: str, x: Array, rows: Array) -> None:
    """Refuse values that are not finite. rows: of each sample in the file."""
    if x.dtype.kind != "f":
        return
    finite = np.isfinite(x)
    if finite.all():
        return
    bad = np.argwhere(~finite)
    row, *place = bad[0].tolist()
    count = len(np.unique(bad[:, 0]))
    raise UnreadableError(
        f"Array {key!r} holds NaN or infinite values in {count} of {len(x)} samples: "
        f"{x[tuple(bad[0])]} in row {rows[row]} at {place}, for example. "
        "Expected finite numbers."
    )


def _label_names(*halves: _Samples | None) -> tuple[str, ...]:
    """The strings among the labels, sorted; none if any labels are numbers."""
    labels = [as_text(each.y).ravel() for each in halves if each and each.y is not None]
    if not labels or any(each.dtype.kind != "U" for each in labels):
        return ()
    return tuple(map(str, np.unique(np.concatenate(labels))))


def _halves(key: str, test_key: str) -> Halves:
    if key != test_key:
        return "two"
    return "test" if key == "x_test" else "one"


def spread(count: int, limit: int | None) -> Array:
    """Indices of at most `limit` of `count` rows, evenly spaced, starting with the first."""
    chosen = count if limit is None else min(count, limit)
    return np.arange(chosen) * count // max(1, chosen)


def _leading_axes(shape: Shape, sample: Shape) -> int | None:
    """The number of leading sample axes; None if the other axes are not those of a sample."""
    wanted = [n for n in sample if n != 1]
    for leading in range(1, len(shape) + 1):
        if [n for n in shape[leading:] if n != 1] == wanted and (leading == 1 or wanted):
            return leading
    return None
