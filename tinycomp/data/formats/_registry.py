"""Finds the formats of data: every public module defines one subclass of DataFormat."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

import tinycomp.data.formats
from tinycomp.common.errors import DataError
from tinycomp.data.formats._format import DataFormat


@cache
def formats() -> tuple[DataFormat, ...]:
    """All formats, in alphabetical order of their modules."""
    found = []
    for module in sorted(pkgutil.iter_modules(tinycomp.data.formats.__path__), key=_name):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.data.formats.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, DataFormat)
                and value.__module__ == name
            ):
                found.append(value())
    return tuple(found)


def format_of(path: Path) -> DataFormat:
    """The format of a data file or folder.

    Raises:
        DataError: it does not exist, or is of no known format.
    """
    known = [each.described for each in formats()]
    expected = f"Expected {', '.join(known[:-1])} or {known[-1]}."
    if not path.exists():
        raise DataError(f"There is no data file {str(path)!r}.", expected=expected)
    for each in formats():
        if each.accepts(path):
            return each
    if path.is_dir():
        raise DataError(
            f"{str(path)!r} is a folder without samples: {_contents(path)}.",
            expected=expected,
            hint="Name a file, or a folder with one folder for each class (docs/data.md).",
        )
    raise DataError(
        f"{str(path)!r} is of no known kind of data.",
        expected=expected,
        hint="Write arrays with numpy.savez('data.npz', x_train=x, y_train=y).",
    )


def _contents(folder: Path, most: int = 5) -> str:
    """What a folder holds, as the end of a sentence."""
    names = sorted(f"{each.name}/" if each.is_dir() else each.name for each in folder.iterdir())
    if not names:
        return "it is empty"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"it holds {', '.join(names[:most])}{more}"


def _name(module: pkgutil.ModuleInfo) -> str:
    return module.name
