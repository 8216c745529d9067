"""An Arduino library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class Arduino(Package):
    """An Arduino library."""

    cores = ("cortex-m", "atmega", "xtensa", "lx", "rv32")
    templates: ClassVar[Mapping[str, str]] = {
        "library.properties": "projects/arduino/library.properties.j2",
        "README.md": "packages/arduino/README.md.j2",
        "examples/once/once.ino": "projects/once.cpp.j2",
        "examples/once/sample.h": "projects/sample.h.j2",
    }
