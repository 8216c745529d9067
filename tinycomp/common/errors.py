"""Errors that the user can correct. Each names the thing, its value, what was expected, and what to
try.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class TinycompError(Exception):
    """Something that the user can correct. The command line prints it as one paragraph and exits
    with its code.
    """

    code: ClassVar[int] = 2
    """Exit code: 1 executions differ, 2 usage or input, 3 does not fit, 4 a tool is missing."""

    def __init__(self, what: str, *, expected: str = "", hint: str = "") -> None:
        """Join the parts of the message.

        Args:
            what: what went wrong, naming the thing (file, layer, option) and its value.
            expected: what is accepted.
            hint: what to try.
        """
        self.what = what
        self.expected = expected
        self.hint = hint
        super().__init__(" ".join(part for part in (what, expected, hint) if part))


def numbered(problems: Sequence[str]) -> str:
    """Several problems of one thing, for an error that names all of them."""
    return " ".join(f"({number}) {text}" for number, text in enumerate(problems, 1))


class ModelError(TinycompError):
    """The model file can't be read, or contains something that is not supported."""


class DataError(TinycompError):
    """The calibration or evaluation data does not fit the model."""


class BoardError(TinycompError):
    """The board is unknown, its file is invalid, or it is too small for the model."""


class FitError(BoardError):
    """The model is too large for the board, or for the sizes that were asked for."""

    code = 3


class ToolError(TinycompError):
    """A compiler, an emulator or another outside tool or package is missing or failed."""

    code = 4


class OverflowingError(ToolError):
    """A program that was linked is larger than the board's memory."""

    code = 3


class DeviceError(TinycompError):
    """The device does not answer, sends invalid replies, or runs another build."""


class OutputError(TinycompError):
    """The output folder can't be used."""


class DifferenceError(TinycompError):
    """Executions that must agree differ."""

    code = 1


class InternalError(TinycompError):
    """A bug in tinycomp that its own checks found. The user can only report it."""
