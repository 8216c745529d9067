"""Text for files, pipes and terminals with few letters: blanks behind the text of a line are left
out, and letters that the encoding lacks are replaced (Windows writes pipes in that of the system).
"""

from __future__ import annotations

import codecs
import sys
from io import TextIOWrapper
from typing import Any

from rich.console import Console

_HANDLER = "tinycomp.plain"
_PLAIN = {
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{HORIZONTAL ELLIPSIS}": "~",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    **dict.fromkeys("█▉▊▋▌", "#"),
    **dict.fromkeys("▍▎▏", "|"),
}
"""What letters become where they can't be encoded."""


class PlainConsole(Console):
    """A console whose lines end where their text ends, unless it is a terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As Rich's; tables are padded with blanks to their width."""
        if self.is_terminal or self.quiet:
            super().print(*objects, **options)
            return
        with self.capture() as captured:
            super().print(*objects, **options)
        lines = captured.get().split("\n")
        # What is behind the last end of a line is not complete yet.
        text = "\n".join([*(line.rstrip(" ") for line in lines[:-1]), lines[-1]])
        self.file.write(text)


def write_any_letter() -> None:
    """Let standard output and errors take every letter, whatever their encoding."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    known = "".join(_PLAIN.get(letter, letter) for letter in letters)
    return known.encode("ascii", "backslashreplace").decode(), error.end
