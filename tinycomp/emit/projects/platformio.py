"""A PlatformIO project with two environments: one inference printed, and the serial protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tinycomp.emit.projects._kind import ProjectKind, ProjectPaths, Recipe
from tinycomp.target.boards import Board
from tinycomp.target.flash_tools.esptool import Esptool
from tinycomp.target.project_tables.platformio import PlatformIO

ESP_IDF = {
    "CMakeLists.txt": "project.cmake",
    "sdkconfig.defaults": "sdkconfig.defaults",
    "main/CMakeLists.txt": "main.cmake",
    "main/app_main.c": "app_main.c",
    "lib/{prefix}/CMakeLists.txt": "component.cmake",
    "lib/{prefix}/Kconfig": "Kconfig",
}
"""The files of a project of ESP-IDF, and their templates."""
_IN_IDF_4 = ("esp32", "esp32s2", "esp32s3", "esp32c3")
"""Chips of ESP-IDF 4.4, where the option of the frequency has the chip's name."""
_SINCE = {**dict.fromkeys(_IN_IDF_4, "4.4"), "esp32c2": "5.0", "esp32p4": "5.3"}
"""The first version of ESP-IDF for a chip; 5.1 for others."""


class PlatformIOProject(ProjectKind):
    """What `pio run` builds."""

    templates: ClassVar[Mapping[str, str]] = {
        "platformio.ini": "platformio/platformio.ini.j2",
        "README.md": "platformio/README.md.j2",
        "src/once/main.cpp": "once.cpp.j2",
        "src/once/sample.h": "sample.h.j2",
        "src/serial/main.cpp": "serial.cpp.j2",
    }
    sample = "src/once/sample.h"
    editable = frozenset(templates) | {name for name in ESP_IDF if not name.startswith("lib/")}

    def paths(self, prefix: str) -> ProjectPaths:
        """The library under lib/; harness and port beside the serial program."""
        return ProjectPaths(f"lib/{prefix}/src", "src/serial", "src/serial")

    def recipe(self, board: Board, project: Path, prefix: str) -> Recipe:
        """The environment `serial`."""
        build = project / ".pio" / "build" / "serial"
        return Recipe(
            ("pio", "platformio"),
            "Install PlatformIO: pip install platformio.",
            ("run", "--project-dir", str(project), "--environment", "serial"),
            {form: build / f"firmware.{form}" for form in ("elf", "hex", "bin", "uf2")},
        )

    def context(self, board: Board, prefix: str) -> dict[str, object]:
        """The include path of the harness in the program; the target and clock of ESP-IDF."""
        megahertz = (board.clock or 0) // 1_000_000
        target = _target(board)
        return {
            "server": "server.h", "target": target, "megahertz": megahertz,
            "in_idf_4": target in _IN_IDF_4, "idf": _SINCE.get(target or "", "5.1"),
        }  # fmt: skip

    def further(self, board: Board, prefix: str) -> Mapping[str, str]:
        """For Espressif's chips: a project of ESP-IDF in the same folder."""
        return {
            name.format(prefix=prefix): f"platformio/esp_idf/{template}.j2"
            for name, template in ESP_IDF.items()
            if _target(board)
        }

    def further_port(self, board: Board) -> tuple[str, str] | None:
        """That of ESP-IDF, beside its main program."""
        return ("silicon/esp_idf", "main") if _target(board) else None


def _target(board: Board) -> str | None:
    """The board's chip as ESP-IDF names it; None if it does not support it."""
    settings = board.settings
    if not isinstance(settings, PlatformIO) or settings.platform != "espressif32":
        return None
    tool = board.flash.tool("esptool") if board.flash and "esptool" in board.flash.tools else None
    return tool.chip if isinstance(tool, Esptool) else None
