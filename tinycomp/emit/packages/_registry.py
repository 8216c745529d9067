"""Finds the kinds of packages: every public module defines one subclass of Package."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache

import tinycomp.emit.packages
from tinycomp.common.errors import OutputError
from tinycomp.emit.packages._package import Package
from tinycomp.options.build import Packaging


@cache
def packages() -> dict[str, Package]:
    """All kinds by name, in alphabetical order."""
    found: dict[str, Package] = {}
    for module in pkgutil.iter_modules(tinycomp.emit.packages.__path__):
        if module.name.startswith("_"):
            continue
        name = f"tinycomp.emit.packages.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Package) and value.__module__ == name:
                found[module.name.replace("_", "-")] = value()
    return dict(sorted(found.items()))


def packaging_of(kinds: str | Sequence[str] | None, url: str | None) -> Packaging:
    """The packages named by "arduino,cmake", or by a list.

    Raises:
        OutputError: an unknown name; a url without packages.
    """
    listed = (kinds or "").split(",") if isinstance(kinds, str) else (kinds or ())
    names = tuple(name.strip() for name in listed if name.strip())
    for name in names:
        if name not in packages():
            near = difflib.get_close_matches(name, packages(), n=1)
            raise OutputError(
                f"--package names {name!r}, an unknown kind of package.",
                expected=f"Expected one of: {', '.join(packages())}.",
                hint=f"Did you mean {near[0]!r}?" if near else "",
            )
    if url is not None and not names:
        raise OutputError("--package-url needs packages.", hint="Name them with --package.")
    return Packaging(tuple(dict.fromkeys(names)), url)
