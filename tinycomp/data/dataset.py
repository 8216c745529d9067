"""Reads calibration and evaluation data from an .npz: real input values, one sample a row.

Rules, in this order:
1. Arrays: x_train, x_calib or x calibrates; x_test, x, x_calib or x_train evaluates; labels are
   the y of the same name. A file with a test half only calibrates on its first rows, and a note
   says so.
2. An int8 array beside x_scale and x_zero_point means (x - x_zero_point) * x_scale; every other
   integer array means its numbers as they are. Then real = x * scale + offset (DataOptions).
3. A sample has the model's input shape, but for axes of length 1; further axes in front count
   samples.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.ir.tensor import Array, Shape

CALIBRATION_KEYS = ("x_train", "x_calib", "x")
TEST_KEYS = ("x_test", "x", "x_calib", "x_train")
TEST_ONLY_ROWS = 100
"""Rows that calibrate where a file has a test half only."""

_NAMES = "x_train and x_test, x_calib, or x"
_ARCHIVE = "Expected an .npz archive as numpy.savez writes it."
_CONVENTION = "Options: --x-key, --y-key, --input-scale, --input-offset."


@dataclass(frozen=True)
class DataOptions:
    """How to read an .npz that differs from the convention.

    x_key, y_key: arrays to use for calibration and evaluation both. scale, offset: real =
    x * scale + offset (pixels 0..255 for a model that wants 0..1: scale 1/255).
    calibration_samples, test_samples: at most so many, evenly spaced; None takes all.
    """

    x_key: str | None = None
    y_key: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    calibration_samples: int | None = 500
    test_samples: int | None = None


@dataclass(frozen=True, eq=False)
class Dataset:
    """Real inputs, float32 (samples, *input shape), and class indices, int64, where known.

    x, y calibrate; x_test, y_test evaluate. notes: what a reader of the results has to know.
    """

    x: Array
    y: Array | None
    x_test: Array
    y_test: Array | None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load_data(path: Path, input_shape: Shape, options: DataOptions | None = None) -> Dataset:
    """Read an .npz for a model whose input has the given shape (no batch axis).

    Only the arrays that are used leave the file; nothing in it is executed (no pickles).

    Raises:
        DataError: no such file, not an .npz, arrays missing, of a wrong shape or type, empty, not
            finite, all samples equal, or not as many labels as samples.
    """
    options = options or DataOptions()
    with _open(path) as archive:
        reader = _Reader(path, archive, input_shape, options)
        return reader.dataset()


def require_data_file(path: Path) -> None:
    """Refuse a data file that is not there.

    Raises:
        DataError: it is not.
    """
    if not path.is_file():
        raise DataError(f"There is no data file {str(path)!r}.", expected=_ARCHIVE)


@contextmanager
def _open(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    require_data_file(path)
    expected = _ARCHIVE
    with path.open("rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise DataError(f"{str(path)!r} is not an .npz archive.", expected=expected) from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{str(path)!r} holds a single array.", expected=expected)
        with archive:
            yield archive


@dataclass(frozen=True)
class _Reader:
    """One archive, and how to read it."""

    path: Path
    archive: Mapping[str, Array]
    input_shape: Shape
    options: DataOptions

    def dataset(self) -> Dataset:
        """Choose the arrays, read and check them."""
        named = (self.options.x_key,) if self.options.x_key else ()
        key = self._first(named or (*CALIBRATION_KEYS, *TEST_KEYS))
        test_key = self._first(named or TEST_KEYS)
        x, y = self._samples(key)
        x_test, y_test = (x, y) if key == test_key else self._samples(test_key)
        rows = spread(len(x), self.options.calibration_samples)
        if key == "x_test":
            rows = np.arange(min(len(rows), TEST_ONLY_ROWS))
        test_rows = spread(len(x_test), self.options.test_samples)
        calibration = self._real(key, x[rows])
        self._require_variety(key, calibration)
        return Dataset(
            calibration,
            None if y is None else y[rows],
            self._real(test_key, x_test[test_rows]),
            None if y_test is None else y_test[test_rows],
            self._class_names(),
            self._notes(key, test_key, len(rows)),
        )

    def _first(self, keys: tuple[str, ...]) -> str:
        for key in keys:
            if key in self.archive:
                return key
        wanted = f"the array {keys[0]!r}" if len(keys) == 1 else f"any of {_NAMES}"
        there = ", ".join(self.archive) or "nothing"
        raise DataError(
            f"{self._file} does not hold {wanted}; it holds {there}.",
            hint="Rename its arrays, or name the one with the inputs (--x-key).",
        )

    def _samples(self, key: str) -> tuple[Array, Array | None]:
        """Raw samples of the input's shape, and their labels."""
        raw = self._load(key)
        if raw.dtype.kind not in "biuf":
            raise self._error(
                f"Array {key!r} holds values of type {raw.dtype}.", "Expected real numbers."
            )
        leading = _leading_axes(raw.shape, self.input_shape)
        if leading is None:
            raise self._error(
                f"Array {key!r} has the shape {raw.shape}: samples of shape {raw.shape[1:]}, "
                f"but the model's input has the shape {self.input_shape}.",
                "Samples need the input's shape; only axes of length 1 may differ.",
            )
        if raw.size == 0:
            raise self._error(f"Array {key!r} is empty.", "Expected at least one sample.")
        x = raw.reshape(-1, *self.input_shape)
        return x, self._labels(key, len(x))

    def _labels(self, x_key: str, samples: int) -> Array | None:
        key = self.options.y_key
        if key is None:
            key = f"y{x_key[1:]}" if x_key.startswith("x") else ""
            if key not in self.archive:
                return None
        elif key not in self.archive:
            self._first((key,))
        labels = self._load(key)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1 or labels.dtype.kind not in "biu":
            raise self._error(
                f"Array {key!r} holds {labels.dtype} of shape {labels.shape}.",
                "Expected one class index (an integer) for each sample.",
            )
        if len(labels) != samples:
            raise self._error(
                f"Array {key!r} holds {len(labels)} labels, but {x_key!r} {samples} samples.",
                "Expected one class index for each sample.",
            )
        return labels.astype(np.int64)

    def _real(self, key: str, raw: Array) -> Array:
        """Real values, float32; float64 in between."""
        x = raw.astype(np.float32)
        if raw.dtype == np.int8 and {"x_scale", "x_zero_point"} <= set(self.archive):
            x = (x - np.float32(self._load("x_zero_point"))) * np.float32(self._load("x_scale"))
        if (self.options.scale, self.options.offset) != (1.0, 0.0):
            x = x * np.float32(self.options.scale) + np.float32(self.options.offset)
        if not np.isfinite(x).all():
            raise self._error(
                f"Array {key!r} holds NaN or infinite values.", "Expected finite numbers."
            )
        return x

    def _require_variety(self, key: str, x: Array) -> None:
        if (x == x.flat[0]).all() or (len(x) > 1 and (x == x[0]).all()):
            raise self._error(
                f"All {len(x)} samples of {key!r} are the same, so they show no range of values.",
                "Calibration needs samples as the model will see them.",
            )

    def _class_names(self) -> tuple[str, ...]:
        if "class_names" not in self.archive:
            return ()
        return tuple(str(name) for name in self._load("class_names"))

    def _notes(self, key: str, test_key: str, rows: int) -> tuple[str, ...]:
        notes = []
        if key == "x_test":
            notes.append(
                f"{self.path.name} has a test half only: calibrated on its first {rows} samples."
            )
        elif key == test_key:
            notes.append(f"{self.path.name} has no test half: {key!r} calibrates and evaluates.")
        return tuple(notes)

    def _load(self, key: str) -> Array:
        try:
            return self.archive[key]
        except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise self._error(
                f"Array {key!r} can't be read (pickled objects or a damaged file).",
                "Expected numbers as numpy.savez writes them.",
            ) from error

    @property
    def _file(self) -> str:
        return repr(str(self.path))

    def _error(self, what: str, expected: str) -> DataError:
        return DataError(f"{self._file}: {what}", expected=expected, hint=_CONVENTION)


def spread(count: int, limit: int | None) -> Array:
    """Indices of at most `limit` of `count` rows, evenly spaced from the first on."""
    chosen = count if limit is None else min(count, limit)
    return np.arange(chosen) * count // max(1, chosen)


def _leading_axes(shape: Shape, sample: Shape) -> int | None:
    """How many leading axes count samples if the others are a sample; None where they are not."""
    wanted = [n for n in sample if n != 1]
    for leading in range(1, len(shape) + 1):
        if [n for n in shape[leading:] if n != 1] == wanted and (leading == 1 or wanted):
            return leading
    return None
