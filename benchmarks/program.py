"""Ends the benchmarks' programs: errors of the user are one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from tinycomp.common.errors import TinycompError


def ended(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and exit with its code."""
    try:
        sys.exit(main())
    except TinycompError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
