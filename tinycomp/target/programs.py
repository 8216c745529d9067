"""Finds programs that are installed on this computer."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def find_program(names: Sequence[str]) -> str | None:
    """The first of several programs that is installed: as it is called where it is on the path,
    else by its path in this Python's folder; None where there is none.
    """
    for name in names:
        if shutil.which(name):
            return name
        if found := shutil.which(name, path=own_folder()):
            return found
    return None


def own_folder() -> str:
    """Where pip puts programs beside this Python."""
    return str(Path(sys.executable).parent)
