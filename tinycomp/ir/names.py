"""Unique names: the frontends and the oracle give the tensors of a file the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def free_name(name: str, taken: Collection[str]) -> str:
    """The name itself, or with a number appended if it is taken."""
    candidate, count = name, 1
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate


def unique_names(names: Iterable[bytes | None]) -> list[str]:
    """The names of a .tflite's tensors as text; a repeated name gets a number appended."""
    found: dict[str, None] = {}
    for name in names:
        text = name.decode("utf-8", "replace") if name else "tensor"
        found[free_name(text, found)] = None
    return list(found)
