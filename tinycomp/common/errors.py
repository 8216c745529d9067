"""The user's mistakes: one exception type, whose text names the thing, the value, what was
expected, what to try.
"""

from __future__ import annotations


class TinycompError(Exception):
    """Something the user can put right. The command line prints it as one paragraph and exits with
    code 2.
    """

    def __init__(self, what: str, *, expected: str = "", hint: str = "") -> None:
        """Join the parts of the message.

        Args:
            what: what went wrong, naming the thing (file, layer, option) and its value.
            expected: what would have been accepted.
            hint: what to try.
        """
        self.what = what
        self.expected = expected
        self.hint = hint
        super().__init__(" ".join(part for part in (what, expected, hint) if part))


class ModelError(TinycompError):
    """The model file can't be read, or holds something that is not supported."""


class DataError(TinycompError):
    """The calibration or evaluation data does not fit the model."""


class BoardError(TinycompError):
    """The board is unknown, badly described, or too small for the model."""


class ToolError(TinycompError):
    """A compiler, an emulator or another outside tool is missing or failed."""


class OverflowingError(ToolError):
    """A program that was linked is larger than the board's memory."""


class DeviceError(TinycompError):
    """The device did not answer, answered garbage, or runs another build."""


class OutputError(TinycompError):
    """The output folder can't be used."""


class DifferenceError(TinycompError):
    """Executions that must agree differ."""


class InternalError(TinycompError):
    """tinycomp itself is wrong, and noticed it. The user can only report it."""
