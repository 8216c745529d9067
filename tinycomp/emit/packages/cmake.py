"""A CMake package, for find_package, FetchContent and add_subdirectory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class CMake(Package):
    """A CMake package, for find_package, FetchContent and add_subdirectory."""

    templates: ClassVar[Mapping[str, str]] = {
        "CMakeLists.txt": "packages/cmake/CMakeLists.txt.j2",
        "README.md": "packages/cmake/README.md.j2",
    }
