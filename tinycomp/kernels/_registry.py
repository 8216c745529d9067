"""Finds the instruction sets: one per module of tinycomp.kernels."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import tinycomp.kernels
from tinycomp.common.errors import BoardError
from tinycomp.kernels._instruction_set import InstructionSet


@cache
def instruction_sets() -> dict[str, InstructionSet]:
    """All instruction sets by name, in alphabetical order."""
    found: dict[str, InstructionSet] = {}
    for module in pkgutil.iter_modules(tinycomp.kernels.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.kernels.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if (
                isinstance(value, type)
                and issubclass(value, InstructionSet)
                and value.__module__ == name
            ):
                found[value.name] = value()
    return dict(sorted(found.items()))


def instruction_set(name: str) -> InstructionSet:
    """The instruction set of that name.

    Raises:
        BoardError: there is none.
    """
    known = instruction_sets()
    if name not in known:
        raise BoardError(
            f"There are no kernels for the instruction set {name!r}.",
            expected=f"Expected one of: {', '.join(known)}.",
        )
    return known[name]
