"""Milliseconds at a board's clock, from counted instructions or cycles."""

from __future__ import annotations

from tinycomp.report.record import TimeRecord
from tinycomp.target.boards import Board, Pace

_EXACT = Pace(least=1.0, most=1.0, why="")


def time_of(
    board: Board, stand_in: Board | None, ticks: int, unit: str, per_second: int | None = None
) -> TimeRecord | None:
    """Duration of one inference on a board.

    Args:
        board: the board with its clock.
        stand_in: the emulated board that was measured; None: the board itself.
        ticks: the measured count.
        unit: "instructions", "cycles" or "microseconds".
        per_second: the ticks of a second by the board's own clock, which cycles and microseconds
            are divided by; None: the clock of the board file, and no time from microseconds.

    Returns:
        The time, exact if the board's own cycles or time were measured; None if the clock or the
        cycles per instruction are not known.
    """
    if stand_in is None and board.clock is not None and unit != "instructions" and per_second:
        time = 1000 * ticks / per_second
        return TimeRecord(board.name, per_second if unit == "cycles" else board.clock, time, time)
    if unit == "cycles" and stand_in is None:
        pace: Pace | None = _EXACT
    elif unit in ("instructions", "cycles"):
        pace = board.pace or (stand_in.pace if stand_in else None)
    else:
        pace = None
    if board.clock is None or pace is None:
        return None
    least, most = (1000 * ticks * each / board.clock for each in (pace.least, pace.most))
    counted = "instruction" if unit == "instructions" or not stand_in else "cycle of the stand-in"
    why = f"{pace.least:g} to {pace.most:g} cycles per {counted}: {pace.why}"
    return TimeRecord(board.name, board.clock, least, most, why if pace.why else "")
