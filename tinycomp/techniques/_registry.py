"""Finds the techniques: subclasses of Technique in public modules of tinycomp.techniques."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from tinycomp.techniques._technique import Technique


@cache
def techniques() -> dict[str, type[Technique]]:
    """All techniques by name, in alphabetical order."""
    found: dict[str, type[Technique]] = {}
    package = importlib.import_module("tinycomp.techniques")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.techniques.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            own = getattr(value, "__module__", "") == name
            if own and isinstance(value, type) and issubclass(value, Technique):
                found[value.name] = value
    return dict(sorted(found.items()))
