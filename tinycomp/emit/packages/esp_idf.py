"""An ESP-IDF component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class EspIdf(Package):
    """An ESP-IDF component."""

    templates: ClassVar[Mapping[str, str]] = {
        "CMakeLists.txt": "packages/esp_idf/CMakeLists.txt.j2",
        "idf_component.yml": "packages/esp_idf/idf_component.yml.j2",
        "README.md": "packages/esp_idf/README.md.j2",
    }
