"""Packages that are also functions of the Python interface: tinycomp.compress(model, ...) trains a
model smaller, and tinycomp.compress.Channels is one of the techniques.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

INTERFACE = "tinycomp.api"


class _Called(ModuleType):
    """A package; called, it is the function of its name in INTERFACE."""

    @property
    def _function(self) -> Callable[..., Any]:
        """The function, imported when it is needed: it is far above the package."""
        name = self.__name__.rpartition(".")[2]
        found: Callable[..., Any] = getattr(importlib.import_module(INTERFACE), name)
        return found

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)


def make_callable(package: str) -> None:
    """Let a package be called as the function of its name."""
    sys.modules[package].__class__ = _Called
