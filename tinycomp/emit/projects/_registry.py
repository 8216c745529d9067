"""Finds the kinds of projects: every public module defines one subclass of ProjectKind."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import tinycomp.emit.projects
from tinycomp.emit.projects._kind import ProjectKind


@cache
def project_kinds() -> dict[str, ProjectKind]:
    """All kinds by name, in alphabetical order."""
    found: dict[str, ProjectKind] = {}
    for module in pkgutil.iter_modules(tinycomp.emit.projects.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.emit.projects.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, ProjectKind)
                and value.__module__ == name
            ):
                found[module.name] = value()
    return dict(sorted(found.items()))
