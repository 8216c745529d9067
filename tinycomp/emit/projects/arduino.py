"""An Arduino library with two sketches: one inference printed, and the serial protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tinycomp.common.errors import BoardError
from tinycomp.emit.projects._kind import ProjectKind, ProjectPaths, Recipe
from tinycomp.target import arduino
from tinycomp.target.boards import Board
from tinycomp.target.project_tables.arduino import Arduino


class ArduinoLibrary(ProjectKind):
    """A library for the Arduino IDE and arduino-cli."""

    templates: ClassVar[Mapping[str, str]] = {
        "library.properties": "arduino/library.properties.j2",
        "README.md": "arduino/README.md.j2",
        "examples/once/once.ino": "once.cpp.j2",
        "examples/once/sample.h": "sample.h.j2",
        "examples/serial/serial.ino": "serial.cpp.j2",
    }
    sample = "examples/once/sample.h"
    editable = frozenset(templates)

    def paths(self, prefix: str) -> ProjectPaths:
        """The library in the IDE's layout; harness and port in the serial sketch."""
        return ProjectPaths("src", "examples/serial/src", "examples/serial/src")

    def context(self, board: Board, prefix: str) -> dict[str, object]:
        """The include path of the harness in the sketch."""
        return {"server": "src/server.h"}

    def recipe(self, board: Board, project: Path, prefix: str) -> Recipe:
        """arduino-cli builds the serial sketch with this library."""
        build, sketch = project / "build", project / "examples" / "serial"
        fqbn = board.settings.fqbn if isinstance(board.settings, Arduino) else ""
        return Recipe(
            ("arduino-cli",),
            "Install arduino-cli (arduino.github.io/arduino-cli), then "
            f"`arduino-cli core install {':'.join(fqbn.split(':')[:2])}`.",
            (
                "compile", "--fqbn", fqbn, "--library", str(project),
                "--build-path", str(build), str(sketch),
            ),
            {form: build / f"serial.ino.{form}" for form in ("elf", "hex", "bin")},
            f"{board.compiler.prefix}gcc and the core in {arduino.CORE}",
        )  # fmt: skip

    def missing(self, board: Board) -> str | None:
        """The board's core, if it is not installed."""
        return None if arduino.is_available(board) else "Arduino core"

    def build(self, board: Board, project: Path, prefix: str, build: Path) -> Path:
        """Build the serial sketch like the Arduino IDE."""
        sketch = project / Path(self.paths(prefix).harness).parent
        if not sketch.is_dir():
            raise BoardError(
                f"{project} holds no sketch for {board.name}.",
                hint=f"Build the model with --board {board.name}.",
            )
        return arduino.build_sketch(board, project, sketch, build)
