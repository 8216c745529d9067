"""A PlatformIO project with two environments: one inference printed, and the serial protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tinycomp.emit.projects._kind import ProjectKind, ProjectPaths, Recipe
from tinycomp.target.boards import Board


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
    editable = frozenset(templates)

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
        """The include path of the harness in the program."""
        return {"server": "server.h"}
