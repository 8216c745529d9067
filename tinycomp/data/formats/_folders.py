"""Folders of files by class, for both halves of the data or for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.source import ArraySource, LazySource, Source
from tinycomp.ir.tensor import Array

_HALVES = {"train": "_train", "training": "_train", "test": "_test", "testing": "_test"}
"""Names of halves' folders, and the endings of their arrays."""
_UNUSED = ("val", "valid", "validation")
"""Folders beside those of the halves that are not read."""


@dataclass(frozen=True)
class Half:
    """The files of one half of the data, in the order of classes."""

    suffix: str
    """The ending of its arrays' names."""
    files: tuple[Path, ...]
    """One a sample."""
    classes: tuple[int, ...]
    """The class of each; empty without classes."""

    @property
    def labels(self) -> Array:
        """The class of each sample."""
        return np.array(self.classes, np.int64)


@dataclass(frozen=True)
class ClassFolders:
    """The samples in a folder."""

    halves: tuple[Half, ...]
    """One if the data are not split."""
    class_names: tuple[str, ...]
    """Names of folders in the order of their numbers; empty if files lie in no class's folder."""
    notes: tuple[str, ...]
    """What was not read."""

    @property
    def first(self) -> Path:
        """Some file."""
        return self.halves[0].files[0]


class FolderSource(ArraySource):
    """The classes of files that have no common size before the model's input is known."""

    def __init__(self, found: ClassFolders) -> None:
        arrays = {f"y{half.suffix}": half.labels for half in found.halves if half.classes}
        if found.class_names:
            arrays["class_names"] = np.array(found.class_names)
        super().__init__(arrays)
        self.found = found
        self.notes += found.notes

    def with_inputs(
        self, read: Callable[[Sequence[Path]], Array], notes: Sequence[str] = ()
    ) -> Source:
        """With inputs that are read from the files of a half."""
        readers: dict[str, Callable[[], Array]] = {
            name: partial(self.load, name) for name in self.names
        }
        for half in self.found.halves:
            readers[f"x{half.suffix}"] = partial(read, half.files)
        source = LazySource(readers)
        source.notes = [*self.notes, *notes]
        return source


def holds(folder: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether a file with one of these suffixes is at most two folders below."""
    return folder.is_dir() and any(
        path.suffix.lower() in suffixes for path in _files(folder, depth=2)
    )


def read_folders(
    folder: Path, suffixes: tuple[str, ...], order: Sequence[str] = ()
) -> ClassFolders:
    """Find the samples of a folder that holds some.

    Args:
        folder: that of the data.
        suffixes: ends of the samples' names.
        order: the names of the classes in their order; none: they are sorted.

    Raises:
        DataError: a half has classes that the other lacks; a class has no samples; the order has
            other classes.
    """
    found = {each.name: each for each in _folders(folder)}
    parts = {name: each for name, each in found.items() if name.lower() in _HALVES}
    notes = [
        f"{folder.name}/{name} is not read: only train and test are."
        for name in found
        if parts and name not in parts and name.lower() in _UNUSED
    ]
    roots = {_HALVES[name.lower()]: each for name, each in parts.items()} or {"": folder}
    names = {suffix: tuple(c.name for c in _folders(root)) for suffix, root in roots.items()}
    classes = tuple(sorted({name for each in names.values() for name in each}))
    classes = _ordered(folder, classes, order)
    halves, odd = [], 0
    for suffix, root in roots.items():
        half = _half(root, suffix, classes, suffixes)
        halves.append(half)
        odd += sum(1 for _ in _files(root, depth=1)) - len(half.files)
    _require_all(folder, halves, classes)
    if odd:
        notes.append(f"{odd} files of {folder.name} are of other kinds, and are not read.")
    return ClassFolders(tuple(halves), classes, tuple(notes))


def _ordered(folder: Path, classes: tuple[str, ...], order: Sequence[str]) -> tuple[str, ...]:
    if not order or not classes:
        return classes
    if sorted(order) != list(classes):
        raise DataError(
            f"--class-names are {', '.join(order)}, but {str(folder)!r} has folders for "
            f"{', '.join(classes)}.",
            expected="Expected the same names, in the order of the model's outputs.",
        )
    return tuple(order)


def _half(root: Path, suffix: str, classes: tuple[str, ...], suffixes: tuple[str, ...]) -> Half:
    files: list[Path] = []
    numbers: list[int] = []
    for number, name in enumerate(classes):
        if (root / name).is_dir():
            here = [f for f in _files(root / name, depth=0) if f.suffix.lower() in suffixes]
            files += here
            numbers += [number] * len(here)
    if not classes:
        files = [f for f in _files(root, depth=0) if f.suffix.lower() in suffixes]
    return Half(suffix, tuple(files), tuple(numbers))


def _require_all(folder: Path, halves: list[Half], classes: tuple[str, ...]) -> None:
    for half in halves:
        part = f"{folder}/{half.suffix.strip('_')}" if half.suffix else str(folder)
        empty = [name for n, name in enumerate(classes) if n not in half.classes]
        if empty and half.suffix != "_test":
            raise DataError(
                f"{part!r} has no samples of {', '.join(map(repr, empty))}.",
                expected="Expected a folder with files for each class.",
                hint="Remove folders that are no classes.",
            )
        if not half.files:
            raise DataError(f"{part!r} holds no samples.", hint="Remove the folder, or fill it.")


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder in sorted order, without hidden ones."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "_")))


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Files in a folder and so many levels below in sorted order, without hidden ones."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif depth and path.is_dir():
            yield from _files(path, depth - 1)
