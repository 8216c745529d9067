"""Commands that only show things; they import heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinycomp.cli.app import command, console, emit, shown
from tinycomp.cli.options import Force, origin_of
from tinycomp.cli.project_file import ProjectCommand
from tinycomp.cli.terminal_progress import TerminalProgress
from tinycomp.common.errors import ModelError
from tinycomp.options.compress import SIZES_BOARD


@command(ProjectCommand)
def inspect(
    path: Annotated[Path, typer.Argument(help="A model file, or a folder of a build.")],
    board: Annotated[
        str, typer.Option(help="The board that flash, RAM and instructions are estimated for.")
    ] = SIZES_BOARD,
) -> None:
    """Show a model layer by layer and what it would need, or the report of a build."""
    from tinycomp import api
    from tinycomp.common.progress import Silent
    from tinycomp.frontend.formats import is_saved_model
    from tinycomp.report import inspection

    if path.is_dir() and not is_saved_model(path):
        from tinycomp.report import terminal
        from tinycomp.report.record import REPORT_NAME, read_report, to_json

        if not (path / REPORT_NAME).exists():
            raise ModelError(
                f"'{path}' is neither the folder of a build nor a SavedModel.",
                expected=f"Expected {REPORT_NAME} in it, as 'tinycomp build' writes it, or "
                "saved_model.pb.",
                hint="Name the model file.",
            )
        report = read_report(path)
        emit(lambda: to_json(report))
        origin = origin_of(path, report)
        terminal.show(console, report, origin, verbose=shown.verbose)
        return
    progress = Silent() if shown.as_json else TerminalProgress(("Reading", "Estimating"))
    found = api.inspect(path, board=board, progress=progress)
    emit(lambda: inspection.to_json(found))
    console.print(inspection.tables(found))


@command()
def boards(
    name: Annotated[
        str | None, typer.Argument(help="Show all of this board: a name, or a board file's path.")
    ] = None,
) -> None:
    """List the boards, or show all of one."""
    from tinycomp.device.firmware_build import state_of
    from tinycomp.report.boards import board_content, board_details, board_table
    from tinycomp.target.boards import list_boards, load_board

    if name is not None:
        board = load_board(name)
        emit(lambda: board_content(board, state_of(board)))
        console.print(board_details(board, state_of(board)))
        return
    emit(lambda: [board_content(board, state_of(board)) for board in list_boards()])
    console.print(board_table((board, state_of(board)) for board in list_boards()))
    console.print(
        "Flash and RAM: KB that a model may use. Emulated here: verified and timed. Stand-in: that "
        "emulated board has its core, verifies and times in its place. Compiled here: sizes only. "
        "Described only: no compiler here. None was run on a real board."
    )


@command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path(
        "demo-out"
    ),
    force: Force = False,
) -> None:
    """Train a small model on handwritten digits, then compress, build, verify and bench it."""
    from tinycomp.cli import demo as demonstration
    from tinycomp.report import terminal
    from tinycomp.report.record import to_json

    report = demonstration.run(output, force, TerminalProgress())
    emit(lambda: to_json(report))
    terminal.show(console, report, origin_of(output, report), verbose=shown.verbose)
    console.print(f"Wrote {output}")
