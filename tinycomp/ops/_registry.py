"""Finds the operators: every public module of tinycomp.ops defines one subclass of Operator."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import tinycomp.ops
from tinycomp.ir.operator import Operator


@cache
def operators() -> dict[str, type[Operator]]:
    """All operators by name, in alphabetical order."""
    found: dict[str, type[Operator]] = {}
    for module in pkgutil.iter_modules(tinycomp.ops.__path__):
        if module.name.startswith("_"):
            continue
        namespace = vars(importlib.import_module(f"tinycomp.ops.{module.name}"))
        for value in namespace.values():
            if (
                isinstance(value, type)
                and issubclass(value, Operator)
                and value.__module__ == f"tinycomp.ops.{module.name}"
            ):
                found[value.name] = value
    return dict(sorted(found.items()))


@cache
def by_tflite_name() -> dict[str, type[Operator]]:
    """Operators by the TFLite builtin that they read."""
    return {name: op for op in operators().values() for name in op.tflite_names}


@cache
def by_keras_name() -> dict[str, type[Operator]]:
    """Operators by the Keras layer class that they read."""
    return {name: op for op in operators().values() for name in op.keras_names}
