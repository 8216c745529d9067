"""The command line as it was typed, for the record."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePath

READING = (
    "--input-scale", "--input-offset", "--x-key", "--y-key", "--labels", "--label-column",
    "--class-names", "--task",
)  # fmt: skip
"""Options of how data are read, which other commands need for the same data."""
_FOLDER = ("-o", "--output")
_WITHOUT_EFFECT = ("--force", "--library-only")


def command_line() -> str:
    """The command without what changes nothing in the result: the output folder and the folders of
    files with absolute paths, which also tell more about a computer than a report should.
    """
    return shlex.join(["tinycomp", *_words(sys.argv[1:])])


def reading_options() -> tuple[str, ...]:
    """The options of how data are read, with their values, as they were typed."""
    found: list[str] = []
    words = iter(sys.argv[1:])
    for word in words:
        if word in READING:
            found += [word, *(value for value in (next(words, None),) if value is not None)]
        elif word.startswith(tuple(f"{option}=" for option in READING)):
            found.append(word)
    return tuple(found)


def _words(typed: Sequence[str]) -> Iterator[str]:
    words = iter(typed)
    for word in words:
        if word in _FOLDER:
            next(words, None)
        elif not word.startswith(tuple(f"{option}=" for option in _FOLDER)) and (
            word not in _WITHOUT_EFFECT
        ):
            yield PurePath(word).name if PurePath(word).is_absolute() else word
