"""The board that a build is for."""

from __future__ import annotations

from tinycomp.report.record import Report
from tinycomp.target.boards import Board, restored


def board_of(report: Report) -> Board:
    """The board of a report: a built-in one, or the user's own as its file was then.

    Raises:
        BoardError: a board that is not known any more.
    """
    return restored(report.board, report.own_board)
