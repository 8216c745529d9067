"""The Typer application and the two consoles that every command writes to."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from tinycomp import __version__

app = typer.Typer(
    name="tinycomp",
    help="Compiles trained Keras models to firmware that is small, fast, and verified.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def _version(wanted: bool) -> None:
    if wanted:
        console.print(f"tinycomp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    pass
