"""What a kind of project says of itself: where things lie, which files it adds, how it is built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinycomp.target.boards import Board


@dataclass(frozen=True)
class ProjectPaths:
    """Where things lie in a project, relative to its folder, with slashes."""

    library: str
    """The generated library: what a user takes into a firmware of their own."""
    harness: str
    """The serial protocol around the library."""
    port: str
    """What the harness needs of the board."""


@dataclass(frozen=True)
class Recipe:
    """How the kind's own tool builds a project's serial program."""

    programs: tuple[str, ...]
    """What the tool may be called; the first that is installed is used."""
    install: str
    """How to install it, as a sentence."""
    arguments: tuple[str, ...]
    """What it is called with."""
    outputs: Mapping[str, Path]
    """Where it leaves the program, by format: elf, hex, bin, uf2. Not every board has all."""


class ProjectKind(ABC):
    """One kind of project. Its name is the name of its module and of its folder of templates."""

    templates: ClassVar[Mapping[str, str]]
    """The files that it adds: the template of each, below templates/projects."""
    editable: ClassVar[frozenset[str]]
    """Files that users are meant to edit: written once, and theirs as soon as they differ."""
    sample: ClassVar[str | None] = None
    """The file that holds one input of the model, so that it belongs to the library's version."""
    has_main: ClassVar[bool] = False
    """The harness' main.c is the program; other kinds have a sketch or a main of their own."""

    @abstractmethod
    def paths(self, prefix: str) -> ProjectPaths:
        """Where things lie, for a library whose names begin with the prefix."""

    def context(self, board: Board, prefix: str) -> dict[str, object]:
        """What its templates need beside what all templates of projects get."""
        return {}

    @abstractmethod
    def recipe(self, board: Board, project: Path, prefix: str) -> Recipe:
        """How its tool builds the serial program of a project, the folder of which is given."""

    def missing(self, board: Board) -> str | None:
        """What `build` lacks on this computer; None where nothing is missing."""
        return None

    def build(self, board: Board, project: Path, prefix: str, build: Path) -> Path | None:
        """Build the project's serial program with the kind's own tools.

        Args:
            board: what it is built for.
            project: the folder of the project.
            prefix: of the library's names.
            build: where objects and the program are left.

        Returns:
            The program (ELF); None where the board's compiler alone builds it, without a project.

        Raises:
            BoardError: the folder holds a project of another kind.
            ToolError: a tool is missing, or the program does not compile or link.
        """
        return None
