"""The Python interface: what `import tinycomp` offers. The command line calls it too.

The functions are loaded when they are used first: who only inspects a model does not wait for what
builds and trains.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinycomp.api.built import Build
    from tinycomp.api.checks import bench, verify
    from tinycomp.api.desk import flash, list_boards, list_ports, run
    from tinycomp.api.inspecting import inspect
    from tinycomp.api.models import build, quantize
    from tinycomp.api.training import compress, search

__all__ = [
    "Build",
    "bench",
    "build",
    "compress",
    "flash",
    "inspect",
    "list_boards",
    "list_ports",
    "quantize",
    "run",
    "search",
    "verify",
]

_HOMES = {
    "Build": "built",
    "bench": "checks",
    "build": "models",
    "compress": "training",
    "flash": "desk",
    "inspect": "inspecting",
    "list_boards": "desk",
    "list_ports": "desk",
    "quantize": "models",
    "run": "desk",
    "search": "training",
    "verify": "checks",
}
"""The module of each name."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
