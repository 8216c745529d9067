"""Finds the tables of board files: every public module of a package defines one subclass of
Section.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from tinycomp.target.section import Section


def tables_of(package: ModuleType) -> dict[str, type[Section]]:
    """The tables of a package by name, in alphabetical order, with hyphens for underscores."""
    found: dict[str, type[Section]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue
        name = f"{package.__name__}.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Section) and value.__module__ == name:
                found[module.name.replace("_", "-")] = value
    return dict(sorted(found.items()))
