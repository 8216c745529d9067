"""tinycomp: compiles trained Keras models to verified C code for microcontrollers.

    build = tinycomp.build(model, (x, y), board="esp32")
    build.report.flash.total, build.simulate(x[:10])
    build.save("out")

The functions are loaded when they are used first: importing tinycomp takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tinycomp.api import (
        Build,
        bench,
        build,
        compress,
        flash,
        inspect,
        list_boards,
        list_ports,
        quantize,
        run,
        search,
        verify,
    )
    from tinycomp.common.errors import TinycompError

__all__ = [
    "Build",
    "TinycompError",
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


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "tinycomp.common.errors" if name == "TinycompError" else "tinycomp.api"
    found: object = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
