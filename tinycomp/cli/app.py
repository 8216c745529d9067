"""The Typer application, the two consoles that every command writes to, and the options that every
command has.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from tinycomp import __version__
from tinycomp.cli.plain_text import PlainConsole

PIPED_COLUMNS = 200
"""Width of tables that are not written to a terminal, so that names are not cut."""
_HELP = {"help_option_names": ["-h", "--help"]}
_EXIT_CODES = (
    "Exit codes: 0 equal, or fits; 1 executions differ; 2 usage or input; 3 does not fit; 4 a tool "
    "is missing or failed."
)

app = typer.Typer(
    name="tinycomp",
    help="Compiles trained models (Keras, TensorFlow, PyTorch, ONNX) to firmware that is small, "
    "fast, and verified.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


def _width() -> int | None:
    wide = not sys.stdout.isatty() and not os.environ.get("COLUMNS")
    return PIPED_COLUMNS if wide else None


# Without markup: names, shapes and advice have brackets of their own.
console = PlainConsole(highlight=False, markup=False, width=_width())
errors = PlainConsole(stderr=True, highlight=False, markup=False)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print all layers and details.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@dataclass
class Shown:
    """What the running command prints."""

    quiet: bool = False
    """Errors only."""
    verbose: bool = False
    """All layers and details."""
    as_json: bool = False
    """The result as JSON, instead of text."""


shown = Shown()
"""Set when a command begins."""


Command = Callable[..., None]


def command(cls: type[TyperCommand] | None = None) -> Callable[[Command], Command]:
    """Register a command, with the options that every command has.

    Args:
        cls: Typer's class of the command; None: its usual one.
    """

    def register(function: Command) -> Command:
        run = _with_common_options(function)
        app.command(cls=cls, context_settings=_HELP, epilog=_EXIT_CODES)(run)
        return function

    return register


def _with_common_options(function: Command) -> Command:
    @functools.wraps(function)
    def run(*, quiet: bool, verbose: bool, as_json: bool, **options: Any) -> None:
        shown.quiet, shown.verbose, shown.as_json = quiet, verbose, as_json
        console.quiet = quiet or as_json
        try:
            function(**options)
        finally:
            console.quiet = False

    hints = typing.get_type_hints(function, include_extras=True)
    common = {"quiet": Quiet, "verbose": Verbose, "as_json": Json}
    parameters = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
    ]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in common.items()
    ]
    run.__annotations__ = {**hints, **common}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def emit(content: Callable[[], object]) -> None:
    """Print a command's result, if JSON is wanted.

    Args:
        content: gives what json can write, or JSON text that is written as it is.
    """
    if shown.as_json:
        found = content()
        typer.echo(found.rstrip() if isinstance(found, str) else json.dumps(found, indent=2))


def tell(text: str) -> None:
    """Print a line on what is being done to standard error, unless it must be quiet."""
    if not shown.quiet:
        errors.print(text, soft_wrap=True)


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
