"""Reads TOML files that users write, with a clear error for whatever is wrong with one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tinycomp.common.errors import TinycompError

_LONGEST = 80


def read_toml(path: Path, title: str, error: type[TinycompError] = TinycompError) -> dict[str, Any]:
    """The values of a file, UTF-8 with or without a byte order mark.

    Args:
        path: the file.
        title: its name in messages.
        error: the type of the exception.

    Raises:
        TinycompError: of the given type; the file can't be read or is not valid TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as reason:
        raise error(f"{title} can't be read: {reason.strerror}.") from reason
    except RecursionError as reason:
        raise error(f"{title} is not valid TOML: its values are nested too deep.") from reason
    except ValueError as reason:  # also integers with more digits than Python reads
        raise error(f"{title} is not valid TOML: {reason}.") from reason


def shown(value: object) -> str:
    """A value as text for a message, cut to a readable length."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return "a value that is too long to show"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
