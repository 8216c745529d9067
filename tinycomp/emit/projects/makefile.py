"""A Makefile that builds the library, the harness and the board's port with a GCC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from tinycomp.common.installing import install_command
from tinycomp.emit.projects._kind import ProjectKind, ProjectPaths, Recipe
from tinycomp.target.boards import Board
from tinycomp.target.ports import link_flags


class Makefile(ProjectKind):
    """`make` builds the serial program, `make run` starts it."""

    templates: ClassVar[Mapping[str, str]] = {
        "Makefile": "makefile/Makefile.j2",
        "README.md": "makefile/README.md.j2",
    }
    editable = frozenset({"Makefile", "README.md", "harness/main.c"})
    has_main = True

    def paths(self, prefix: str) -> ProjectPaths:
        """Three folders."""
        return ProjectPaths("library", "harness", "port")

    def recipe(self, board: Board, project: Path, prefix: str) -> Recipe:
        """The Makefile's first target."""
        return Recipe(
            ("make",),
            f"Install make: {install_command(['make'])}.",
            ("-C", str(project)),
            {"elf": project / "build" / f"{prefix}.elf"},
        )

    def context(self, board: Board, prefix: str) -> dict[str, object]:
        """The linker's flags, and the command that runs the program."""
        return {
            "link_flags": link_flags(board.port, ["port"]),
            "run": _run(board, prefix),
            "run_help": f"runs it under {board.emulator.program}" if board.emulator else "runs it",
        }


def _run(board: Board, prefix: str) -> list[str]:
    """The shell command that runs the program with its serial line on the terminal."""
    program = f"build/{prefix}.elf"
    if board.emulator is None:
        return [f"./{program}"]
    emulator = board.emulator
    cpu = ["-cpu", emulator.cpu] if emulator.cpu else []
    command = [emulator.program, "-M", emulator.machine, *cpu, *emulator.args]
    return [*command, "-nographic", "-kernel", program]
