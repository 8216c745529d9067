"""A report as one self-contained HTML page, without scripts.

Numbers are formatted here and placed by the templates (templates/report).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import jinja2

from tinycomp.common import resources
from tinycomp.report.memory_chart import Rectangle, Segment, memory_chart
from tinycomp.report.numbers import INTERRUPTS, show_metric, show_share, show_time
from tinycomp.report.record import (
    AccuracyRecord,
    BufferRecord,
    EstimateRecord,
    LatencyRecord,
    LayerRecord,
    MemoryRecord,
    MetricRecord,
    Report,
)  # fmt: skip
from tinycomp.report.shares import CODE, shares

HTML_NAME = "report.html"
"""Name of the page in an output folder."""

_KINDS = {
    "tensor": "tensors",
    "scratch": "scratch",
    "state": "counters of a pushed input",
}
_NAMED, _NUMBERED, _HIGH, _THIN = 10.0, 2.5, 5.0, 1.0
"""Minimum size of a rectangle in percent: width for its name, width for its layer's number, height
for either; and the width up to which it has no side borders.
"""
_SPACED, _EACH = 5.0, 5
"""Minimum width in percent of a layer to number it on the axis; else only every fifth is."""
_BAR = 65.0
"""Maximum percentage of a cell for a bar beside a number."""
_BUFFERS = 12
"""Number of the largest buffers listed before the rest is folded."""

_EXECUTIONS = {
    "float": "float model",
    "dense_int8": "int8, not compressed",
    "int8": "int8, as emitted",
}
_PARTS, _MISTAKES = 20, 12
"""Maximum number of outputs or confusion matrix classes shown; for more classes, the number of
mistakes shown.
"""

View = dict[str, Any]


@cache
def environment() -> jinja2.Environment:
    """Of the templates of pages."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates() / "report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda value: f"{value:.3f}%"
    return environment


def html(report: Report) -> str:
    """The page; sections without data are omitted."""
    view = {
        "report": report,
        "figures": list(_figures(report)),
        "accuracy": _accuracy(report.accuracy) if report.accuracy else None,
        "shares": _shares(report),
        "flash": _flash(report),
        "memory": _memory(report.memory) if report.memory and report.memory.spans else None,
        "latency": _latency(report.latency, report.layers, report.stand_in)
        if report.latency
        else None,
    }
    return environment().get_template("report.html.j2").render(view)


def _figures(report: Report) -> Iterable[View]:
    """The most important figures, in a few words."""
    accuracy, flash, ram, latency = report.accuracy, report.flash, report.ram, report.latency
    if accuracy and accuracy.int8 is not None:
        value = show_metric(accuracy.metric, accuracy.int8)
        yield _figure("Accuracy", value, f"{accuracy.metric}, {accuracy.samples:,} samples")
    if flash:
        plain = f"; plain int8 {report.plain.flash.total:,}" if report.plain else ""
        part = _part(flash.total, report.room.flash if report.room else None)
        yield _figure("Flash", _bytes(flash.total), f"{flash.total:,} bytes{part}{plain}")
    if ram:
        stack = "stack not measured" if ram.stack is None else f"stack {ram.stack:,}"
        arena = ram.arena + ram.scratch
        state = f", state {ram.state:,}" if ram.state else ""
        part = _part(ram.total, report.room.ram if report.room else None)
        yield _figure("RAM", _bytes(ram.total), f"arena {arena:,}{state}, {stack}{part}")
    if latency:
        rate = f"{latency.value / report.model.macs:.2f} per MAC" if report.model.macs else ""
        yield _figure(latency.unit.capitalize(), _short(latency.value), rate)
    whole = report.stream.whole if report.stream else None
    if latency and whole is not None and whole.latency:
        times = f"{whole.latency / latency.value:.1f} times those of a hop"
        yield _figure(f"{latency.unit.capitalize()} of a window", _short(whole.latency), times)
    if latency and latency.time:
        kind = "Time" if latency.time.exact else "Time, estimated"
        value, _, clock = show_time(latency.time).partition(" at ")
        yield _figure(kind, value, f"{latency.time.board} at {clock}")
    if latency and latency.estimate:
        found = latency.estimate
        time = f"{1000 * found.cycles / found.clock:.1f} ms at {found.clock / 1e6:g} MHz"
        yield _figure("Cycles, estimated", _short(found.cycles), time)


def _part(used: int, room: int | None) -> str:
    """How much of the board's bytes are used, after other figures."""
    return f"; {show_share(used, room)}" if room else ""


def _figure(label: str, value: str, detail: str) -> View:
    return {"label": label, "value": value, "detail": detail}


def _bytes(count: int) -> str:
    for unit, size in (("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def _short(count: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)


def _accuracy(accuracy: AccuracyRecord) -> View:
    """Executions in rows, metrics in columns; then each output, and the confusion matrix."""
    return {
        "metrics": [metric.metric for metric in accuracy.metrics],
        "samples": accuracy.samples,
        "rows": [
            {"label": label, "values": _metric_values(accuracy.metrics, key)}
            for key, label in _EXECUTIONS.items()
            if getattr(accuracy, key) is not None
        ],
        "outputs": _outputs(accuracy),
        "confusion": _confusion(accuracy),
    }


def _metric_values(metrics: Sequence[MetricRecord], key: str) -> list[str]:
    values = [(each.metric, getattr(each, key)) for each in metrics]
    return ["" if value is None else show_metric(metric, value) for metric, value in values]


def _outputs(accuracy: AccuracyRecord) -> View | None:
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
        "groups": [_EXECUTIONS[key] for key in keys],
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
            {"name": names[i], "counts": [{"value": n, "right": i == j} for j, n in enumerate(row)]}
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


def _stack(parts: Sequence[tuple[str, str, int]]) -> list[View]:
    """A stacked bar of parts (colour, label, value)."""
    whole = sum(value for _, _, value in parts) or 1
    return [
        {"color": color, "label": label, "value": value, "share": 100 * value / whole}
        for color, label, value in parts
    ]


def _shares(report: Report) -> View | None:
    """Layers by number, then parts that belong to no layer; None if there is nothing to compare."""
    found = shares(report)
    unit = report.latency.unit if report.latency else ""
    columns = {"latency": unit, "flash": "flash", "ram": "RAM in use"}
    known = [key for key in columns if getattr(found, key)]
    most = {key: max(getattr(row, key) or 0 for row in found.rows) or 1 for key in known}
    rows = [
        {
            "number": number if number <= len(report.layers) else "",
            "name": row.name,
            "cells": [_cell(getattr(row, key), getattr(found, key), most[key]) for key in known],
        }
        for number, row in enumerate(found.rows, 1)
    ]
    return {"headings": [columns[key] for key in known], "rows": rows} if len(known) > 1 else None


def _cell(value: int | None, whole: int, most: int) -> View | None:
    """Length of a bar; the largest value gets the full space."""
    return {"share": 100 * value / whole, "width": _BAR * value / most} if value else None


def _flash(report: Report) -> View:
    weights = report.weight_bytes
    rows = shares(report).rows
    code = sum(row.flash or 0 for row in rows if row.name == CODE and row.latency is None)
    whole = sum(row.flash or 0 for row in rows)
    parts = [("b", "weights", weights), ("c", "other constants", whole - weights - code)]
    if report.flash:
        parts.insert(0, ("a", "code", report.flash.code))
    most = max((each.weight_bytes + each.constant_bytes for each in report.layers), default=0) or 1
    layers = [
        {
            "number": number,
            "layer": layer,
            "bytes": layer.weight_bytes + layer.constant_bytes,
            "weights": 100 * layer.weight_bytes / most,
            "constants": 100 * layer.constant_bytes / most,
            "share": 100 * (layer.weight_bytes + layer.constant_bytes) / (whole or 1),
        }
        for number, layer in enumerate(report.layers, 1)
    ]
    return {"parts": _stack(parts), "whole": whole, "layers": layers}


def _memory(memory: MemoryRecord) -> View:
    chart = memory_chart(memory)
    numbers = {span.layer: str(number) for number, span in enumerate(memory.spans, 1)}
    rectangles = [
        {
            "kind": each.buffer.kind + (" thin" if each.width < _THIN else ""),
            "left": each.left, "width": each.width, "bottom": each.bottom, "height": each.height,
            "label": _label(each, numbers),
            "title": f"{_name(each.buffer)}: {each.buffer.size:,} bytes at {each.buffer.offset:,}",
        }
        for each in chart.rectangles
    ]  # fmt: skip
    segments = [
        {"width": width, "label": _axis_label(each, width), "streamed": each.width > 1}
        for each, width in chart.segments
    ]
    buffers = sorted(memory.buffers, key=lambda buffer: -buffer.size)
    rows = [
        {"name": _name(each), "buffer": each, "width": 100 * each.size / (buffers[0].size or 1)}
        for each in buffers
    ]
    return {
        "rectangles": rectangles,
        "segments": segments,
        "ticks": [(tick, 100 * tick / memory.arena) for tick in chart.ticks],
        "kinds": [
            (kind, text)
            for kind, text in _KINDS.items()
            if any(buffer.kind == kind for buffer in memory.buffers)
        ],
        "buffers": rows[:_BUFFERS],
        "smaller": rows[_BUFFERS:],
        "arena": memory.arena,
        "steps": memory.steps,
    }


def _label(rectangle: Rectangle, numbers: Mapping[str, str]) -> str:
    """The label that fits into a rectangle: a name, or the layer's number in the tables."""
    if rectangle.height < _HIGH or rectangle.width < _NUMBERED:
        return ""
    if rectangle.width >= _NAMED:
        return _name(rectangle.buffer)
    names = rectangle.buffer.names
    return numbers.get(names[-1], "") if names and rectangle.buffer.kind == "tensor" else ""


def _name(buffer: BufferRecord) -> str:
    if buffer.kind == "state":
        return "counters"
    if len(buffer.names) > 2:
        names = f"{buffer.names[0]} to {buffer.names[-1]}"
    else:
        names = ", ".join(buffer.names)
    return ("scratch of " if buffer.kind == "scratch" else "") + names


def _axis_label(segment: Segment, width: float) -> str:
    """Layers, numbered as in the tables."""
    first, last = segment.first_layer + 1, segment.last_layer + 1
    if first != last:
        return f"{first}\u2013{last}"
    return str(first) if width >= _SPACED or first % _EACH == 0 else ""


def _latency(latency: LatencyRecord, layers: Sequence[LayerRecord], stand_in: str | None) -> View:
    values = {layer.name: layer.value for layer in latency.layers}
    whole = sum(values.values()) or 1
    most = max(values.values(), default=0) or 1
    rows = [
        {
            "number": number,
            "layer": layer,
            "value": values[layer.name],
            "rate": f"{values[layer.name] / layer.macs:.2f}" if layer.macs else "",
            "width": 100 * values[layer.name] / most,
            "share": 100 * values[layer.name] / whole,
        }
        for number, layer in enumerate(layers, 1)
        if layer.name in values
    ]
    return {
        "value": latency.value,
        "unit": latency.unit,
        "stand_in": stand_in,
        "time": latency.time,
        "interrupts": INTERRUPTS.get(latency.interrupts),
        "rows": rows,
        "estimate": _estimate(latency.estimate) if latency.estimate else None,
    }


def _estimate(estimate: EstimateRecord) -> View:
    counted = sorted(estimate.mix.items(), key=lambda item: -item[1])
    parts = [
        (color, kind.replace("_", " "), count)
        for color, (kind, count) in zip("abcdefg", counted, strict=True)
        if count
    ]
    return {"record": estimate, "parts": _stack(parts)}
