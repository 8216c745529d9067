"""The lines of a TOML file on which its keys are, for messages: tomllib does not keep them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

Key = tuple[str, ...]
"""A key with the tables that it is in: ("memory", "flash")."""
_LONGEST = 200
"""Lines of one value; a longer one is passed over line by line."""


def lines_of(text: str) -> dict[Key, int]:
    """The line of each key and each table, from 1; of lists of tables only the last table's.

    Args:
        text: valid TOML; of what is not valid, nothing is found.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    found: dict[Key, int] = {}
    table: Key = ()
    at = 0
    while at < len(lines):
        values, count = _statement(lines, at)
        keys = list(_keys(values))
        if lines[at].lstrip().startswith("["):
            table = keys[-1] if keys else ()
            keys = [()] if keys else []
        for key in keys:
            found[(*table, *key)] = at + 1
        at += count
    return found


def _statement(lines: list[str], at: int) -> tuple[dict[str, Any], int]:
    """The values of the statement that begins on a line, and the number of its lines."""
    for count in range(1, min(_LONGEST, len(lines) - at) + 1):
        try:
            return tomllib.loads("\n".join(lines[at : at + count])), count
        except (ValueError, RecursionError):
            continue
    return {}, 1


def _keys(values: object, of: Key = ()) -> Iterator[Key]:
    """The keys in a statement's values, those of its tables after them."""
    if isinstance(values, list) and of:
        values = next((each for each in values if isinstance(each, dict)), None)
    if isinstance(values, dict):
        for name, value in values.items():
            yield (*of, name)
            yield from _keys(value, (*of, name))
