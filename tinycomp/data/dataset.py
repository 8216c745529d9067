"""Reads calibration and evaluation data: real input values, one sample per row.

Rules, in this order:
1. A format (formats/) gives arrays by name: x_train, x_calib or x for calibration; x_test, x,
   x_calib or x_train for evaluation; labels are the y array with the same suffix. Empty arrays are
   skipped. If there is only x_test, its first rows calibrate. Notes say so.
2. An int8 array with x_scale and x_zero_point means (x - x_zero_point) * x_scale; other integer
   arrays are taken as plain numbers. Then real = x * scale + offset (DataOptions).
3. A sample has the model's input shape, except for axes of length 1; additional leading axes
   count samples. Images may have their channels in front, and so may all samples of models whose
   file has them there; a note says that they were moved.
4. Of a model with several inputs, each has its own arrays, named after it: audio_train, audio_test,
   or audio, and so on instead of x_train, x_test, x. A sample has the values of all inputs, in one
   axis. Each array as in 2 and 3; there are no x_scale and x_zero_point. Of a model with several
   outputs, each has its own labels, named likewise; y_train and so on are those of the first.
5. Labels of another kind than the model's outputs are left out, with a note. All other problems are
   errors, and an error lists all problems of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from tinycomp.common.errors import DataError, numbered
from tinycomp.data.formats._registry import format_of, formats
from tinycomp.data.joined import joined_inputs
from tinycomp.data.samples import (
    SampleReader,
    Samples,
    label_key,
    label_names,
    require_as_many_labels,
)
from tinycomp.data.source import Source, UnreadableError
from tinycomp.data.values import (
    CLASS_NAMES,
    read_class_names,
    real_values,
    require_numbers,
    require_variety,
    spread,
    stored_scale,
)
from tinycomp.ir.tensor import Array, Shape
from tinycomp.options.data import DataOptions

CALIBRATION_KEYS = ("x_train", "x_calib", "x")
TEST_KEYS = ("x_test", "x", "x_calib", "x_train")
TEST_ONLY_ROWS = 100
"""Calibration rows of a file that has only a test half."""

_OWN = ("labels", "label_column")
"""Options of which each format takes its own."""
_INPUTS_AND_LABELS = "xy"
"""First letters of arrays whose names are known."""
_NAMES = "x_train and x_test, x_calib, or x"
_CONVENTION = "Options: --x-key, --y-key, --input-scale, --input-offset."

_Found = TypeVar("_Found")


Halves = Literal["two", "one", "test"]


@dataclass(frozen=True, eq=False)
class OutputLabels:
    """The labels of one of several outputs."""

    y: Array | None
    """Of the calibration samples, as in the file; None if they have none."""
    y_test: Array | None
    """Of the evaluation samples."""
    label_names: tuple[str, ...] = ()
    """All of them in sorted order, if they are strings."""


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
    outputs: Mapping[str, OutputLabels] = field(default_factory=dict)
    """Labels of each of several outputs that has its own, by its name."""

    def with_calibration(self, rows: Array) -> Dataset:
        """The data set with these calibration samples alone."""
        outputs = {
            name: replace(each, y=None if each.y is None else each.y[rows])
            for name, each in self.outputs.items()
        }
        y = None if self.y is None else self.y[rows]
        return replace(self, x=self.x[rows], y=y, outputs=outputs, rows=None)

    def with_test(self, rows: Array) -> Dataset:
        """The data set that is tested on these of its calibration samples."""
        chosen = self.with_calibration(rows)
        outputs = {
            name: replace(each, y_test=chosen.outputs[name].y)
            for name, each in self.outputs.items()
        }
        return replace(self, x_test=chosen.x, y_test=chosen.y, outputs=outputs, halves="two")


@dataclass(frozen=True, eq=False)
class DataFile:
    """An opened file or folder of samples, checked as far as it can be without a model."""

    path: Path
    """The file or folder, for messages."""
    source: Source
    """Its arrays."""
    options: DataOptions
    """How to read it."""

    def dataset(
        self,
        input_shape: Shape,
        channels_first: bool = False,
        named: Mapping[str, Shape] | None = None,
        outputs: Sequence[str] = (),
    ) -> Dataset:
        """The samples for a model; see load_data."""
        source = (
            joined_inputs(self.path, self.source, named, self.options.x_key)
            if named
            else self.source
        )
        try:
            source = source.fitted(input_shape)
        except UnreadableError as error:
            raise DataError(f"{str(self.path)!r}: {error}") from error
        return _Reader(
            self.path, source, input_shape, self.options, channels_first, outputs
        ).dataset()


def open_data(path: Path, options: DataOptions | None = None) -> DataFile:
    """Open a file or folder of samples, and check what can be checked without a model: that there
    are arrays of finite numbers, and a label for each sample.

    Only arrays that are used are loaded; nothing in a file is executed (no pickles).

    Raises:
        DataError: an option is not a finite number; the path does not exist or is of no known
            format; an array is damaged, not finite, of the wrong type, or has another number of
            labels.
        ToolError: a package that reads the format is missing.
    """
    file = _open(path, options or DataOptions())
    _Reader(path, file.source, (), file.options, channels_first=False).check()
    return file


def _open(path: Path, options: DataOptions) -> DataFile:
    if not np.isfinite([options.scale, options.offset]).all() or options.scale == 0:
        raise DataError(
            f"--input-scale is {options.scale:g}, --input-offset {options.offset:g}.",
            expected="Expected finite numbers, and a scale other than 0.",
        )
    found = format_of(path)
    for name in _OWN:
        if getattr(options, name) is not None and name not in found.takes:
            takers = [each.described for each in formats() if name in each.takes]
            raise DataError(
                f"--{name.replace('_', '-')} is for {' and '.join(takers)}, not for {str(path)!r}.",
                hint="Leave it out.",
            )
    return DataFile(path, found.open(path, options), options)


def load_data(
    path: Path,
    input_shape: Shape,
    options: DataOptions | None = None,
    channels_first: bool = False,
    named: Mapping[str, Shape] | None = None,
    outputs: Sequence[str] = (),
) -> Dataset:
    """Read samples for a model whose input has the given shape (no batch axis).

    Args:
        path: of a file or folder.
        input_shape: of a sample.
        options: how to read it.
        channels_first: the model's file has channels in front, which the input has behind.
        named: the shapes of several inputs by name; a sample has all their values in one axis.
        outputs: the names of several outputs, each of which may have labels of its own.

    Raises:
        DataError: see open_data; an array is missing, empty or of the wrong shape; all samples are
            equal.
        ToolError: a package that reads the format is missing.
    """
    return _open(path, options or DataOptions()).dataset(
        input_shape, channels_first, named, outputs
    )


@dataclass(frozen=True)
class _Reader:
    """Reads one source and collects problems and notes."""

    path: Path
    """The file, for messages."""
    source: Source
    """The opened file."""
    input_shape: Shape
    """The model's input shape, without the batch."""
    options: DataOptions
    """Names of arrays, scaling, and the number of samples."""
    channels_first: bool
    """Whether the model's file has channels in front."""
    outputs: Sequence[str] = ()
    """Names of several outputs."""
    problems: list[str] = field(default_factory=list)
    """Reasons to refuse the file."""
    notes: list[str] = field(default_factory=list)
    """Messages for the user."""

    def check(self) -> None:
        """Check the arrays that any model would take."""
        wanted = (self.options.x_key,) if self.options.x_key else CALIBRATION_KEYS + TEST_KEYS
        if self.options.x_key and self.source.names:
            self._first(wanted)
        for key in dict.fromkeys(key for key in wanted if key in self.source):
            self._attempt(self._check, key)
        if self.problems:
            raise self._refusal()

    def _check(self, key: str) -> None:
        if self.source.is_empty(key):
            return
        x = self.source.load(key)
        if not x.shape:
            return  # of the wrong shape for any model, which is said with the model's
        require_numbers(key, x)
        labels = label_key(key, self.options)
        if labels in self.source and not self.source.is_empty(labels):
            try:
                y = self.source.load(labels)
            except UnreadableError:
                return  # a note when the labels are read
            require_as_many_labels(labels, key, y.shape, x.shape)

    def dataset(self) -> Dataset:
        """Choose the arrays, read and check them."""
        named = (self.options.x_key,) if self.options.x_key else ()
        key = self._first(named or (*CALIBRATION_KEYS, *TEST_KEYS))
        test_key = self._first(named or TEST_KEYS)
        reader = SampleReader(
            self.source, self.input_shape, self.options, self.channels_first, self.notes,
            self.outputs,
        )  # fmt: skip
        test = self._attempt(reader.read, test_key)
        train = test if key == test_key else self._attempt(reader.read, key)
        scale = self._attempt(stored_scale, self.source, self.path.name, self.notes)
        names = self.options.class_names or self._attempt(read_class_names, self.source)
        x_test, y_test = self._half(test, self._test_rows(test), scale)
        once = train is test and x_test is None  # one array's problem is named once
        x, y = (None, None) if once else self._half(train, self._calibration_rows(train), scale)
        if x is not None and not self.problems:
            self._attempt(require_variety, key, x)
        if self.problems or x is None or x_test is None:
            raise self._refusal()
        self._note_halves(key, test_key, len(x))
        assert train is not None
        assert test is not None
        if test.y is None and not self.outputs:
            self._note_other_arrays(label_key(test_key, self.options))
        return Dataset(
            x, y, x_test, y_test, names or (), () if names else label_names(train.y, test.y),
            (*self.source.notes, *self.notes), self._calibration_rows(train),
            _halves(key, test_key), self._of_outputs(train, test),
        )  # fmt: skip

    def _of_outputs(self, train: Samples, test: Samples) -> dict[str, OutputLabels]:
        """The labels of each output that has its own, of the samples that are used."""
        rows, test_rows = self._calibration_rows(train), self._test_rows(test)
        found = {}
        for name in self.outputs:
            y, y_test = train.of_outputs.get(name), test.of_outputs.get(name)
            if y is not None or y_test is not None:
                found[name] = OutputLabels(
                    None if y is None else y[rows],
                    None if y_test is None else y_test[test_rows],
                    label_names(y, y_test),
                )
        return found

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
        return DataError(
            f"{self._file} can't be used for {len(self.problems)} reasons: "
            f"{numbered(self.problems)}",
            hint=_CONVENTION,
        )

    def _first(self, keys: tuple[str, ...]) -> str:
        """The first of these arrays that exists and contains samples."""
        there = [key for key in dict.fromkeys(keys) if key in self.source]
        if not there:
            wanted = f"the array {keys[0]!r}" if len(keys) == 1 else f"any of {_NAMES}"
            raise DataError(
                f"{self._file} does not hold {wanted}; it holds {self.source.listing}.",
                hint="Rename its arrays, or name the one with the inputs (--x-key).",
            )
        for key in there:
            if not self.source.is_empty(key):
                return key
            note = f"Array {key!r} of {self.path.name} is empty: not used."
            if note not in self.notes:
                self.notes.append(note)
        raise DataError(
            f"{self._file}: Array {there[0]!r} is empty.",
            expected="Expected at least one sample.",
            hint=_CONVENTION,
        )

    def _calibration_rows(self, samples: Samples | None) -> Array:
        """Indices of the calibration samples; empty if the samples can't be read."""
        if samples is None:
            return np.arange(0)
        if samples.key == "x_test":
            return np.arange(min(len(samples.x), TEST_ONLY_ROWS))
        return spread(len(samples.x), self.options.calibration_samples)

    def _test_rows(self, samples: Samples | None) -> Array:
        return (
            np.arange(0) if samples is None else spread(len(samples.x), self.options.test_samples)
        )

    def _half(
        self, samples: Samples | None, rows: Array, scale: tuple[float, float] | None
    ) -> tuple[Array | None, Array | None]:
        """The samples of these rows as real values, and their labels; None if unreadable."""
        if samples is None:
            return None, None
        x = self._attempt(real_values, samples.key, samples.x, rows, scale, self.options)
        return x, None if samples.y is None else samples.y[rows]

    def _note_halves(self, key: str, test_key: str, rows: int) -> None:
        if key == "x_test":
            self.notes.append(
                f"{self.path.name} has a test half only: calibrated on its first {rows} samples."
            )
        elif key == test_key:
            self.notes.append(
                f"{self.path.name} has no test half: {key!r} calibrates and evaluates."
            )

    def _note_other_arrays(self, wanted: str) -> None:
        """Name the arrays that may be the labels, where those are missing."""
        others = [
            name
            for name in self.source.names
            if name[0] not in _INPUTS_AND_LABELS and name != CLASS_NAMES
        ]
        if wanted and wanted not in self.source and others:
            self.notes.append(
                f"{self.path.name} has no array {wanted!r} of labels, but {', '.join(others)}: "
                "rename the one with the labels, or name it (--y-key)."
            )

    @property
    def _file(self) -> str:
        return repr(str(self.path))


def _halves(key: str, test_key: str) -> Halves:
    if key != test_key:
        return "two"
    return "test" if key == "x_test" else "one"
