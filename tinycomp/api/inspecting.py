"""Models are looked at; builds are not imported for that."""

from __future__ import annotations

import os

from tinycomp import inspecting
from tinycomp.api._log import Logged
from tinycomp.api._model import Model, model_file
from tinycomp.api._scratch import scratch_folder
from tinycomp.common.progress import Progress
from tinycomp.options.compress import SIZES_BOARD
from tinycomp.report.inspection import Inspection


def inspect(
    model: Model, *, board: str | os.PathLike[str] = SIZES_BOARD, progress: Progress | None = None
) -> Inspection:
    """A model layer by layer, and what it would need; nothing is compiled. Of a model that can't
    be built, the reasons.

    Args:
        model: as in `build`.
        board: the board that flash, RAM and instructions are estimated for.
        progress: as in `build`.

    Raises:
        ModelError: it is damaged, or no model.
        BoardError: there is no such board.
    """
    with scratch_folder() as scratch:
        path = model_file(model, scratch)
        return inspecting.inspect(path, os.fspath(board), progress or Logged())
