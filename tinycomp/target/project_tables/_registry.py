"""Finds the tables: every public module defines one subclass of Section."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import tinycomp.target.project_tables
from tinycomp.target.section import Section


@cache
def project_tables() -> dict[str, type[Section]]:
    """The tables by name, in alphabetical order."""
    found: dict[str, type[Section]] = {}
    for module in pkgutil.iter_modules(tinycomp.target.project_tables.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.target.project_tables.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Section) and value.__module__ == name:
                found[module.name] = value
    return dict(sorted(found.items()))
