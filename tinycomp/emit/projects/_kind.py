"""The interface of a kind of project: locations, further files, and how it is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinycomp.target.boards import Board


@dataclass(frozen=True)
class ProjectPaths:
    """Locations in a project, relative to its folder, with slashes."""

    library: str
    """The generated library, for the user's own firmware."""
    harness: str
    """The serial protocol around the library."""
    port: str
    """The board-specific part of the harness."""


@dataclass(frozen=True)
class Recipe:
    """How the kind's build tool builds the serial program."""

    programs: tuple[str, ...]
    """Possible command names of the tool; the first one installed is used."""
    install: str
    """How to install it, as a sentence."""
    arguments: tuple[str, ...]
    """Arguments of the tool."""
    outputs: Mapping[str, Path]
    """The built program, by format: elf, hex, bin, uf2. Not every board has all."""
    instead: str = ""
    """What ProjectKind.build takes if no program is installed, "avr-gcc"; empty: it can't build."""


class ProjectKind(ABC):
    """One kind of project. Its name is the name of its module and of its folder of templates."""

    templates: ClassVar[Mapping[str, str]]
    """The files that it adds: the template of each, below templates/projects."""
    editable: ClassVar[frozenset[str]]
    """Files that users are meant to edit: kept once they were edited."""
    sample: ClassVar[str | None] = None
    """The file with one input of the model, which is replaced with the library."""
    has_main: ClassVar[bool] = False
    """Whether the harness's main.c is the program; other kinds have their own sketch or main."""

    @abstractmethod
    def paths(self, prefix: str) -> ProjectPaths:
        """The locations for a library with this prefix."""

    def further(self, board: Board, prefix: str) -> Mapping[str, str]:
        """More files for some boards, like `templates`; users are meant to edit them too."""
        return {}

    def further_port(self, board: Board) -> tuple[str, str] | None:
        """A second port for the files of `further`, and the folder of its own files; those that it
        shares with the board's port are where those are. None: there is none.
        """
        return None

    def context(self, board: Board, prefix: str) -> dict[str, object]:
        """Additional variables for its templates."""
        return {}

    @abstractmethod
    def recipe(self, board: Board, project: Path, prefix: str) -> Recipe:
        """The recipe for the serial program of a project in a folder."""

    def missing(self, board: Board) -> str | None:
        """What is missing on this computer for `build`; None if nothing is."""
        return None

    def build(self, board: Board, project: Path, prefix: str, build: Path) -> Path | None:
        """Build the project's serial program with the kind's build tools.

        Args:
            board: the target.
            project: the folder of the project.
            prefix: of the library's names.
            build: folder for objects and the program.

        Returns:
            The program (ELF); None if the board's compiler builds it without a project.

        Raises:
            BoardError: the folder has a project of another kind.
            ToolError: a tool is missing, or the program does not compile or link.
        """
        return None
