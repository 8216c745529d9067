"""The program: registers all commands, and prints errors as one paragraph."""

from __future__ import annotations

import sys

from tinycomp.cli import (  # noqa: F401  (they register their commands)
    build,
    check,
    compress,
    hardware,
    init,
    report,
    search,
    show,
)
from tinycomp.cli.app import app, errors
from tinycomp.cli.plain_text import write_any_letter
from tinycomp.common.errors import TinycompError


def main() -> None:
    """Run the command line; a user error is one paragraph on stderr and its exit code."""
    write_any_letter()
    try:
        app(prog_name="tinycomp")
    except TinycompError as error:
        errors.print("Error:", style="bold red", end=" ")
        errors.print(str(error), soft_wrap=True)
        sys.exit(error.code)
