"""The page that compares two builds."""

from __future__ import annotations

from typing import Any

from tinycomp.report.comparison import Change, changes, differences, layer_changes
from tinycomp.report.html import environment
from tinycomp.report.record import Report

_WORSE, _BETTER = "bad", "good"


def comparison_page(names: tuple[str, str], before: Report, after: Report) -> str:
    """One self-contained HTML page.

    Args:
        names: how both builds are called.
        before: what is compared with.
        after: the new build.
    """
    layers = layer_changes(before, after)
    found = changes(before, after)
    timed = after.latency if any(each.latency.growth is not None for each in layers) else None
    groups = ["bytes", timed.unit] if timed else ["bytes"]
    view = {
        "names": names,
        "before": before,
        "after": after,
        "rows": [_row(change) for change in found],
        "notes": list(differences(before, after)),
        "layers": [
            {
                "name": each.name,
                "cells": [_of_layer(each.bytes), _row(each.latency)][: len(groups)],
            }
            for each in layers
            if each.is_changed
        ],
        "same": sum(not each.is_changed for each in layers),
        "groups": groups,
    }
    return environment().get_template("compare.html.j2").render(view)


def _of_layer(change: Change) -> dict[str, Any]:
    """Also of a layer that only one of both builds has."""
    row = _row(change)
    if change.before is None or change.after is None:
        row["growth"] = "new" if change.before is None else "gone"
    return row


def _row(change: Change) -> dict[str, Any]:
    most = max(change.before or 0.0, change.after or 0.0) or 1.0
    growth = change.growth or 0.0
    return {
        "label": change.label,
        "before": change.shown(change.before),
        "after": change.shown(change.after),
        "growth": change.shown_growth,
        "css": "" if not growth else _WORSE if change.is_worse else _BETTER,
        "bars": [100 * (value or 0.0) / most for value in (change.before, change.after)],
    }
