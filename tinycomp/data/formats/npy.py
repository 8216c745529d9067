"""Reads arrays that numpy.save wrote, one a file: inputs with their labels, or a folder of arrays
with the names of an .npz.

Files are mapped into memory first, so that a size which the file doesn't have is refused.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.formats._format import DataFormat
from tinycomp.data.source import LazySource, Source, UnreadableError
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions

SUFFIX = ".npy"
_INPUTS, _LABELS = "x", "y"


class Npy(DataFormat):
    """x.npy, with labels beside it in y.npy or in another file; or a folder of x_train.npy, ..."""

    described: ClassVar[str] = "an .npy of numpy.save"
    takes: ClassVar[tuple[str, ...]] = ("labels",)

    def accepts(self, path: Path) -> bool:
        """By names."""
        if path.is_dir():
            return any(path.glob(f"*{SUFFIX}"))
        return path.suffix.lower() == SUFFIX

    def open(self, path: Path, options: DataOptions) -> Source:
        """The arrays of a folder by their files' names; x and y of single files.

        Raises:
            DataError: the file of labels does not exist, or is no .npy.
        """
        if path.is_dir():
            files = {each.stem: each for each in sorted(path.glob(f"*{SUFFIX}"))}
            return _source(files)
        files, note = {_INPUTS: path}, ""
        labels = options.labels or _beside(path)
        if labels is not None:
            _require_array(labels)
            files[_LABELS] = labels
            if options.labels is None:
                note = f"Labels of {path.name} are read from {labels.name} beside it."
        source = _source(files)
        source.notes += [note] if note else []
        return source


def _beside(path: Path) -> Path | None:
    """The file of labels for x.npy or x_test.npy: y.npy or y_test.npy, if it is there."""
    if not path.stem.startswith(_INPUTS):
        return None
    found = path.with_name(f"{_LABELS}{path.name.removeprefix(_INPUTS)}")
    return found if found.is_file() else None


def _require_array(path: Path) -> None:
    if not path.is_file():
        raise DataError(
            f"There is no file of labels {str(path)!r}.",
            expected=f"Expected an {SUFFIX} with one label a sample.",
            hint="Check --labels.",
        )
    if path.suffix.lower() != SUFFIX:
        raise DataError(
            f"The labels {str(path)!r} are no {SUFFIX} file.",
            expected=f"Expected an {SUFFIX} with one label a sample.",
            hint="Write it with numpy.save('y.npy', labels).",
        )


def _source(files: dict[str, Path]) -> LazySource:
    return LazySource({name: partial(_read, path) for name, path in files.items()})


def _read(path: Path) -> Array:
    """The array of a file.

    Raises:
        UnreadableError: it is none of plain values, or is damaged.
    """
    try:
        if path.stat().st_size and _is_empty(path):
            empty: Array = np.load(path, allow_pickle=False)  # nothing can be mapped
            return empty
        return np.array(np.lib.format.open_memmap(path, mode="r"))
    except Exception as error:  # NumPy's parser raises more than a dozen kinds
        reason = (str(error) or type(error).__name__).splitlines()[0][:100]
        raise UnreadableError(
            f"File {path.name!r} can't be read ({reason}). "
            "Expected numbers or strings as numpy.save writes them."
        ) from error


def _is_empty(path: Path) -> bool:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        return 0 in read(file)[0]
