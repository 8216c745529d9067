"""The board that a build is for."""

from __future__ import annotations

from tinycomp.report.record import Report
from tinycomp.target.boards import Board, load_board, restored


def board_of(report: Report, other: str | None = None) -> Board:
    """The board of a report: a built-in one, or the user's own as its file was then.

    Args:
        report: of a build.
        other: a name or file of another board to take instead.

    Raises:
        BoardError: a board that is not known, or not any more.
    """
    return restored(report.board, report.own_board) if other is None else load_board(other)
