"""Numbers as the terminal and the page show them."""

from __future__ import annotations

_SHARES = ("top-1", "accuracy")


def show_metric(metric: str, value: float | None) -> str:
    """A metric's value: shares in percent, errors in four digits."""
    if value is None:
        return "not measured"
    if metric in _SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if metric in ("ROC AUC", "F1", "R2") else f"{value:.4g}"
