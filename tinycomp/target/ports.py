"""Linker flags for a port of firmware/ports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinycomp.common import resources


def link_flags(port: str, folders: Sequence[str | Path]) -> tuple[str, ...]:
    """The linker's flags for a port with its files in `folders`.

    A port with a linker script has its own startup code.
    """
    if not any(path.name == "link.ld" for path in resources.port_files(port)):
        return ("-lm",)
    return ("-nostartfiles", *(f"-L{folder}" for folder in folders), "-Tlink.ld", "-lm")
