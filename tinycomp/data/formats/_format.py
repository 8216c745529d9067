"""The interface of a format of data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from tinycomp.data.source import Source
from tinycomp.options.data import DataOptions


class DataFormat(ABC):
    """Reads one format. Every public module of this folder defines one."""

    described: ClassVar[str]
    """The format in a list of formats, such as "an .npz"."""
    takes: ClassVar[tuple[str, ...]] = ()
    """Fields of DataOptions that not every format takes."""

    @abstractmethod
    def accepts(self, path: Path) -> bool:
        """Whether an existing file or folder is of this format, by its name or, for folders, by the
        names in it.
        """

    @abstractmethod
    def open(self, path: Path, options: DataOptions) -> Source:
        """Its arrays.

        Raises:
            DataError: it can't be read.
            ToolError: a package that reads it is missing.
        """
