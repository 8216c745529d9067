"""Names of layers that Keras 2 allowed and Keras 3 refuses: those with a slash ("block1/conv")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def without_slashes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model's configuration with underscores for slashes in names, wherever they are used."""
    names = dict.fromkeys(_names(entry))
    taken = {name for name in names if "/" not in name}
    renamed: dict[str, str] = {}
    for name in names:
        if "/" in name:
            renamed[name] = _free(name.replace("/", "_"), taken)
            taken.add(renamed[name])
    return _replaced(entry, renamed) if renamed else entry


def _names(value: Any) -> Iterator[str]:
    """All names in tables, in the order of the file."""
    if isinstance(value, Mapping):
        if isinstance(value.get("name"), str):
            yield value["name"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _names(each)


def _free(name: str, taken: set[str]) -> str:
    """The name, longer if another layer has it."""
    while name in taken:
        name += "_"
    return name


def _replaced(value: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(each, renamed) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, renamed) for each in value]
    return renamed.get(value, value) if isinstance(value, str) else value
