"""Base of a kind of package: the layout of its files, and what must be known to write them."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar

from tinycomp.target.boards import Board

LONGEST_NAME = 63
"""Of an Arduino library; other systems allow more."""


class Package(ABC):
    """A kind of package. Its name is the name of its module, with hyphens."""

    templates: ClassVar[Mapping[str, str]]
    """Template of each file besides the library, a path below templates/; names may hold
    {prefix}.
    """
    library: ClassVar[str] = "src"
    """Folder of the library's files."""
    cores: ClassVar[tuple[str, ...]] = ()
    """Beginnings of the names of cores that its build system compiles for; empty: any."""

    def fits(self, board: Board) -> bool:
        """Whether its build system compiles for a board's core."""
        return not self.cores or board.cpu.startswith(self.cores)


def package_name(prefix: str) -> str:
    """The package's name. Arduino reserves names that begin with its own."""
    reserved = prefix.lower().startswith("arduino")
    return (f"tc_{prefix}" if reserved else prefix)[:LONGEST_NAME]


def package_version(generator: str, model_hash: str) -> str:
    """A semantic version that changes with the model: build metadata is part of its hash."""
    return f"{generator}+{model_hash[:8]}"
