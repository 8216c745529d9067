"""Real values from stored ones: scales, what must be finite, and the names of classes."""

from __future__ import annotations

import numpy as np

from tinycomp.data.labels import as_text
from tinycomp.data.source import Source, UnreadableError
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions

SCALE, ZERO_POINT = "x_scale", "x_zero_point"
CLASS_NAMES = "class_names"
LARGEST = 1e9
"""Values beyond are no measurements; no sensor, pixel or sample of sound comes near."""


def spread(count: int, limit: int | None) -> Array:
    """Indices of at most `limit` of `count` rows, evenly spaced, starting with the first."""
    chosen = count if limit is None else min(count, limit)
    return np.arange(chosen) * count // max(1, chosen)


def require_numbers(key: str, x: Array) -> None:
    """Refuse an array of anything but real, finite numbers.

    Raises:
        UnreadableError: it is.
    """
    if x.dtype.kind not in "biuf":
        raise UnreadableError(
            f"Array {key!r} holds values of type {x.dtype}. Expected real numbers."
        )
    require_finite(key, x, np.arange(len(x)))


def require_finite(key: str, x: Array, rows: Array) -> None:
    """Refuse values that are not finite. rows: of each sample in the file.

    Raises:
        UnreadableError: some are not.
    """
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


def real_values(
    key: str, stored: Array, rows: Array, scale: tuple[float, float] | None, options: DataOptions
) -> Array:
    """The samples of these rows as real values, float32.

    Args:
        key: the array's name.
        stored: all samples; that all of them are finite is checked, not these rows alone.
        rows: indices of samples.
        scale: scale and zero point of int8 samples.
        options: scale and offset of all samples.

    Raises:
        UnreadableError: values are not finite, or beyond anything that is measured.
    """
    require_finite(key, stored, np.arange(len(stored)))
    with np.errstate(over="ignore", invalid="ignore"):
        x = stored[rows].astype(np.float32)
        if stored.dtype == np.int8 and scale is not None:
            x = (x - np.float32(scale[1])) * np.float32(scale[0])
        if (options.scale, options.offset) != (1.0, 0.0):
            x = x * np.float32(options.scale) + np.float32(options.offset)
    require_finite(key, x, rows)
    _require_measurable(key, x)
    return x


def _require_measurable(key: str, x: Array) -> None:
    """Refuse samples most of which are beyond LARGEST: single ones are outliers, not a scale."""
    if not x.size:
        return
    sizes = np.abs(x.reshape(len(x), -1)).max(axis=1)
    if np.median(sizes) > LARGEST:
        raise UnreadableError(
            f"Array {key!r} holds values up to {sizes.max():.3g}, of which int8 can't be made. "
            f"Expected measurements below {LARGEST:g}. Scale them as in training (--input-scale)."
        )


def require_variety(key: str, x: Array) -> None:
    """Refuse samples that are all the same.

    Raises:
        UnreadableError: they are.
    """
    if (x == x.flat[0]).all() or (len(x) > 1 and (x == x[0]).all()):
        raise UnreadableError(
            f"All {len(x)} samples of {key!r} are the same, so they show no range of values. "
            "Calibration needs samples as the model will see them."
        )


def stored_scale(source: Source, name: str, notes: list[str]) -> tuple[float, float] | None:
    """The scale and the zero point of int8 samples; None if the file has none.

    Args:
        source: the arrays.
        name: of the file, for a note.
        notes: receives the note if one of both is missing.

    Raises:
        UnreadableError: they are not one finite number each, or the scale is not positive.
    """
    there = [key for key in (SCALE, ZERO_POINT) if key in source]
    if len(there) == 1:
        notes.append(
            f"{name} holds {there[0]!r} alone: not used. "
            f"Int8 samples need both {SCALE!r} and {ZERO_POINT!r}."
        )
    if len(there) < 2:
        return None
    scale, zero_point = _number(source, SCALE), _number(source, ZERO_POINT)
    if scale <= 0:
        raise UnreadableError(f"{SCALE!r} is {scale:g}. Expected a number above 0.")
    return scale, zero_point


def _number(source: Source, key: str) -> float:
    values = source.load(key)
    if values.dtype.kind not in "iuf" or values.size != 1 or not np.isfinite(values).all():
        shown = np.array2string(values, threshold=3, edgeitems=1)
        raise UnreadableError(
            f"{key!r} is {' '.join(shown.split())[:60]}, of type {values.dtype} and shape "
            f"{values.shape}. Expected one finite number."
        )
    return float(values.reshape(()))


def read_class_names(source: Source) -> tuple[str, ...]:
    """The names of classes; none without such an array.

    Raises:
        UnreadableError: it is no list of strings.
    """
    if CLASS_NAMES not in source:
        return ()
    names = source.load(CLASS_NAMES)
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
