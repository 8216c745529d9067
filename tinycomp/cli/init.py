"""The init command; it imports heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinycomp.cli.app import command, console, emit
from tinycomp.cli.options import BoardName, Data, ForceFile
from tinycomp.cli.project_file import FILE
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.options.build import HOST


@command()
def init(
    model: Annotated[
        Path | None,
        typer.Argument(help="A model file; the only one in this folder by default."),
    ] = None,
    data: Data = None,
    board: BoardName = HOST,
    force: ForceFile = False,
) -> None:
    """Look at a model and its data, and write a tinycomp.toml with options for other commands."""
    from tinycomp.emit.folder import refuse_existing_file, write_file
    from tinycomp.proposal import propose

    path = Path(FILE)
    refuse_existing_file(path, force=force)
    found = propose(model, data, board, Path(), TerminalProgress())
    write_file(path, found.text.encode(), force=force)
    for line in found.lines:
        console.print(line, soft_wrap=True)
    emit(lambda: {"output": FILE})
    console.print(f"Wrote {FILE}. Next: {found.next}", soft_wrap=True)
