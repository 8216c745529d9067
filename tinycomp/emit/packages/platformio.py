"""A PlatformIO library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class PlatformIO(Package):
    """A PlatformIO library."""

    templates: ClassVar[Mapping[str, str]] = {
        "library.json": "packages/platformio/library.json.j2",
        "README.md": "packages/platformio/README.md.j2",
    }
