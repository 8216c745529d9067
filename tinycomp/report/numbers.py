"""Number formats of the terminal and the HTML page."""

from __future__ import annotations

from tinycomp.report.record import TimeRecord

SHARES = ("top-1", "accuracy")
"""Metrics that are fractions."""
_LEAST = 0.05
"""Percent that are shown as 0.1."""
INTERRUPTS = {
    "off": "none during the inference",
    "clock": "only the clock's own, a thousandth of the time",
    "counted": "those that ran during the inference are counted",
}
"""What each kind of a latency's `interrupts` means."""


def show_metric(metric: str, value: float | None) -> str:
    """A metric's value: fractions in percent, errors with four digits."""
    if value is None:
        return "not measured"
    if metric in SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if metric in ("ROC AUC", "F1", "R2") else f"{value:.4g}"


def show_share(used: int, room: int) -> str:
    """What part of a board's bytes are used."""
    return f"{show_part(used, room)} of {room:,}"


def show_part(used: int, room: int) -> str:
    """A part in percent; one that would be rounded to none is said to be small."""
    part = 100 * used / room
    return "under 0.1 %" if 0 < part < _LEAST else f"{part:.1f} %"


def show_time(time: TimeRecord) -> str:
    """Milliseconds at a board's clock: exact, or an estimate with its range."""
    at = f"at {time.clock / 1e6:g} MHz"
    if time.exact:
        return f"{time.least:.4g} ms {at}"
    return f"about {time.least:.3g} to {time.most:.3g} ms {at}"


def cut_middle(name: str, width: int) -> str:
    """A name of at most so many letters: the middle of a longer one is left out."""
    if len(name) <= width:
        return name
    kept = max(width - 1, 2)
    return f"{name[: (kept + 1) // 2]}\N{HORIZONTAL ELLIPSIS}{name[-(kept // 2) :]}"
