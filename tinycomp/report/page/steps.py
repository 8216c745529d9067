"""The steps of a recipe: the score over the bytes of flash, from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinycomp.report.axes import Frame, ends, round_ticks
from tinycomp.report.numbers import SHARES, show_metric
from tinycomp.report.record import StepRecord
from tinycomp.report.steps import show_scores

_FRAME = Frame(width=420, height=260, left=56)

View = dict[str, Any]


def steps(records: Sequence[StepRecord]) -> View | None:
    """A table, and a plot if the steps are scored; None without steps."""
    if not records:
        return None
    rows = [
        {
            "number": number,
            "record": each,
            "bytes": _bytes(each),
            "score": show_scores(each),
        }
        for number, each in enumerate(records)
    ]
    return {
        "rows": rows,
        "plot": _plot(records),
        "metric": records[-1].metric,
        "code": all(each.code is not None for each in records),
    }


def _bytes(step: StepRecord) -> int:
    return step.constants + (step.code or 0)


def _plot(records: Sequence[StepRecord]) -> View | None:
    scored = [(n, each, each.score) for n, each in enumerate(records) if each.score is not None]
    if len(scored) < 2:
        return None
    low, high = ends([score for _, _, score in scored])
    if records[-1].metric in SHARES:
        high = min(high, 1.0)
    left, right = ends([float(_bytes(each)) for _, each, _ in scored])
    points = [
        {
            "x": _FRAME.across((_bytes(each) - left) / (right - left)),
            "y": _FRAME.up((score - low) / (high - low)),
            "number": number,
            "title": f"{each.name}: {show_metric(each.metric, score)}, {_bytes(each):,} bytes",
        }
        for number, each, score in scored
    ]
    return {
        "frame": _FRAME,
        "points": points,
        "path": "M" + "L".join(f"{point['x']} {point['y']}" for point in points),
        "across": [
            (_FRAME.across((tick - left) / (right - left)), f"{tick:,.0f}")
            for tick in round_ticks(left, right, 4)
        ],
        "up": [
            (_FRAME.up((tick - low) / (high - low)), show_metric(records[-1].metric, tick))
            for tick in round_ticks(low, high)
        ],
    }
