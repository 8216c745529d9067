"""An ESP-IDF component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class EspIdf(Package):
    """The component of the projects for Espressif's chips, for other projects."""

    cores = ("xtensa", "rv32")
    templates: ClassVar[Mapping[str, str]] = {
        "CMakeLists.txt": "projects/platformio/esp_idf/component.cmake.j2",
        "Kconfig": "projects/platformio/esp_idf/Kconfig.j2",
        "idf_component.yml": "packages/esp_idf/idf_component.yml.j2",
        "README.md": "packages/esp_idf/README.md.j2",
    }
