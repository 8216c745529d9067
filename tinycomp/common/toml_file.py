"""Reads TOML files that users write, with a clear error for whatever is wrong with one, and writes
those that tinycomp makes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
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


def toml_text(values: Mapping[str, Any]) -> str:
    """A TOML file with these values: plain values first, then tables and lists of tables.

    Args:
        values: text, numbers, booleans, lists, tables by text keys. Tables inside of lists and of
            tables of the second level are written inline.
    """
    plain = {key: value for key, value in values.items() if not _is_table(value)}
    lines = [f"{_key(key)} = {toml_value(value)}" for key, value in plain.items()]
    for key, value in values.items():
        if key in plain:
            continue
        listed = not isinstance(value, Mapping)
        for table in value if listed else [value]:
            lines += ["", f"[[{_key(key)}]]" if listed else f"[{_key(key)}]"]
            lines += [f"{_key(name)} = {toml_value(inner)}" for name, inner in table.items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _is_table(value: object) -> bool:
    listed = isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value)
    return bool(isinstance(value, Mapping) or listed)


def _key(name: str) -> str:
    bare = bool(name) and all(each.isascii() and (each.isalnum() or each in "-_") for each in name)
    return name if bare else toml_value(name)


def toml_value(value: object) -> str:
    """One value: text, a number, a boolean, a list or an inline table."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"{value!r} has no form in TOML")
