"""Projects of the tiny library for each board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_project import CLASSES, content

from tinycomp.emit.example import Example
from tinycomp.emit.folder import write_folder
from tinycomp.emit.project import lay_out
from tinycomp.target.boards import load_board

Laid = Callable[..., Path]


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    """Writes the project of a board, once per session and class names; returns its folder."""
    written: dict[object, Path] = {}

    def lay(
        board: str, class_names: tuple[str, ...] = CLASSES, example: Example | None = None
    ) -> Path:
        key = (board, class_names, example)
        if key not in written:
            folder = tmp_path_factory.mktemp(board) / "tiny"
            write_folder(folder, lay_out(load_board(board), content(class_names, example)))
            written[key] = folder
        return written[key]

    return lay
