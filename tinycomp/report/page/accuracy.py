"""Accuracy: scores of all executions, and how outputs are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinycomp.report.axes import Frame, round_ticks
from tinycomp.report.numbers import show_metric
from tinycomp.report.record import AccuracyRecord, HistogramRecord, MetricRecord

_PARTS, _MISTAKES = 20, 12
"""Maximum number of outputs or confusion matrix classes shown; for more classes, the number of
mistakes shown.
"""
_FRAME = Frame(width=420, height=240, left=52)

View = dict[str, Any]


def accuracy(accuracy: AccuracyRecord, precision: str) -> View:
    """Executions in rows, metrics in columns; then each output, and the confusion matrix.

    Args:
        accuracy: the scores.
        precision: what the model is quantized to, of the report.
    """
    executions = {
        "float": "float model",
        "dense_int8": f"{precision}, not compressed",
        "int8": f"{precision}, as emitted",
    }
    return {
        "output": accuracy.output,
        "metrics": [metric.metric for metric in accuracy.metrics],
        "samples": accuracy.samples,
        "rows": [
            {"label": label, "values": _metric_values(accuracy.metrics, key)}
            for key, label in executions.items()
            if getattr(accuracy, key) is not None
        ],
        "outputs": _outputs(accuracy, executions),
        "confusion": _confusion(accuracy),
        "errors": _errors(accuracy.errors, executions) if accuracy.errors else None,
    }


def _metric_values(metrics: Sequence[MetricRecord], key: str) -> list[str]:
    values = [(each.metric, getattr(each, key)) for each in metrics]
    return ["" if value is None else show_metric(metric, value) for metric, value in values]


def _outputs(accuracy: AccuracyRecord, executions: Mapping[str, str]) -> View | None:
    """Metrics of each output: of the float model, if there is one, and of the emitted one."""
    if not accuracy.by_output:
        return None
    keys = [key for key in ("float", "int8") if getattr(accuracy, key) is not None]
    rows = [
        {
            "name": output.name,
            "values": [text for key in keys for text in _metric_values(output.metrics, key)],
        }
        for output in accuracy.by_output
    ]
    headings = [metric.metric for metric in accuracy.by_output[0].metrics]
    return {
        "groups": [executions[key] for key in keys],
        "headings": headings,
        "rows": rows[:_PARTS],
        "more": len(rows) - len(rows[:_PARTS]),
    }


def _confusion(accuracy: AccuracyRecord) -> View | None:
    """The whole matrix if it is small, else the most frequent mistakes."""
    matrix, names = accuracy.confusion, accuracy.classes
    if not matrix:
        return None
    mistakes = sorted(
        (-count, i, j)
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if count and i != j
    )
    small = len(names) <= _PARTS
    return {
        "names": names if small else (),
        "rows": [
            {
                "name": names[i],
                "counts": [
                    {"value": n, "right": i == j, "share": n / (sum(row) or 1)}
                    for j, n in enumerate(row)
                ],
            }
            for i, row in enumerate(matrix)
        ]
        if small
        else [],
        "mistakes": [
            {"true": names[i], "found": names[j], "count": -count}
            for count, i, j in mistakes[: 0 if small else _MISTAKES]
        ],
        "classes": len(names),
    }


def _errors(found: HistogramRecord, executions: Mapping[str, str]) -> View:
    """Two bars for each bin, side by side: the float model's and the emitted model's."""
    most = max((*found.float, *found.int8), default=0) or 1
    kinds = (
        [("float", found.float), ("int8", found.int8)] if found.float else [("int8", found.int8)]
    )
    bins = len(found.int8)
    width = (_FRAME.right - _FRAME.left) / bins
    bars = [
        {
            "kind": kind,
            "x": round(_FRAME.left + width * (number + 0.1 + 0.8 * place / len(kinds)), 1),
            "y": _FRAME.up(count / most),
            "width": round(0.8 * width / len(kinds), 1),
            "height": round(_FRAME.foot - _FRAME.up(count / most), 1),
            "title": f"{_edge(found.edges[number])} to {_edge(found.edges[number + 1])}: {count:,}",
        }
        for place, (kind, counts) in enumerate(kinds)
        for number, count in enumerate(counts)
        if count
    ]
    low, high = found.edges[0], found.edges[-1]
    return {
        "what": found.what,
        "frame": _FRAME,
        "bars": bars,
        "kinds": [(kind, executions[kind]) for kind, _ in kinds],
        "across": [
            (_FRAME.across((tick - low) / (high - low)), f"{tick:g}")
            for tick in round_ticks(low, high)
        ],
        "up": [(_FRAME.up(tick / most), f"{tick:,.0f}") for tick in _whole_ticks(most)],
    }


def _whole_ticks(most: int) -> list[float]:
    return [tick for tick in round_ticks(0, most) if tick == round(tick)]


def _edge(value: float) -> str:
    return f"{value:.3g}"
