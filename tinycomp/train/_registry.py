"""Finds the recipe steps: float techniques and constraints that public modules of techniques and
train define.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from tinycomp.techniques._technique import Technique
from tinycomp.techniques.recipe import Recipe
from tinycomp.train.constraint import Constraint

POST_TRAINING = "post_training"
"""The step that prunes and clusters after quantization; its options are the fields of Recipe."""

Kind = type[Technique] | type[Constraint] | type[Recipe]


@cache
def kinds() -> dict[str, Kind]:
    """All steps by name, in alphabetical order."""
    found: dict[str, Kind] = {POST_TRAINING: Recipe}
    for package in ("tinycomp.techniques", "tinycomp.train"):
        for value in _classes(importlib.import_module(package)):
            if issubclass(value, Constraint) or (
                issubclass(value, Technique) and value.stage != "int8"
            ):
                assert value.name not in found, f"two steps are called {value.name}"
                found[value.name] = value
    return dict(sorted(found.items()))


def _classes(package: ModuleType) -> Iterator[type[Any]]:
    """Classes with a `name` attribute, defined in public modules of a package."""
    for module in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}"
        if module.name.startswith("_"):
            continue
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and value.__module__ == name and hasattr(value, "name"):
                yield value
