"""Reads a table of comma-separated values: one sample a row, one value a column, and a column of
labels.

The label column is the one named by --label-column, else one called label, class, target or y, else
the only one of text. A first row that holds no numbers where the second does is a header. Where
cells are not separated by commas, numbers may have decimal commas, as spreadsheets write them in
much of Europe.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.formats._format import DataFormat
from tinycomp.data.source import ArraySource, Source, listed
from tinycomp.ir.tensor import Array
from tinycomp.options.data import DataOptions

LABELS = ("label", "labels", "class", "target", "y")
"""Names of label columns, in any case."""
_DELIMITERS = ",;\t"
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)")
_OPTION = "Name the column of labels with --label-column, by its name or its number from 1."


@dataclass(frozen=True)
class Table:
    """The cells of a file, as text."""

    path: Path
    """The file, for messages."""
    columns: tuple[str, ...]
    """Names; numbers from 1 without a header."""
    rows: list[list[str]]
    """The cells of each sample."""
    lines: list[int]
    """The line of each row in the file, from 1."""
    has_header: bool
    """Whether the names are from the file."""
    has_decimal_commas: bool
    """Whether numbers in the file have a comma where `rows` have a point."""

    def column(self, index: int) -> list[str]:
        """The cells of one column."""
        return [row[index] for row in self.rows]


class CsvTable(DataFormat):
    """A table with one sample a row."""

    described: ClassVar[str] = "a .csv with a column of labels"
    takes: ClassVar[tuple[str, ...]] = ("label_column",)

    def accepts(self, path: Path) -> bool:
        """By its name."""
        return path.is_file() and path.suffix.lower() in (".csv", ".tsv")

    def open(self, path: Path, options: DataOptions) -> Source:
        """x (samples, columns), and y.

        Raises:
            DataError: it is no table of numbers, or has no such column of labels.
        """
        table = read_table(path)
        label = _label_column(table, options.label_column)
        kept = [n for n in range(len(table.columns)) if n != label]
        if not kept:
            raise DataError(
                f"{str(path)!r} has no columns but that of labels.",
                expected="Expected a column for each value of a sample.",
            )
        arrays = {"x": _numbers(table, kept)}
        if label is not None:
            arrays["y"] = _labels(table.column(label))
        columns = tuple(table.columns[n] for n in kept)
        source = ArraySource(arrays, flat=True, columns=columns)
        source.notes.append(_note(table, label, options.label_column is None))
        return source


def read_table(path: Path) -> Table:
    """The cells of a file, all rows of the same length.

    Raises:
        DataError: it can't be read, is empty, or has rows of different lengths.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows, lines = [], []
        delimiter = _delimiter(text)
        reader = csv.reader(text.splitlines(), delimiter=delimiter, strict=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except OSError as error:
        raise DataError(f"{str(path)!r} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{str(path)!r} is not a table of text: {error}.",
            expected="Expected comma-separated values in UTF-8.",
        ) from error
    has_commas = delimiter != "," and _replace_decimal_commas(rows)
    has_header = _has_header(rows)
    if len(rows) <= has_header:
        raise DataError(
            f"{str(path)!r} holds no samples.", expected="Expected one row for each sample."
        )
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(rows[0]):
            raise DataError(
                f"Line {line} of {str(path)!r} has {len(row)} cells, line {lines[0]} has "
                f"{len(rows[0])}.",
                expected="Expected as many in each line.",
            )
    names = rows[0] if has_header else [str(n + 1) for n in range(len(rows[0]))]
    return Table(path, tuple(names), rows[has_header:], lines[has_header:], has_header, has_commas)


def _delimiter(text: str) -> str:
    """The one that splits the first line into most cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _replace_decimal_commas(rows: list[list[str]]) -> bool:
    """Turn "1,5" into "1.5" in all cells; returns whether there were any."""
    found = False
    for row in rows:
        for n, cell in enumerate(row):
            if number := _DECIMAL_COMMA.fullmatch(cell):
                row[n], found = ".".join(number.groups()), True
    return found


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: text where the second has numbers, or all text."""
    if not rows:
        return False
    numbers = [_is_number(cell) for cell in rows[0]]
    if len(rows) == 1:
        return not any(numbers)
    below = [_is_number(cell) for cell in rows[1]]
    return any(there and not here for here, there in zip(numbers, below, strict=False))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _label_column(table: Table, wanted: str | None) -> int | None:
    """The index of the column of labels; None if there is none.

    Raises:
        DataError: there is no column of the wanted name.
    """
    if wanted is not None:
        if wanted in table.columns:
            return table.columns.index(wanted)
        if wanted.isdecimal() and 1 <= int(wanted) <= len(table.columns):
            return int(wanted) - 1
        raise DataError(
            f"{str(table.path)!r} has no column {wanted!r}; it has {listed(table.columns)}.",
            hint=_OPTION,
        )
    lower = [name.lower() for name in table.columns]
    for name in LABELS:
        if table.has_header and name in lower:
            return lower.index(name)
    text = [n for n, cell in enumerate(table.rows[0]) if cell and not _is_number(cell)]
    return text[0] if len(text) == 1 else None


def _numbers(table: Table, kept: list[int]) -> Array:
    """The values of these columns (samples, columns), float64.

    Raises:
        DataError: a cell is no number.
    """
    try:
        return np.array([[float(row[n]) for n in kept] for row in table.rows])
    except ValueError:
        pass
    for row, line in zip(table.rows, table.lines, strict=True):
        for n in kept:
            if not _is_number(row[n]):
                what = f"holds {row[n][:40]!r}" if row[n] else "is empty"
                raise DataError(
                    f"Line {line} of {str(table.path)!r}: column {table.columns[n]!r} {what}.",
                    expected="Expected a number in every column but that of labels.",
                    hint=_OPTION,
                )
    raise AssertionError("a cell that is no number was found before")


def _labels(cells: list[str]) -> Array:
    """Numbers if all are numbers, else strings."""
    if not all(_is_number(cell) for cell in cells):
        return np.array(cells)
    values = np.array([float(cell) for cell in cells])
    whole = np.isfinite(values).all() and (values == np.floor(values)).all()
    return values.astype(np.int64) if whole else values


def _note(table: Table, label: int | None, guessed: bool) -> str:
    name = table.path.name
    columns = len(table.columns)
    form = "" if table.has_header else ", without a header"
    form += ", with decimal commas" if table.has_decimal_commas else ""
    if label is None:
        return (
            f"{name} is read as {len(table.rows)} samples of {columns} values{form}, without "
            f"labels. {_OPTION}"
        )
    how = "" if not guessed else " (another one: --label-column)"
    return (
        f"{name} is read as {len(table.rows)} samples of {columns - 1} values{form}, labels in "
        f"column {table.columns[label]!r}{how}."
    )
