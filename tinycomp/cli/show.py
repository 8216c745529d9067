"""Commands that only show things; they import heavy modules only when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinycomp.cli.app import app, console
from tinycomp.cli.options import Force
from tinycomp.cli.terminal_progress import TerminalProgress


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A model file, or a folder of a build.")],
) -> None:
    """Show a model layer by layer, or the report of a build."""
    from tinycomp import pipeline
    from tinycomp.report import terminal
    from tinycomp.report.record import read_report

    if path.is_dir():
        terminal.show(console, read_report(path))
    else:
        summary = pipeline.inspect(path, TerminalProgress())
        console.print(terminal.layers(summary.layers, width=console.width))
        console.print(f"{summary.macs:,} multiply-accumulates, {summary.parameters:,} parameters")


@app.command()
def boards() -> None:
    """List the boards."""
    from tinycomp.report import terminal
    from tinycomp.target.boards import list_boards

    console.print(terminal.boards(list_boards()))


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path(
        "demo-out"
    ),
    force: Force = False,
) -> None:
    """Train a small model on handwritten digits, then compress, build, verify and bench it."""
    from tinycomp.cli import demo as demonstration
    from tinycomp.report import terminal

    terminal.show(console, demonstration.run(output, force, TerminalProgress()))
    console.print(f"Wrote {output}")
