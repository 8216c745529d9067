"""Finds installed programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def find_program(names: Sequence[str]) -> str | None:
    """The first installed one of several programs: its name if it is on the PATH, else its path in
    this Python's folder; None if there is none.
    """
    for name in names:
        if shutil.which(name):
            return name
        if found := shutil.which(name, path=own_folder()):
            return found
    return None


def own_folder() -> str:
    """The folder of this Python, where pip installs programs."""
    return str(Path(sys.executable).parent)
