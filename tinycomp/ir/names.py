"""Names that are used once: how the frontends and the oracle call the tensors of one file alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def free_name(name: str, taken: Collection[str]) -> str:
    """The name itself, or with a number behind it where it is taken."""
    candidate, count = name, 1
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate


def unique_names(names: Iterable[bytes | None]) -> list[str]:
    """The names of a .tflite's tensors as text, with a number where an earlier one is the same."""
    found: dict[str, None] = {}
    for name in names:
        text = name.decode("utf-8", "replace") if name else "tensor"
        found[free_name(text, found)] = None
    return list(found)
